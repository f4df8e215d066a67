/** The HTTP side of `/v1`: who asks, what is asked, and the answer as one body or as a stream of chunks. */
import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ActiveKey } from '../../src/core/api-key.ts'
import type { Blobs } from '../../src/core/blobs.ts'
import type { HttpContext, Mount } from '../../src/core/http.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { routedNames } from '../../src/core/route-decision.ts'
import { createSemaphore } from '../../src/core/semaphore.ts'
import { keyRevokedTopic, sessionsEndedTopic } from '../../src/core/topics.ts'
import { apiErrors, apiFileErrors } from '../../src/wording/api.ts'
import { type AccountDeps, accountRoutes } from './account.ts'
import { follow, type Topics, type WaitDeps } from './answer-events.ts'
import { createAnswerWriter } from './answer-writer.ts'
import { crossOrigin, preflight } from './cross-origin.ts'
import { ApiFailure, failureFor, writeFailure } from './failure.ts'
import { aboutAnswer } from './format.ts'
import {
  extension,
  keyOf,
  normalize,
  type ParsedRequest,
  type Received,
  readRequest,
  type SentFile,
} from './normalize.ts'
import { openApiDocument } from './openapi.ts'
import { limits } from './request.ts'

export interface ListenerDeps extends AccountDeps {
  topics: Topics
  blobs: Pick<Blobs, 'put'>
  /** Models that a key's requests can name. */
  models(key: ActiveKey): Promise<{ id: string; provider: string }[]>
  /** Throws `model_unknown` unless the name is a model, an alias, or an unambiguous beginning of one. */
  checkModel(name: string): Promise<void>
  /** A picture on the web. Throws `file_*` with what is wrong with its address. */
  fetchPicture(
    url: URL,
    options: { maxBytes: number; signal: AbortSignal },
  ): Promise<{ bytes: Buffer; mediaType: string }>
  /** The digest of the request that a turn answers; `null`: not known any more. */
  digestOf(turnId: string): Promise<string | null>
  /** How many requests a key has left this minute; `undefined`: as many as it likes. */
  rate(key: ActiveKey): Promise<{ limit: number; remaining: number; resetMs: number } | undefined>
  /** Whether a key is still in use: a revoked one ends its answers. */
  isActive(key: ActiveKey): Promise<boolean>
  /** Origins of pages that may call the endpoint from a browser. */
  origins: readonly string[]
  ended: WaitDeps['ended']
  lookEveryMs?: number
  limits: { files: number; fileBytes: number; textChars: number }
  version: string
}

