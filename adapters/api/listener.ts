/** The HTTP side of `/v1`: the routes of all dialects. Who asks is checked before; what is asked goes to answering.ts. */
import { randomUUID } from 'node:crypto'
import type { ActiveKey } from '../../src/core/api-key.ts'
import type { HttpContext, Mount, Route } from '../../src/core/http.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { routedNames } from '../../src/core/route-decision.ts'
import { estimateTokens } from '../../src/core/text/estimate-tokens.ts'
import { apiErrors } from '../../src/wording/api.ts'
import { type AccountDeps, accountRoutes } from './account.ts'
import { type AnsweringDeps, createAnswering } from './answering.ts'
import type { Asked } from './asked.ts'
import { chat } from './chat.ts'
import { limits } from './chat-request.ts'
import { crossOrigin, preflight } from './cross-origin.ts'
import type { Dialect } from './dialect.ts'
import { ApiFailure, speaksAnthropic, writeFailure } from './failure.ts'
import { messages } from './messages.ts'
import { promptText } from './messages-request.ts'
import { keyOf } from './normalize.ts'
import { openApiDocument } from './openapi.ts'
import { responses } from './responses.ts'

export interface ListenerDeps extends AccountDeps, AnsweringDeps {
  /** Models that a key's requests can name. */
  models(key: ActiveKey): Promise<{ id: string; provider: string }[]>
  /** Origins of pages that may call the endpoint from a browser. */
  origins: readonly string[]
  version: string
}

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const startedAt = Math.floor(Date.now() / 1000)
  const answering = createAnswering(deps, intake)

  const described = ({ id, provider }: { id: string; provider: string }) => ({
    id,
    object: 'model' as const,
    created: startedAt,
    owned_by: provider,
  })

  async function listModels(context: HttpContext) {
    const routed = routedNames.slice(0, 1).map((id) => ({ id, provider: 'parley' }))
    return [...routed, ...(await deps.models(keyOf(context)))]
  }

  async function showModel(context: HttpContext): Promise<Response> {
    const id = context.req.param('id') ?? ''
    const models = await listModels(context)
    const model = models.find((each) => each.id === id) ?? models.find((each) => `${each.provider}/${each.id}` === id)
    if (model === undefined)
      throw new ApiFailure(404, apiErrors.modelUnknown(id), {
        param: 'model',
        code: 'model_not_found',
      })
    return context.json({ ...described(model), id })
  }

  function answers<A extends Asked>(path: string, dialect: Dialect<A>): Route {
    return {
      method: 'POST',
      path,
      access: ['key:ask'],
      body: { maxBytes: limits.bodyBytes },
      async handle(context) {
        await answering.answer(dialect, dialect.read(jsonIn(context.get('body'))), keyOf(context), context)
        return undefined
      },
    }
  }

  const fixed = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }
  const common: Pick<Mount, 'headers' | 'preflight' | 'writeError'> = {
    headers: (context) => ({ ...fixed, ...requestIds(context), ...crossOrigin(context, deps.origins) }),
    preflight: (context) => preflight(context, deps.origins),
    writeError: writeFailure,
  }
  return {
    mounts: [
      {
        prefix: '/v1',
        ...common,
        routes: [
          answers('/v1/chat/completions', chat),
          answers('/v1/responses', responses),
          answers('/v1/messages', messages),
          {
            method: 'POST',
            path: '/v1/messages/count_tokens',
            access: ['key:ask'],
            body: { maxBytes: limits.bodyBytes },
            handle: (context) =>
              context.json({ input_tokens: estimateTokens(promptText(jsonIn(context.get('body')))) }),
          },
          {
            method: 'GET',
            path: '/v1/models',
            access: ['key:ask'],
            handle: async (context) =>
              context.json({ object: 'list', data: (await listModels(context)).map(described) }),
          },
          // A model's name may contain slashes.
          { method: 'GET', path: '/v1/models/:id{.+}', access: ['key:ask'], handle: showModel },
          ...accountRoutes(deps, intake),
        ],
      },
      {
        prefix: '/.well-known/jwks.json',
        ...common,
        routes: [
          {
            method: 'GET',
            path: '/.well-known/jwks.json',
            access: ['public'],
            handle: async (context) =>
              context.json(await deps.tokens.publicKeys(), 200, { 'cache-control': 'public, max-age=300' }),
          },
        ],
      },
      {
        prefix: '/openapi.json',
        ...common,
        routes: [
          {
            method: 'GET',
            path: '/openapi.json',
            access: ['page', 'key:ask'],
            handle: (context) => context.json(openApiDocument(deps.version)),
          },
        ],
      },
    ],
    connections: () => [],
    async start() {},
    stop: answering.stop,
  }
}

/** Each dialect's clients read it from a header of their own. */
function requestIds({ req }: HttpContext): Record<string, string> {
  const id = `req_${randomUUID()}`
  return speaksAnthropic(req.path) ? { 'x-request-id': id, 'request-id': id } : { 'x-request-id': id }
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new ApiFailure(400, apiErrors.invalidJson)
  }
}
