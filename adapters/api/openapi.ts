/** `/openapi.json`: what the endpoint takes and gives, from the same schemas that check it. */
import { z } from 'zod'
import { ChatRequest, ignored, refused } from './request.ts'

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
const finish = { type: 'string', enum: ['stop', 'length', 'content_filter'] }

function answerSchema(object: string, choice: object) {
  return {
    type: 'object',
    required: ['id', 'object', 'created', 'model', 'choices'],
    properties: {
      id: { type: 'string' },
      object: { const: object },
      created: { type: 'integer', description: 'Seconds since 1970.' },
      model: { type: 'string', description: 'The model that answered.' },
      choices: { type: 'array', items: { type: 'object', required: ['index'], properties: choice } },
      usage,
    },
  }
}

export function openApiDocument(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: `OpenAI's Chat Completions over Parley's routing, files and budgets. Files travel as data: URLs in the messages; citations stand in the text as [n], and their sources below it. Ignored, and named in the header x-parley-ignored: ${ignored.join(', ')}. Refused: ${Object.keys(refused).join(', ')}.`,
    },
    security: [{ key: [] }],
    paths: {
      '/v1/chat/completions': {
        post: {
          operationId: 'createChatCompletion',
          summary: 'Answers a conversation',
          parameters: [
            {
              name: 'Idempotency-Key',
              in: 'header',
              schema: { type: 'string' },
              description: 'A repeated request gets the same answer, and costs once.',
            },
          ],
          requestBody: { required: true, ...json(ref('ChatRequest')) },
          responses: {
            '200': {
              description: 'The answer; with `stream`, server-sent events that end with [DONE].',
              content: {
                'application/json': { schema: ref('Completion') },
                'text/event-stream': { schema: ref('Chunk') },
              },
            },
            ...failures(
              ['400', 'The request is not of the expected form, or asks for what Parley does not do.'],
              ['401', 'No valid API key.'],
              ['403', 'The policy does not allow this model.'],
              ['404', 'No such model.'],
              ['413', 'A file or the request is too large.'],
              ['429', 'A budget or a limit is reached; the message names it and its reset.'],
              ['503', 'No model or no database can be reached at the moment.'],
            ),
          },
        },
      },
      '/v1/models': {
        get: {
          operationId: 'listModels',
          summary: 'Models that may be asked for; `parley` lets the routing decide',
          responses: {
            '200': { description: 'The models.', ...json(ref('Models')) },
            ...failures(['401', 'No valid API key.']),
          },
        },
      },
      '/v1/models/{id}': {
        get: {
          operationId: 'retrieveModel',
          summary: 'One model',
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {
            '200': { description: 'The model.', ...json(ref('Model')) },
            ...failures(['401', 'No valid API key.'], ['404', 'No such model.']),
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
            properties: { role: { const: 'assistant' }, content: { type: 'string' }, refusal: { type: 'null' } },
          },
          finish_reason: finish,
        }),
        Chunk: answerSchema('chat.completion.chunk', {
          index: { type: 'integer' },
          delta: { type: 'object', properties: { role: { const: 'assistant' }, content: { type: 'string' } } },
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
