/** `/openapi.json`, generated from the schemas that check requests. */
import { z } from 'zod'
import { periods } from '../../src/core/window.ts'
import { apiDescriptions } from '../../src/wording/api.ts'
import { ChatRequest, refusedInChat } from './chat-request.ts'
import { EmbeddingsRequest } from './embeddings.ts'
import { MessagesRequest, TokenCountRequest } from './messages-request.ts'
import { ResponsesRequest } from './responses-request.ts'
import { transcriptFormats } from './transcription.ts'

const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const failures = (...statuses: [status: string, description: string][]) =>
  Object.fromEntries(statuses.map(([status, description]) => [status, { description, ...json(ref('Failure')) }]))

const usual = failures(
  ['400', apiDescriptions.invalid],
  ['401', apiDescriptions.keyInvalid],
  ['403', apiDescriptions.modelForbidden],
  ['404', apiDescriptions.modelUnknown],
  ['413', apiDescriptions.tooLarge],
  ['422', apiDescriptions.keyReused],
  ['429', apiDescriptions.limitReached],
  ['502', apiDescriptions.formBroken],
  ['503', apiDescriptions.unavailable],
)
const requestSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' })

function answerPath(operationId: string, summary: string, request: string, answer: string) {
  return {
    post: {
      operationId,
      summary,
      requestBody: { required: true, ...json(ref(request)) },
      responses: {
        '200': {
          description: apiDescriptions.answer,
          content: { 'application/json': { schema: ref(answer) }, 'text/event-stream': { schema: { type: 'string' } } },
        },
        ...usual,
      },
    },
  }
}

const usage = {
  type: 'object',
  required: ['prompt_tokens', 'completion_tokens', 'total_tokens'],
  properties: {
    prompt_tokens: { type: 'integer' },
    completion_tokens: { type: 'integer' },
    total_tokens: { type: 'integer' },
    prompt_tokens_details: { type: 'object', properties: { cached_tokens: { type: 'integer' } } },
    completion_tokens_details: { type: 'object', properties: { reasoning_tokens: { type: 'integer' } } },
  },
}
const toolCalls = { type: 'array', items: { type: 'object' }, description: apiDescriptions.toolCalls }
const finish = { type: 'string', enum: ['stop', 'length', 'tool_calls', 'content_filter'] }

function answerSchema(object: string, choice: object) {
  return {
    type: 'object',
    required: ['id', 'object', 'created', 'model', 'choices'],
    properties: {
      id: { type: 'string' },
      object: { const: object },
      created: { type: 'integer', description: apiDescriptions.created },
      model: { type: 'string', description: apiDescriptions.answeredBy },
      choices: { type: 'array', items: { type: 'object', required: ['index'], properties: choice } },
      usage,
      parley: { type: 'object', description: apiDescriptions.about },
    },
  }
}

