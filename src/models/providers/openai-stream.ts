/** A response of Chat Completions → its chunks, for as long as the watch allows. */
import { ParleyError } from '../../core/errors.ts'
import { type Chunk, createChunkReader, readWhole } from './openai-chunk.ts'
import { readSse } from './sse.ts'
import type { Watch } from './watch.ts'

/** After the last word only usage can follow; a server that keeps the line open is not waited for. */
const AFTER_FINISH_MS = 2_000
const CONNECTION_END_MS = 25

/** The chunks of a response; ends at the server's terminator, or where the stream does. */
export async function* readAnswer(response: Response, watch: Watch, idleMs: number): AsyncGenerator<Chunk> {
  const type = response.headers.get('content-type') ?? ''
  if (type.includes('application/json')) {
    yield readWhole(await watch.during(response.text(), 'idle', idleMs))
    return
  }
  if (type.includes('text/html') || response.body === null) {
    await response.body?.cancel()
    throw new ParleyError(
      'model_unknown',
      'The model server answered with a web page. Ask an admin to check its address: it has to end where the OpenAI API begins, often in /v1.',
    )
  }
  const read = createChunkReader()
  const reader = response.body.getReader()
  let finished = false

  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = reader.read()
      const piece = await watch.during(
        finished ? within(Math.min(AFTER_FINISH_MS, idleMs / 2), next) : next,
        'idle',
        idleMs,
      )
      if (piece === undefined || piece.done) return
      yield piece.value
    }
  }

  try {
    for await (const data of readSse(pieces())) {
      for (const chunk of read(data)) {
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

/** What `work` gives, or `undefined` when it takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
