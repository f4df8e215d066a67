/** `/openapi.json`, generated from the schemas that check requests. */
import { z } from 'zod'
import { apiDescriptions } from '../../src/wording/api.ts'
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
      created: { type: 'integer', description: apiDescriptions.created },
      model: { type: 'string', description: apiDescriptions.answeredBy },
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
      description: apiDescriptions.endpoint(ignored, Object.keys(refused)),
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
