/** A response's body → its chunks, for as long as the watch allows. */
import { ParleyError } from '../../core/errors.ts'
import { modelErrorWording } from '../../wording/models.ts'
import type { Chunk } from './chunk.ts'
import type { Watch } from './watch.ts'

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
