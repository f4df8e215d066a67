/** The HTTP side of `/v1`: who asks, what is asked, and the answer as one body or as a stream of chunks. */
import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Blobs } from '../../src/core/blobs.ts'
import type { HttpContext, Mount } from '../../src/core/http.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { apiErrors, apiFileErrors } from '../../src/wording/api.ts'
import { follow, type Topics, type WaitDeps } from './answer-events.ts'
import { createAnswerWriter } from './answer-writer.ts'
import { ApiFailure, failureFor, writeFailure } from './failure.ts'
import { closingOf } from './format.ts'
import { type ApiKey, normalize, type ParsedRequest, readRequest, routedModels } from './normalize.ts'
import { openApiDocument } from './openapi.ts'
import { limits } from './request.ts'

export interface ListenerDeps {
  topics: Topics
  blobs: Pick<Blobs, 'put'>
  /** Models that a request can name. */
  models(): Promise<{ id: string; provider: string }[]>
  /** Throws `model_unknown` unless the name is a model, an alias, or an unambiguous beginning of one. */
  checkModel(name: string): Promise<void>
  ended: WaitDeps['ended']
  lookEveryMs?: number
  limits: { files: number; fileBytes: number; textChars: number }
  version: string
}

/** Requests that may wait for an answer at the same time, in one process. */
const maxOpen = 1000
/** How long shutdown waits for them. */
const drainMs = 20_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const startedAt = Math.floor(Date.now() / 1000)
  const open = new Set<Promise<void>>()
  const leaving = new AbortController()

  async function listModels() {
    const routed = routedModels.slice(0, 1).map((id) => ({ id, provider: 'parley' }))
    return [...routed, ...(await deps.models())].map(({ id, provider }) => ({
      id,
      object: 'model' as const,
      created: startedAt,
      owned_by: provider,
    }))
  }

  async function showModel(context: HttpContext): Promise<Response> {
    const id = context.req.param('id') ?? ''
    const model = (await listModels()).find((each) => each.id === id)
    if (model === undefined)
      throw new ApiFailure(404, apiErrors.modelUnknown(id), {
        param: 'model',
        code: 'model_not_found',
      })
    return context.json(model)
  }

  async function complete(context: HttpContext): Promise<undefined> {
    const caller = context.get('caller')
    if (caller.as !== 'key') throw new Error('an answer is for a key')
    if (open.size >= maxOpen)
      throw new ApiFailure(503, apiErrors.tooManyOpen, {
        type: 'server_error',
        retryAfterMs: 2000,
      })
    const parsed = readRequest(jsonIn(context.get('body')))
    await checkLimits(parsed)
    const answering = answer(parsed, caller.key, context)
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
    const big = files.find(({ data }) => data.length > most.fileBytes)
    if (big) throw new ApiFailure(413, apiFileErrors.tooLarge(big.name, most.fileBytes))
    if (!routedModels.includes(request.model)) await deps.checkModel(request.model)
  }

  async function answer(parsed: ParsedRequest, key: ApiKey, context: HttpContext): Promise<void> {
    const { incoming: request, outgoing: response } = context.env
    // Keeps the files until the message that refers to them is stored or refused.
    await using held = new AsyncDisposableStack()
    const hashes: string[] = []
    for (const { data } of parsed.files) {
      const blob = await deps.blobs.put(Readable.from([data]), { maxBytes: deps.limits.fileBytes })
      hashes.push(held.use(blob).hash)
    }
    const repeatable = request.headers['idempotency-key']
    const id = repeatable === undefined ? randomUUID() : digest(`${key.id}\n${String(repeatable)}`)
    if (parsed.ignored.length > 0) response.setHeader('x-parley-ignored', parsed.ignored.join(', '))

    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const writer = createAnswerWriter(response, {
      about: { id: `chatcmpl-${id}`, created: Math.floor(Date.now() / 1000), model: parsed.request.model },
      streaming: parsed.request.stream === true,
      withUsage: parsed.request.stream_options?.include_usage === true,
    })
    await using following = await follow(id, deps, writer, AbortSignal.any([gone.signal, leaving.signal]))
    const message = normalize(parsed, { id, key, sentAt: new Date(), hashes })
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
      // With an Idempotency-Key the program can still ask for the answer; without one, no one will read it.
      else if (repeatable === undefined)
        await intake
          .act({ kind: 'stop', turnId, id: randomUUID(), by: message.author, replyTarget: message.replyTarget })
          .catch(() => undefined)
    } finally {
      writer.close()
    }
  }

  const common: Pick<Mount, 'headers' | 'writeError'> = {
    headers: { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' },
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
            access: ['key'],
            body: { maxBytes: limits.bodyBytes },
            handle: complete,
          },
          {
            method: 'GET',
            path: '/v1/models',
            access: ['key'],
            handle: async (context) => context.json({ object: 'list', data: await listModels() }),
          },
          // A model's name may contain slashes.
          { method: 'GET', path: '/v1/models/:id{.+}', access: ['key'], handle: showModel },
        ],
      },
      {
        prefix: '/openapi.json',
        ...common,
        routes: [
          {
            method: 'GET',
            path: '/openapi.json',
            access: ['page', 'key'],
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
