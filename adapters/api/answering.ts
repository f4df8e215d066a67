/**
 * The one way of a question from a program to its answer, whatever its dialect: checks, files, the turn, and the writer that
 * waits for it. Each answer is a turn of its own; a request for several has several.
 */
import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ActiveKey } from '../../src/core/api-key.ts'
import type { Blobs } from '../../src/core/blobs.ts'
import type { HttpContext } from '../../src/core/http.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { Intake } from '../../src/core/platform.ts'
import { routedNames } from '../../src/core/route-decision.ts'
import { createSemaphore } from '../../src/core/semaphore.ts'
import { keyRevokedTopic, sessionsEndedTopic } from '../../src/core/topics.ts'
import { apiErrors, apiFileErrors } from '../../src/wording/api.ts'
import { type Following, follow, type Topics, type WaitDeps } from './answer-events.ts'
import { createAnswerWriter } from './answer-writer.ts'
import type { Dialect } from './dialect.ts'
import { ApiFailure, bodyFor, failureFor } from './failure.ts'
import { aboutAnswer } from './format.ts'
import { normalize, type Received } from './normalize.ts'
import type { Asked } from './program-request.ts'
import { extension, type SentFile } from './sent-files.ts'

export interface AnsweringDeps {
  topics: Topics
  blobs: Pick<Blobs, 'put'>
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
  ended: WaitDeps['ended']
  lookEveryMs?: number
  limits: { files: number; fileBytes: number; textChars: number }
}

/** Requests that may wait for an answer at the same time, in one process. */
const maxOpen = 1000
/** How long shutdown waits for them. */
const drainMs = 20_000
/** Of a picture from the web; models take smaller ones. */
const mostPictureBytes = 20_000_000
/** Pictures fetched at a time, for all requests. */
const mostFetches = 8

export interface Answering {
  /** Answers a request; the response is written when it returns. */
  answer<A extends Asked>(dialect: Dialect<A>, asked: A, key: ActiveKey, context: HttpContext): Promise<void>
  /** In OpenAI's headers, by which clients slow down. */
  setRate(key: ActiveKey, context: HttpContext): Promise<void>
  /** Runs work that shutdown waits for, and refuses it where too much is under way. */
  within<T>(work: () => Promise<T>): Promise<T>
  stop(): Promise<void>
}

