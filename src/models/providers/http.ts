/**
 * HTTP to a model server: the fetch that the SDKs are given, the watch over everything that may end a stream early, and a
 * response's body → its events → its chunks, for as long as the watch allows.
 */
import { ParleyError } from '../../core/errors.ts'
import { modelErrorWording } from '../../wording/models.ts'
import type { Chunk } from './chunk.ts'
import type { ServerEvent } from './server-events.ts'

const needed = /^(?:accept|content-type|user-agent|anthropic-version)$/

export interface SdkFetch {
  fetch?: typeof globalThis.fetch
  /** Such as the key's; they win. */
  headers: Record<string, string>
}

/**
 * The SDKs collect headers from variables of the environment and from the machine; what goes out is only what an API needs and
 * what Parley's configuration says. A new vendor's own header needs a place in `needed`.
 */
export function createSdkFetch({ fetch = globalThis.fetch, headers: own }: SdkFetch): typeof globalThis.fetch {
  return (input, init = {}) => {
    const headers = new Headers()
    for (const [name, value] of new Headers(init.headers)) if (needed.test(name)) headers.set(name, value)
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
    return fetch(input, { ...init, headers })
  }
}

export interface Timers {
  /** Request sent → response headers. A server that loads a model first needs minutes here. */
  connectMs: number
  /** The longest silence between two pieces of the stream. */
  idleMs: number
  /** The whole stream, tries and pauses included. */
  totalMs: number
}

export type Ended = 'aborted' | 'connect' | 'idle' | 'total'

export interface Watch extends Disposable {
  /** Aborts when anything fired, and on dispose. */
  signal: AbortSignal
  /** What fired first. */
  ended(): Ended | undefined
  /** Settles as `work` does, or rejects as soon as something fires; `timer` runs for the while. */
  during<T>(work: Promise<T>, timer: 'connect' | 'idle', ms: number): Promise<T>
}

/** One signal for everything that may end a model's stream early: the caller, and three timers that really fire. */
export function createWatch(caller: AbortSignal, totalMs: number): Watch {
  const wire = new AbortController()
  let ended: Ended | undefined
  let rejectFired: (reason: Error) => void = () => {}

  function fire(why: Ended): void {
    if (wire.signal.aborted) return
    ended = why
    const reason = new Error(`stream ended: ${why}`)
    wire.abort(reason)
    rejectFired(reason)
  }

  const onAbort = () => fire('aborted')
  caller.addEventListener('abort', onAbort, { once: true })
  if (caller.aborted) onAbort()
  const total = setTimeout(() => fire('total'), totalMs)

  return {
    signal: wire.signal,
    ended: () => ended,
    async during(work, timer, ms) {
      if (wire.signal.aborted) {
        work.catch(() => {})
        throw wire.signal.reason
      }
      const handle = setTimeout(() => fire(timer), ms)
      try {
        return await new Promise((resolve, reject) => {
          rejectFired = reject
          work.then(resolve, reject)
        })
      } finally {
        clearTimeout(handle)
      }
    },
    [Symbol.dispose]() {
      clearTimeout(total)
      caller.removeEventListener('abort', onAbort)
      wire.abort()
    },
  }
}

/**
 * After the finish only usage and the terminator follow. Parley waits this long for them, and less once the usage has come. A
 * server that has gone on after a finish before gets the usual time.
 */
const AFTER_FINISH_MS = 10_000
const AFTER_COUNT_MS = 2_000
const CONNECTION_END_MS = 25

export interface Reading {
  /** Bytes → events. */
  events(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ServerEvent>
  read(event: ServerEvent): Chunk[]
  /** What is left to say where the stream ends without a terminator. */
  end?(): Chunk[]
  /** Milliseconds. */
  idleMs: number
}

/** Ends at the server's terminator, or where the stream does. */
export async function* readBody(response: Response, watch: Watch, reading: Reading): AsyncGenerator<Chunk> {
  const { idleMs } = reading
  if (response.body === null) return
  const reader = response.body.getReader()
  let finished = false
  let counted = false
  let wentOn = false
  const note = (chunks: readonly Chunk[]) => {
    const speaks = chunks.some(({ text, reasoning, call }) => text || reasoning || call)
    wentOn ||= finished && speaks
    finished = (finished && !speaks) || chunks.some(({ finish }) => finish !== undefined)
    counted = finished && !speaks && (counted || chunks.some(({ usage }) => usage !== undefined))
  }
  const next = () => {
    const piece = reader.read()
    if (!finished || wentOn) return piece
    return within(Math.min(counted ? AFTER_COUNT_MS : AFTER_FINISH_MS, idleMs / 2), piece)
  }

  try {
    for await (const event of reading.events(pieces(next, watch, idleMs))) {
      if (webPage.test(event.data)) throw new ParleyError('model_unknown', modelErrorWording.webPage)
      const chunks = reading.read(event)
      note(chunks)
      for (const chunk of chunks) {
        yield chunk
        if (!chunk.done) continue
        // Read to its very end the connection can serve the next request; that end is mostly here already.
        await within(CONNECTION_END_MS, reader.read()).catch(() => {})
        return
      }
    }
    yield* reading.end?.() ?? []
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** Recognized by its body. The content type says less, because scripts send events as text/html too. */
const webPage = /^\s*<(?:!doctype|html|head|body|\?xml|!--)/i

/** What is read from a body that is no answer, such as a download's progress. */
export async function* readEvents<Event>(
  response: Response,
  watch: Watch,
  { events, idleMs }: { events(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Event>; idleMs: number },
): AsyncGenerator<Event> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  try {
    yield* events(pieces(() => reader.read(), watch, idleMs))
  } finally {
    reader.cancel().catch(() => {})
  }
}

type Piece = ReadableStreamReadResult<Uint8Array> | undefined

async function* pieces(next: () => Promise<Piece>, watch: Watch, idleMs: number): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = await watch.during(next(), 'idle', idleMs)
    if (piece === undefined || piece.done) return
    yield piece.value
  }
}

/** What `work` gives, or `undefined` when it takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
