/**
 * HTTP to a model server: the fetch that the SDKs are given, the watch over everything that may end a stream early, and a
 * response's body → its events → its chunks, for as long as the watch allows.
 */
import { ParleyError } from '../../core/errors.ts'
import { modelErrorWording } from '../../wording/models.ts'
import type { Chunk } from './chunk.ts'

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

/** After the last word only usage can follow; a server that keeps the line open is not waited for. */
const AFTER_FINISH_MS = 2_000
const CONNECTION_END_MS = 25

export interface Reading {
  /** Bytes → the payloads of events or lines. */
  events(pieces: AsyncIterable<Uint8Array>): AsyncIterable<string>
  read(data: string): Chunk[]
  /** An answer that came as one JSON body although a stream was asked for. */
  readWhole?(body: string): Chunk[]
  /** Milliseconds. */
  idleMs: number
}

/** Ends at the server's terminator, or where the stream does. */
export async function* readBody(response: Response, watch: Watch, reading: Reading): AsyncGenerator<Chunk> {
  const { idleMs } = reading
  const type = response.headers.get('content-type') ?? ''
  if (reading.readWhole && type.includes('application/json')) {
    yield* reading.readWhole(await watch.during(response.text(), 'idle', idleMs))
    return
  }
  if (type.includes('text/html') || response.body === null) {
    await response.body?.cancel()
    throw new ParleyError('model_unknown', modelErrorWording.webPage)
  }
  const reader = response.body.getReader()
  let finished = false
  const next = () => {
    const piece = reader.read()
    return finished ? within(Math.min(AFTER_FINISH_MS, idleMs / 2), piece) : piece
  }

  try {
    for await (const data of reading.events(pieces(next, watch, idleMs))) {
      for (const chunk of reading.read(data)) {
        yield chunk
        finished ||= chunk.finish !== undefined
        if (!chunk.done) continue
        // Read to its very end the connection can serve the next request; that end is mostly here already.
        await within(CONNECTION_END_MS, reader.read()).catch(() => {})
        return
      }
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** The events of a body that is no answer, such as a download's progress. */
export async function* readEvents(
  response: Response,
  watch: Watch,
  { events, idleMs }: Pick<Reading, 'events' | 'idleMs'>,
): AsyncGenerator<string> {
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

/** More than this in one line is no chat stream. */
const MAX_LINE = 8 * 1024 * 1024

/**
 * Server-sent events, read leniently: bytes in any pieces → the payload of each event. Comments, other fields and blank
 * keep-alives are passed over; a line with no known field name is given as data, because some servers send bare text. An
 * event that the stream's end leaves half sent is dropped.
 */
export async function* readSse(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = []
  let fields = false
  let bare = 0
  for await (const line of readLines(pieces)) {
    if (line === '') {
      if (data.length > 0) yield data.join('\n')
      data = []
      continue
    }
    const field = /^(data|event|id|retry)?:/.exec(line)
    if (field) fields = true
    else bare++
    if (field && field[1] !== 'data') continue
    const value = (field ? line.slice(5) : line).replace(field ? /^ / : /^$/, '')
    // Some servers end events with one newline only: another payload is another event, not a second line of the first.
    if (data.length > 0 && /^\s*(?:\{|\[DONE\]|b['"])/.test(value)) yield data.splice(0).join('\n')
    data.push(value)
  }
  // `dat` at the end of a stream of fields is no text, but what is left of a field.
  if (fields && bare === 1 && /^[a-z]+$/.test(data.at(-1) ?? '')) data.pop()
  const last = data.join('\n')
  if (last !== '' && !isHalf(last)) yield last
}

/** JSON without its end, a bytes literal without its closing quote. */
function isHalf(data: string): boolean {
  const literal = /^\s*b(['"])(.*)$/s.exec(data)
  if (literal) return !literal[2]?.trimEnd().endsWith(literal[1] ?? '')
  if (!data.trimStart().startsWith('{')) return false
  try {
    JSON.parse(data)
    return false
  } catch {
    return true
  }
}

/** Lines without their ends, also of NDJSON; a character split between pieces comes out whole. */
export async function* readLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true })
    let from = 0
    for (let end = rest.indexOf('\n', from); end >= 0; end = rest.indexOf('\n', from)) {
      yield rest.slice(from, rest[end - 1] === '\r' && end > from ? end - 1 : end)
      from = end + 1
    }
    rest = rest.slice(from)
    if (rest.length > MAX_LINE) throw new RangeError(`a line of the stream is longer than ${MAX_LINE} characters`)
  }
  rest += decoder.decode()
  if (rest !== '') yield rest.replace(/\r$/, '')
}