export function openApiDocument(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: apiDescriptions.endpoint(Object.keys(refusedInChat)),
    },
    security: [{ key: [] }],
    paths: {
      '/v1/chat/completions': {
        post: {
          operationId: 'createChatCompletion',
          summary: apiDescriptions.complete,
          parameters: [
            {
              name: 'Idempotency-Key',
              in: 'header',
              schema: { type: 'string' },
              description: apiDescriptions.idempotencyKey,
            },
          ],
          requestBody: { required: true, ...json(ref('ChatRequest')) },
          responses: {
            '200': {
              description: apiDescriptions.answer,
              content: {
                'application/json': { schema: ref('Completion') },
                'text/event-stream': { schema: ref('Chunk') },
              },
            },
            ...usual,
          },
        },
      },
      '/v1/responses': answerPath('createResponse', apiDescriptions.respond, 'ResponsesRequest', 'Response'),
      '/v1/messages': answerPath('createMessage', apiDescriptions.message, 'MessagesRequest', 'Message'),
      '/v1/messages/count_tokens': {
        post: {
          operationId: 'countMessageTokens',
          summary: apiDescriptions.countTokens,
          requestBody: { required: true, ...json(ref('TokenCountRequest')) },
          responses: {
            '200': {
              description: apiDescriptions.tokenCount,
              ...json({
                type: 'object',
                required: ['input_tokens'],
                properties: { input_tokens: { type: 'integer' } },
              }),
            },
            ...failures(['400', apiDescriptions.invalid], ['401', apiDescriptions.keyInvalid]),
          },
        },
      },
      '/v1/embeddings': {
        post: {
          operationId: 'createEmbedding',
          summary: apiDescriptions.embed,
          requestBody: { required: true, ...json(ref('EmbeddingsRequest')) },
          responses: { '200': { description: apiDescriptions.vectors, ...json({ type: 'object' }) }, ...usual },
        },
      },
      '/v1/audio/transcriptions': {
        post: {
          operationId: 'createTranscription',
          summary: apiDescriptions.transcribe,
          requestBody: {
            required: true,
            content: {
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  required: ['file', 'model'],
                  properties: {
                    file: { type: 'string', contentMediaType: 'application/octet-stream' },
                    model: { type: 'string' },
                    response_format: { enum: transcriptFormats },
                  },
                },
              },
            },
          },
          responses: {
            '200': {
              description: apiDescriptions.transcript,
              content: {
                'application/json': { schema: { type: 'object' } },
                'text/plain': { schema: { type: 'string' } },
              },
            },
            ...usual,
          },
        },
      },
      '/v1/models': {
        get: {
          operationId: 'listModels',
          summary: apiDescriptions.listModels,
          responses: {
            '200': { description: apiDescriptions.models, ...json(ref('Models')) },
            ...failures(['401', apiDescriptions.keyInvalid]),
          },
        },
      },
      '/v1/models/{id}': {
        get: {
          operationId: 'retrieveModel',
          summary: apiDescriptions.showModel,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {
            '200': { description: apiDescriptions.model, ...json(ref('Model')) },
            ...failures(['401', apiDescriptions.keyInvalid], ['404', apiDescriptions.modelUnknown]),
          },
        },
      },
      '/v1/token': {
        post: {
          operationId: 'createToken',
          summary: apiDescriptions.createToken,
          requestBody: json({ type: 'object', properties: { scope: { type: 'string' } } }),
          responses: {
            '200': {
              description: apiDescriptions.token,
              ...json({
                type: 'object',
                required: ['access_token', 'token_type', 'expires_in', 'scope'],
                properties: {
                  access_token: { type: 'string' },
                  token_type: { const: 'Bearer' },
                  expires_in: { type: 'integer' },
                  scope: { type: 'string' },
                },
              }),
            },
            ...failures(['400', apiDescriptions.invalid], ['401', apiDescriptions.keyInvalid]),
          },
        },
      },
      '/v1/usage': {
        get: {
          operationId: 'readUsage',
          summary: apiDescriptions.readUsage,
          parameters: [{ name: 'period', in: 'query', schema: { enum: periods } }],
          responses: {
            '200': { description: apiDescriptions.keyUsage, ...json({ type: 'object' }) },
            ...failures(['401', apiDescriptions.keyInvalid], ['403', apiDescriptions.scopeMissing]),
          },
        },
      },
      '/v1/commands': {
        post: {
          operationId: 'runCommand',
          summary: apiDescriptions.runCommand,
          requestBody: {
            required: true,
            ...json({ type: 'object', required: ['command'], properties: { command: { type: 'string' } } }),
          },
          responses: {
            '200': {
              description: apiDescriptions.commandAnswer,
              ...json({ type: 'object', properties: { text: { type: 'string' }, files: { type: 'array' } } }),
            },
            ...failures(
              ['400', apiDescriptions.invalid],
              ['401', apiDescriptions.keyInvalid],
              ['403', apiDescriptions.scopeMissing],
            ),
          },
        },
      },
    },
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: {
        ChatRequest: requestSchema(ChatRequest),
        ResponsesRequest: requestSchema(ResponsesRequest),
        MessagesRequest: requestSchema(MessagesRequest),
        TokenCountRequest: requestSchema(TokenCountRequest),
        EmbeddingsRequest: requestSchema(EmbeddingsRequest),
        Response: {
          type: 'object',
          required: ['id', 'object', 'status', 'output'],
          properties: {
            id: { type: 'string' },
            object: { const: 'response' },
            status: { enum: ['completed', 'incomplete', 'failed', 'in_progress'] },
            output: { type: 'array', items: { type: 'object' } },
            usage: { type: 'object' },
            parley: { type: 'object', description: apiDescriptions.about },
          },
        },
        Message: {
          type: 'object',
          required: ['id', 'type', 'role', 'content', 'stop_reason', 'usage'],
          properties: {
            id: { type: 'string' },
            type: { const: 'message' },
            role: { const: 'assistant' },
            content: { type: 'array', items: { type: 'object' } },
            stop_reason: { enum: ['end_turn', 'max_tokens', 'tool_use', 'refusal'] },
            usage: { type: 'object' },
            parley: { type: 'object', description: apiDescriptions.about },
          },
        },
        Completion: answerSchema('chat.completion', {
          index: { type: 'integer' },
          message: {
            type: 'object',
            properties: {
              role: { const: 'assistant' },
              content: { type: ['string', 'null'] },
              reasoning_content: { type: 'string', description: apiDescriptions.reasoning },
              tool_calls: toolCalls,
              refusal: { type: 'null' },
            },
          },
          finish_reason: finish,
        }),
        Chunk: answerSchema('chat.completion.chunk', {
          index: { type: 'integer' },
          delta: {
            type: 'object',
            properties: {
              role: { const: 'assistant' },
              content: { type: 'string' },
              reasoning_content: { type: 'string', description: apiDescriptions.reasoning },
              tool_calls: toolCalls,
            },
          },
          finish_reason: { anyOf: [finish, { type: 'null' }] },
        }),
        Model: {
          type: 'object',
          required: ['id', 'object', 'created', 'owned_by'],
          properties: {
            id: { type: 'string' },
            object: { const: 'model' },
            created: { type: 'integer' },
            owned_by: { type: 'string' },
            endpoints: { type: 'array', items: { type: 'string' } },
            context_window: { type: 'integer' },
            max_output_tokens: { type: 'integer' },
            abilities: { type: 'object' },
          },
        },
        Models: {
          type: 'object',
          required: ['object', 'data'],
          properties: { object: { const: 'list' }, data: { type: 'array', items: ref('Model') } },
        },
        Failure: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['message', 'type', 'param', 'code'],
              properties: {
                message: { type: 'string' },
                type: { type: 'string' },
                param: { type: ['string', 'null'] },
                code: { type: ['string', 'null'] },
              },
            },
          },
        },
      },
    },
  }
}
