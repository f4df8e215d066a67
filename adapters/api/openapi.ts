/** `/openapi.json`, generated from the schemas that check requests. */
import { z } from 'zod'
import { periods } from '../../src/core/window.ts'
import { apiDescriptions } from '../../src/wording/api.ts'
import { ChatRequest, refusedInChat } from './chat-request.ts'

const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const failures = (...statuses: [status: string, description: string][]) =>
  Object.fromEntries(statuses.map(([status, description]) => [status, { description, ...json(ref('Failure')) }]))

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
            ...failures(
              ['400', apiDescriptions.invalid],
              ['401', apiDescriptions.keyInvalid],
              ['403', apiDescriptions.modelForbidden],
              ['404', apiDescriptions.modelUnknown],
              ['413', apiDescriptions.tooLarge],
              ['422', apiDescriptions.keyReused],
              ['429', apiDescriptions.limitReached],
              ['503', apiDescriptions.unavailable],
            ),
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
        ChatRequest: z.toJSONSchema(ChatRequest, { target: 'draft-2020-12', io: 'input' }),
        Completion: answerSchema('chat.completion', {
          index: { type: 'integer' },
          message: {
            type: 'object',
            properties: {
              role: { const: 'assistant' },
              content: { type: 'string' },
              reasoning_content: { type: 'string', description: apiDescriptions.reasoning },
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