/** Requests that may wait for an answer at the same time, in one process. */
const maxOpen = 1000
/** How long shutdown waits for them. */
const drainMs = 20_000
/** Of a picture from the web; models take smaller ones. */
const mostPictureBytes = 20_000_000
/** Pictures fetched at a time, for all requests. */
const mostFetches = 8

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const startedAt = Math.floor(Date.now() / 1000)
  const open = new Set<Promise<void>>()
  const leaving = new AbortController()
  const fetches = createSemaphore(mostFetches)

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

  async function complete(context: HttpContext): Promise<undefined> {
    const key = keyOf(context)
    if (open.size >= maxOpen)
      throw new ApiFailure(503, apiErrors.tooManyOpen, {
        type: 'server_error',
        retryAfterMs: 2000,
      })
    const parsed = readRequest(jsonIn(context.get('body')))
    await checkLimits(parsed)
    await setRate(key, context)
    const answering = answer(parsed, key, context)
    open.add(answering)
    await answering.finally(() => open.delete(answering))
  }

  async function checkLimits({ request, text, files }: ParsedRequest): Promise<void> {
    const { limits: most } = deps
    if (text === '' && files.length === 0) throw new ApiFailure(400, apiErrors.lastMessageEmpty, { param: 'messages' })
    if (text.length > most.textChars)
      throw new ApiFailure(400, apiErrors.lastMessageTooLong(text.length, most.textChars), {
        param: 'messages',
        code: 'string_above_max_length',
      })
    if (files.length > most.files)
      throw new ApiFailure(400, apiFileErrors.tooMany(files.length, most.files), {
        param: 'messages',
      })
    const big = files.find(({ data }) => !(data instanceof URL) && data.length > most.fileBytes)
    if (big) throw new ApiFailure(413, apiFileErrors.tooLarge(big.name, most.fileBytes))
    if (!routedNames.includes(request.model)) await deps.checkModel(request.model)
  }

  /** In OpenAI's headers, by which clients slow down. */
  async function setRate(key: ActiveKey, { env: { outgoing } }: HttpContext): Promise<void> {
    const rate = await deps.rate(key)
    if (rate === undefined) return
    outgoing.setHeader('x-ratelimit-limit-requests', String(rate.limit))
    outgoing.setHeader('x-ratelimit-remaining-requests', String(rate.remaining))
    outgoing.setHeader('x-ratelimit-reset-requests', `${Math.ceil(rate.resetMs / 1000)}s`)
  }

  /** Stores the files, pictures from the web among them, until the message that refers to them is stored or refused. */
  async function store(files: SentFile[], held: AsyncDisposableStack, signal: AbortSignal): Promise<Received['files']> {
    const maxBytes = deps.limits.fileBytes
    const stored: Received['files'][number][] = []
    const put = async (file: Pick<SentFile, 'name' | 'mediaType' | 'voiceNote'>, data: Uint8Array) => {
      const blob = held.use(await deps.blobs.put(Readable.from([data]), { maxBytes }))
      const { name, mediaType, voiceNote } = file
      stored.push({ name, mediaType, voiceNote, hash: blob.hash, bytes: data.length })
    }
    // One after the other, and few at a time in all: a short request can name many large pictures.
    for (const { data, ...file } of files) {
      if (!(data instanceof URL)) await put(file, data)
      else
        await fetches.run(signal, async () => {
          const most = Math.min(maxBytes, mostPictureBytes)
          const picture = await deps.fetchPicture(data, { maxBytes: most, signal })
          const name = `${file.name}.${extension(picture.mediaType)}`
          await put({ ...file, name, mediaType: picture.mediaType }, picture.bytes)
        })
    }
    return stored
  }

  async function answer(parsed: ParsedRequest, key: ActiveKey, context: HttpContext): Promise<void> {
    const { incoming: request, outgoing: response } = context.env
    // Keeps the files until the message that refers to them is stored or refused.
    await using held = new AsyncDisposableStack()
    const repeatable = request.headers['idempotency-key']
    const id = repeatable === undefined ? randomUUID() : digest(`${key.id}\n${String(repeatable)}`)
    const ignored = parsed.ignored.filter((name) => /^[\w.-]{1,100}$/.test(name)).slice(0, 50)
    if (ignored.length > 0) response.setHeader('x-parley-ignored', ignored.join(', '))

    const gone = new AbortController()
    response.once('close', () => gone.abort())
    if (response.destroyed) gone.abort()
    await using revoked = await watchKey(key)
    // The body may have taken minutes, and the key may be revoked since its first byte.
    if (!(await deps.isActive(key))) revoked.abort()
    const stopping = AbortSignal.any([gone.signal, leaving.signal, revoked.signal])
    const checkKey = () => {
      if (revoked.signal.aborted) throw failureFor('credentials_missing', apiErrors.keyRevoked)
    }
    const files = await store(parsed.files, held, stopping).catch((error: unknown) => {
      checkKey()
      if (!stopping.aborted) throw error
    })
    checkKey()
    // The program has gone, or Parley stops: nothing was taken in yet.
    if (files === undefined || stopping.aborted) return void response.destroy()
    const writer = createAnswerWriter(response, {
      about: { id: `chatcmpl-${id}`, created: Math.floor(Date.now() / 1000), model: parsed.request.model },
      streaming: parsed.request.stream === true,
      withUsage: parsed.request.stream_options?.include_usage === true,
    })
    await using following = await follow(id, deps, writer, stopping)
    const message = normalize(parsed, { id, key, sentAt: new Date(), files })
    const received = await intake.receive(message)
    await held.disposeAsync()
    if (received.kind === 'refused') throw new ApiFailure(403, received.notice.text, { code: 'request_forbidden' })
    const { turnId } = received
    if (received.kind !== 'new' && ((await deps.digestOf(turnId)) ?? parsed.digest) !== parsed.digest)
      throw new ApiFailure(422, apiErrors.idempotencyKeyReused, { code: 'idempotency_key_reused' })
    writer.taken()
    try {
      const ended = await following.end(turnId)
      const { error, retryAfterMs } = ended.receipt
      if (ended.state === 'failed') writer.fail(failureFor(error ?? 'internal', ended.text, retryAfterMs))
      else writer.end(ended, aboutAnswer(ended, parsed.ignored))
    } catch (thrown) {
      const ended = revoked.signal.aborted || gone.signal.aborted
      if (leaving.signal.aborted) response.destroy()
      else if (!ended) throw thrown
      if (revoked.signal.aborted) writer.fail(failureFor('credentials_missing', apiErrors.keyRevoked))
      // With an Idempotency-Key the program can still ask for the answer; without one, no one will read it.
      if (revoked.signal.aborted || (gone.signal.aborted && repeatable === undefined))
        await intake
          .act({ kind: 'stop', turnId, id: randomUUID(), by: message.author, replyTarget: message.replyTarget })
          .catch(() => undefined)
    } finally {
      writer.close()
    }
  }

  /** Aborts when the key is revoked. The channel brings the message; the key is also looked up, in case that was lost. */
  async function watchKey(key: ActiveKey): Promise<AsyncDisposable & { signal: AbortSignal; abort(): void }> {
    const revoked = new AbortController()
    const look = () => {
      void deps.isActive(key).then(
        (active) => active || revoked.abort(),
        () => undefined,
      )
    }
    await using subscribed = new AsyncDisposableStack()
    subscribed.defer(
      await deps.topics.subscribe(keyRevokedTopic, (id) => {
        if (id === key.id) revoked.abort()
      }),
    )
    // Its owner may be disabled or gone.
    if (key.ownerId !== null)
      subscribed.defer(
        await deps.topics.subscribe(sessionsEndedTopic, (id) => {
          if (id === key.ownerId) look()
        }),
      )
    const subscriptions = subscribed.move()
    const looking = setInterval(look, 5 * (deps.lookEveryMs ?? 3000))
    return {
      signal: revoked.signal,
      abort: () => revoked.abort(),
      async [Symbol.asyncDispose]() {
        clearInterval(looking)
        await subscriptions.disposeAsync()
      },
    }
  }

  const fixed = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }
  const common: Pick<Mount, 'headers' | 'preflight' | 'writeError'> = {
    headers: (context) => ({ ...fixed, 'x-request-id': `req_${randomUUID()}`, ...crossOrigin(context, deps.origins) }),
    preflight: (context) => preflight(context, deps.origins),
    writeError: writeFailure,
  }
  return {
    mounts: [
      {
        prefix: '/v1',
        ...common,
        routes: [
          {
            method: 'POST',
            path: '/v1/chat/completions',
            access: ['key:ask'],
            body: { maxBytes: limits.bodyBytes },
            handle: complete,
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
    async stop() {
      const late = setTimeout(() => leaving.abort(), drainMs)
      await Promise.allSettled(open)
      clearTimeout(late)
    },
  }
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new ApiFailure(400, apiErrors.invalidJson)
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}
