/**
 * Reads small plain text in Parley's own process: a process for each note of 650 bytes took 0.4 s of CPU. What runs here
 * only decodes characters, splits lines and counts tokens, in linear time for at most 64 KB, and yields after every
 * segment. Everything that parses a structure stays in a reading process. Both give the same artifact.
 */
import { readFile } from 'node:fs/promises'
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { ParleyError } from '../core/errors.ts'
import { crashed, type Gathered } from './gather.ts'
import type { InspectedFile } from './inspect-file.ts'
import type { Provider } from './provider.ts'
import type { ReadProgress } from './reader.ts'
import { createSink } from './sink.ts'
import type { ReaderMessage } from './wire.ts'

/** Larger text is read in a reading process. */
export const plainTextBytes = 64 * 1024

type End = Extract<ReaderMessage, { kind: 'end' }>

export async function readPlainText(
  { path, name, bytes: size, sniffed, reader, limits }: InspectedFile,
  gathered: Gathered,
  { signal, onProgress }: { signal: AbortSignal; onProgress(progress: ReadProgress): void },
): Promise<End> {
  const content = await readFile(path)
  if (content.length !== size) throw crashed(name, 'the file changed while it was read')
  const sink = createSink(limits.characters, async (message) => {
    if (message.kind !== 'batch') return
    if (!gathered.add(message)) throw crashed(name, 'more text than allowed')
    if (message.progress !== undefined) onProgress(message.progress)
  })
  const add = sink.segment
  sink.segment = async (text, at) => {
    await yieldLoop()
    signal.throwIfAborted()
    return add(text, at)
  }
  try {
    const { provider }: { provider: Provider } = await import(reader.module.href)
    const ending = await provider.read({ bytes: content, name, mediaType: sniffed.mediaType }, limits, sink)
    await sink.flush()
    return { kind: 'end', ...ending, problems: sink.problems }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof ParleyError ? error : crashed(name, error)
  }
}