export function createAnswering(deps: AnsweringDeps, intake: Intake): Answering {
  const open = new Set<Promise<unknown>>()
  const leaving = new AbortController()
  const fetches = createSemaphore(mostFetches)

  async function within<T>(work: () => Promise<T>): Promise<T> {
    if (open.size >= maxOpen)
      throw new ApiFailure(503, apiErrors.tooManyOpen, { type: 'server_error', retryAfterMs: 2000 })
    const working = work()
    open.add(working)
    return await working.finally(() => open.delete(working))
  }

  async function checkLimits({ model, text, files, after }: Asked): Promise<void> {
    const { limits: most } = deps
    if (text === '' && files.length === 0 && after.length === 0)
      throw new ApiFailure(400, apiErrors.lastMessageEmpty, { param: 'messages' })
    if (text.length > most.textChars)
      throw new ApiFailure(400, apiErrors.lastMessageTooLong(text.length, most.textChars), {
        param: 'messages',
        code: 'string_above_max_length',
      })
    if (files.length > most.files)
      throw new ApiFailure(400, apiFileErrors.tooMany(files.length, most.files), { param: 'messages' })
    const big = files.find(({ data }) => !(data instanceof URL) && data.length > most.fileBytes)
    if (big) throw new ApiFailure(413, apiFileErrors.tooLarge(big.name, most.fileBytes))
    if (!routedNames.includes(model)) await deps.checkModel(model)
  }

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

  async function answerTo<A extends Asked>(
    dialect: Dialect<A>,
    asked: A,
    key: ActiveKey,
    context: HttpContext,
  ): Promise<void> {
    const { incoming: request, outgoing: response } = context.env
    // Keeps the files until the messages that refer to them are stored or refused.
    await using held = new AsyncDisposableStack()
    const repeatable = request.headers['idempotency-key']
    const id = repeatable === undefined ? randomUUID() : digest(`${key.id}\n${String(repeatable)}`)
    const ignored = asked.ignored.filter((name) => /^[\w.-]{1,100}$/.test(name)).slice(0, 50)
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
    const files = await store(asked.files, held, stopping).catch((error: unknown) => {
      checkKey()
      if (!stopping.aborted) throw error
    })
    checkKey()
    // The program has gone, or Parley stops: nothing was taken in yet.
    if (files === undefined || stopping.aborted) return void response.destroy()
    const writer = createAnswerWriter(response, {
      dialect,
      about: { id: dialect.idOf(id), created: Math.floor(Date.now() / 1000), model: asked.model },
      asked,
      bodyOf: (failure) => bodyFor(context, failure),
    })
    /** Each choice is a question of its own. */
    const ids = asked.choices === 1 ? [id] : Array.from({ length: asked.choices }, (_, at) => `${id}-${at + 1}`)
    await using followings = new AsyncDisposableStack()
    const taken: { turnId: string; message: IncomingMessage; following: Following }[] = []
    const stopAll = async () => {
      const stops = taken.map(({ turnId, message: { author: by, replyTarget } }) =>
        intake.act({ kind: 'stop', turnId, id: randomUUID(), by, replyTarget }).catch(() => undefined),
      )
      await Promise.all(stops)
    }
    try {
      for (const [at, each] of ids.entries()) {
        const following = followings.use(await follow(each, deps, writer.follower(at), stopping))
        const message = normalize(asked, { id: each, key, sentAt: new Date(), files })
        taken.push({ turnId: await receive(message, asked), message, following })
      }
    } catch (thrown) {
      await stopAll()
      throw thrown
    }
    await held.disposeAsync()
    writer.taken()
    try {
      const ends = taken.map(async ({ turnId, following }) => {
        const ended = await following.end(turnId)
        const { error, retryAfterMs } = ended.receipt
        if (ended.state === 'failed') throw failureFor(error ?? 'internal', ended.text, retryAfterMs)
        return { ended, parley: aboutAnswer(ended, asked.ignored) }
      })
      writer.end(await Promise.all(ends))
    } catch (thrown) {
      const ended = revoked.signal.aborted || gone.signal.aborted
      if (leaving.signal.aborted) response.destroy()
      else if (thrown instanceof ApiFailure && !ended) writer.fail(thrown)
      else if (!ended) throw thrown
      if (revoked.signal.aborted) writer.fail(failureFor('credentials_missing', apiErrors.keyRevoked))
      // With an Idempotency-Key the program can still ask for the answer; without one, no one will read it.
      const unread = gone.signal.aborted && repeatable === undefined
      // Of several answers one failed: the others would be paid for nothing.
      const useless = !ended && taken.length > 1 && !leaving.signal.aborted
      if (revoked.signal.aborted || unread || useless) await stopAll()
    } finally {
      writer.close()
    }
  }

  /** Hands the question over; answers its turn. */
  async function receive(message: IncomingMessage, asked: Asked): Promise<string> {
    const received = await intake.receive(message)
    if (received.kind === 'refused') throw new ApiFailure(403, received.notice.text, { code: 'request_forbidden' })
    const { turnId } = received
    if (received.kind !== 'new' && ((await deps.digestOf(turnId)) ?? asked.digest) !== asked.digest)
      throw new ApiFailure(422, apiErrors.idempotencyKeyReused, { code: 'idempotency_key_reused' })
    return turnId
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

  return {
    within,
    setRate,
    async answer(dialect, asked, key, context) {
      await checkLimits(asked)
      await setRate(key, context)
      await within(() => answerTo(dialect, asked, key, context))
    },
    async stop() {
      const late = setTimeout(() => leaving.abort(), drainMs)
      await Promise.allSettled(open)
      clearTimeout(late)
    },
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40)
}
