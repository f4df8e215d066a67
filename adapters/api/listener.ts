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
import { chat } from './chat.ts'
import { limits } from './chat-request.ts'
import { crossOrigin, preflight } from './cross-origin.ts'
import type { Dialect } from './dialect.ts'
import { type EmbeddingsDeps, embeddingRoute } from './embeddings.ts'
import { ApiFailure, speaksAnthropic, writeFailure } from './failure.ts'
import { messages } from './messages.ts'
import { promptText } from './messages-request.ts'
import { describedModel, type ListedModel } from './models.ts'
import { keyOf } from './normalize.ts'
import { openApiDocument } from './openapi.ts'
import { type Asked, jsonIn } from './program-request.ts'
import { responses } from './responses.ts'
import { transcriptionRoute } from './transcription.ts'

export interface ListenerDeps extends AccountDeps, AnsweringDeps, EmbeddingsDeps {
  /** Models that a key's requests can name. */
  models(key: ActiveKey): Promise<ListedModel[]>
  /** The model that transcribes; `undefined`: nothing does. */
  transcriber: string | undefined
  /** Origins of pages that may call the endpoint from a browser. */
  origins: readonly string[]
  version: string
}

/** How long the server for embeddings may take to list its models. */
const modelsMs = 3_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const startedAt = Math.floor(Date.now() / 1000)
  const answering = createAnswering(deps, intake)

  async function listModels(context: HttpContext): Promise<ListedModel[]> {
    const routed = routedNames.slice(0, 1).map((id) => ({ id, provider: 'parley' }))
    const embeds = (await deps.embeddings?.models(AbortSignal.timeout(modelsMs)).catch(() => [])) ?? []
    return [
      ...routed,
      ...(await deps.models(keyOf(context))),
      ...embeds.map((id): ListedModel => ({ id, provider: 'embeddings', does: 'embeddings' })),
      ...(deps.transcriber === undefined
        ? []
        : [{ id: deps.transcriber, provider: 'transcriber', does: 'transcription' as const }]),
    ]
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
    return context.json({ ...describedModel(model, startedAt), id })
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
          embeddingRoute(deps, answering),
          transcriptionRoute(deps, answering),
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
            handle: async (context) => {
              const data = (await listModels(context)).map((model) => describedModel(model, startedAt))
              // The last three are for Anthropic's clients.
              const [first, last] = [data[0]?.id ?? null, data.at(-1)?.id ?? null]
              return context.json({ object: 'list', data, has_more: false, first_id: first, last_id: last })
            },
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
