/** Collects a provider's text into batches for the parent: cleaned, counted and within the character limit. */
import type { Position, Problem, Segment } from '../core/artifact.ts'
import type { Sink } from './provider.ts'
import type { ReadProgress } from './reader.ts'
import type { ReaderMessage } from './wire.ts'

/** Text per message: large enough to be cheap, small enough to need little memory. */
const batchCharacters = 64 * 1024
/** Progress is reported at most this often, which is as fast as people can see. */
const progressMs = 50

/** Pictures kept of one file. */
export const mostImages = 64

/** Recordings taken from one file, and their bytes in all. */
export const mostRecordings = { files: 50, bytes: 100e6 }

export interface BatchingSink extends Sink {
  problems: Problem[]
  flush(): Promise<void>
}

export function createSink(maxCharacters: number, say: (message: ReaderMessage) => Promise<void>): BatchingSink {
  const problems: Problem[] = []
  let segments: Segment[] = []
  let waiting = 0
  let total = 0
  let lastProgress: number | undefined
  let countTokens: ((text: string) => number) | undefined

  async function flush(progress?: ReadProgress): Promise<void> {
    if (segments.length === 0 && progress === undefined) return
    const batch = segments
    segments = []
    waiting = 0
    await say({ kind: 'batch', segments: batch, progress: progress ? progress : undefined })
  }

  let images = 0
  const recordings = { files: 0, bytes: 0 }
  return {
    problems,
    async image(image) {
      if (images >= mostImages) return false
      images += 1
      await say({ kind: 'image', ...image })
      return true
    },
    async recording(recording) {
      recordings.files += 1
      recordings.bytes += recording.data.length
      if (recordings.files > mostRecordings.files || recordings.bytes > mostRecordings.bytes) return false
      await say({ kind: 'recording', ...recording })
      return true
    },
    flush: () => flush(),
    problem(problem) {
      problems.push(problem)
    },
    async segment(text: string, at: Position) {
      const clean = storable(text)
      if (clean.trim() === '') return true
      if (total + clean.length > maxCharacters) return false
      // Loading takes 100 ms without a spare process, so it happens after the first progress is reported.
      countTokens ??= (await import('../core/text/count-tokens.ts')).countTokens
      total += clean.length
      waiting += clean.length
      segments.push({ text: clean, at, tokens: countTokens(clean) })
      if (waiting >= batchCharacters) await flush()
      return true
    },
    async progress(progress) {
      const now = performance.now()
      const due =
        lastProgress === undefined ||
        now - lastProgress >= progressMs ||
        progress.done >= progress.of ||
        progress.by === 'ocr'
      if (!due) return
      lastProgress = now
      await flush(progress)
    },
  }
}

/** PostgreSQL keeps neither NUL nor half a surrogate pair in text. */
function storable(text: string): string {
  return (text.includes('\0') ? text.replaceAll('\0', '') : text).toWellFormed()
}
