/** The HTTP side of `/v1`: who asks, what is asked, and the answer as one body or as a stream of chunks. */
import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Blobs } from '../../src/core/blobs.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { createAnswerWriter } from './answer-writer.ts'
import { ApiFailure, failureFor, failureOf } from './failure.ts'
import { closingOf } from './format.ts'
import { type ApiKey, type Asked, normalize, readRequest, routedModels } from './normalize.ts'
import { openApiDocument } from './openapi.ts'
import { limits } from './request.ts'
import type { Topics } from './topics.ts'
import { follow, type WaitDeps } from './wait.ts'

export interface ListenerDeps {
  topics: Topics
  blobs: Pick<Blobs, 'put'>
  /** The key that a secret belongs to; `null` for none. */
  findKey(secret: string): Promise<ApiKey | null>
  /** Models that may be asked for by name. */
  models(): Promise<{ id: string; provider: string }[]>
  /** Throws `model_unknown` where no model, alias or unique beginning of one is called so. */
  checkModel(name: string): Promise<void>
  ended: WaitDeps['ended']
  lookEveryMs?: number
  limits: { files: number; fileBytes: number; textChars: number }
  version: string
  log: Log
}

/** Answers that may be waited for at the same time, in one process. */
const maxOpen = 1000
/** How long a stop waits for them. */
const drainMs = 20_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { log } = deps
  const startedAt = Math.floor(Date.now() / 1000)
  const open = new Set<Promise<void>>()
  const leaving = new AbortController()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cache-control', 'no-store')
    try {
      const path = (request.url ?? '/').split('?')[0]
      if (path === '/openapi.json') return sendJson(response, 200, openApiDocument(deps.version))
      const key = await authenticate(request)
      if (path === '/v1/chat/completions') return await complete(request, response, key)
      if (path === '/v1/models') return sendJson(response, 200, { object: 'list', data: await listModels() })
      if (path?.startsWith('/v1/models/')) return await showModel(path.slice('/v1/models/'.length), response)
      throw new ApiFailure(404, 'There is nothing at that address. See /openapi.json.', { code: 'unknown_url' })
    } catch (thrown) {
      fail(response, thrown)
    }
  }

  function fail(response: ServerResponse, thrown: unknown): void {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const error = asParleyError(thrown)
    if (!(thrown instanceof ApiFailure) && error.code === 'internal')
      log.error(errorFields(thrown), 'API request failed')
    const failure = thrown instanceof ApiFailure ? thrown : failureOf(error)
    if (failure.retryAfterMs !== undefined)
      response.setHeader('retry-after', String(Math.max(1, Math.ceil(failure.retryAfterMs / 1000))))
    sendJson(response, failure.status, failure.body)
  }

  async function authenticate(request: IncomingMessage): Promise<ApiKey> {
    const [, secret] = /^Bearer\s+(\S{8,200})\s*$/i.exec(request.headers.authorization ?? '') ?? []
    const key = secret === undefined ? null : await deps.findKey(secret)
    if (key !== null) return key
    const what = secret === undefined ? 'This needs an API key.' : 'That API key is not valid.'
    throw new ApiFailure(401, `${what} An admin makes one with \`/parley keys create\`.`, {
      type: 'authentication_error',
      code: 'invalid_api_key',
    })
  }

  async function listModels() {
    const routed = routedModels.slice(0, 1).map((id) => ({ id, provider: 'parley' }))
    return [...routed, ...(await deps.models())].map(({ id, provider }) => ({
      id,
      object: 'model' as const,
      created: startedAt,
      owned_by: provider,
    }))
  }

  async function showModel(encoded: string, response: ServerResponse): Promise<void> {
    const id = decodeURIComponent(encoded)
    const model = (await listModels()).find((each) => each.id === id)
    if (model === undefined)
      throw new ApiFailure(404, `There is no model called ${id}. GET /v1/models lists them.`, {
        param: 'model',
        code: 'model_not_found',
      })
    sendJson(response, 200, model)
  }

  async function complete(request: IncomingMessage, response: ServerResponse, key: ApiKey): Promise<void> {
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      throw new ApiFailure(405, 'Send this as a POST.', { code: 'method_not_allowed' })
    }
    if (open.size >= maxOpen)
      throw new ApiFailure(503, 'Too many answers are being waited for. Please try again in a moment.', {
        type: 'server_error',
        retryAfterMs: 2000,
      })
    const asked = readRequest(await readJson(request))
    await checkLimits(asked)
    const answering = answer(asked, key, request, response)
    open.add(answering)
    await answering.finally(() => open.delete(answering))
  }

  async function checkLimits({ request, text, files }: Asked): Promise<void> {
    const { limits: most } = deps
    if (text === '' && files.length === 0)
      throw new ApiFailure(400, 'The last message is empty. Write a question or send a file.', { param: 'messages' })
    if (text.length > most.textChars)
      throw new ApiFailure(400, `The last message has ${text.length} characters; the limit is ${most.textChars}.`, {
        param: 'messages',
        code: 'string_above_max_length',
      })
    if (files.length > most.files)
      throw new ApiFailure(400, `A request can carry ${most.files} files, and this one has ${files.length}.`, {
        param: 'messages',
      })
    const big = files.find(({ data }) => data.length > most.fileBytes)
    if (big) throw new ApiFailure(413, `${big.name} is over the limit of ${most.fileBytes / 1e6} MB.`)
    if (!routedModels.includes(request.model)) await deps.checkModel(request.model)
  }

  async function answer(asked: Asked, key: ApiKey, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Held until the message that refers to them is stored, or is refused.
    await using held = new AsyncDisposableStack()
    const hashes: string[] = []
    for (const { data } of asked.files) {
      const blob = await deps.blobs.put(Readable.from([data]), { maxBytes: deps.limits.fileBytes })
      hashes.push(held.use(blob).hash)
    }
    const repeatable = request.headers['idempotency-key']
    const id = repeatable === undefined ? randomUUID() : digest(`${key.id}\n${String(repeatable)}`)
    if (asked.ignored.length > 0) response.setHeader('x-parley-ignored', asked.ignored.join(', '))

    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const writer = createAnswerWriter(response, {
      about: { id: `chatcmpl-${id}`, created: Math.floor(Date.now() / 1000), model: asked.request.model },
      streaming: asked.request.stream === true,
      withUsage: asked.request.stream_options?.include_usage === true,
    })
    await using following = await follow(id, deps, writer, AbortSignal.any([gone.signal, leaving.signal]))
    const message = normalize(asked, { id, key, sentAt: new Date(), hashes })
    const received = await intake.receive(message)
    await held.disposeAsync()
    if (received.kind === 'refused') throw new ApiFailure(403, received.notice.text, { code: 'request_forbidden' })
    const { turnId } = received
    writer.taken()
    try {
      const ended = await following.end(turnId)
      if (ended.state === 'failed') writer.fail(failureFor(ended.receipt.error ?? 'internal', ended.text))
      else writer.end(ended, closingOf(ended))
    } catch (thrown) {
      if (leaving.signal.aborted) response.destroy()
      else if (!gone.signal.aborted) throw thrown
      // Whoever may come back for the answer gets it; otherwise nobody will read it.
      else if (repeatable === undefined)
        await intake
          .act({ kind: 'stop', turnId, id: randomUUID(), by: message.author, replyTarget: message.replyTarget })
          .catch(() => undefined)
    } finally {
      writer.close()
    }
  }

  return {
    mounts: ['/v1', '/openapi.json'].map((prefix) => ({ prefix, handle })),
    async start() {},
    async stop() {
      const late = setTimeout(() => leaving.abort(), drainMs)
      await Promise.allSettled(open)
      clearTimeout(late)
    },
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const tooLong = () =>
    new ApiFailure(413, `The request is over the limit of ${limits.bodyBytes / 1e6} MB. Send fewer or smaller files.`)
  if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) throw tooLong()
  const pieces: Buffer[] = []
  let bytes = 0
  // The rest is left unread and the connection stays, for the answer.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    bytes += piece.length
    if (bytes > limits.bodyBytes) throw tooLong()
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString())
  } catch {
    throw new ApiFailure(400, 'The body is not valid JSON.')
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}
