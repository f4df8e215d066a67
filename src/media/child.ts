/**
 * The reading process. It receives one file on standard input, reads it with one provider and ends. It holds no
 * secret, may read nothing but Parley's own code, and may write nothing.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Input, Pages, Provider } from './provider.ts'
import { readWith } from './read-with.ts'
import { createSink } from './sink.ts'
import type { ReaderMessage, Task } from './wire.ts'

/** Failures for which a provider has its own message. */
const expected = {
  file_empty: 1,
  file_encrypted: 1,
  file_damaged: 1,
  file_too_large: 1,
  file_unsupported: 1,
  file_missing: 1,
} as const
let pages: Pages | undefined
/** A task has come, so there is nothing to prepare. */
let busy = false
/** Wait for what the parent's program finds, by the number of the question. */
const questions = new Map<number, (found: string | undefined) => void>()
let asked = 0

process.on('disconnect', () => process.exit(0))
process.on('message', (task: Task) => {
  busy = true
  perform(task).catch((error: unknown) => say(failure(error)))
})

async function perform(task: Task): Promise<void> {
  if (task.kind === 'recognized') {
    questions.get(task.id)?.(task.found)
    questions.delete(task.id)
    return
  }
  if (task.kind === 'render') {
    if (pages === undefined) throw new ParleyError('file_reader_crashed', fileWording.failure.noFileOpen)
    const { page, width, quote } = task
    await say({ kind: 'page', ...(await pages.render(page, { width, quote })) })
    return
  }
  const [bytes, provider] = await Promise.all([standardInput(task.bytes), load(task.module)])
  const input: Input = { bytes, name: task.name, mediaType: task.mediaType, overrides: task.overrides }
  if (task.use === 'pages') {
    if (provider.pages === undefined) throw new ParleyError('file_unsupported', fileWording.refusal.noPages(task.name))
    pages = await provider.pages(input)
    await say({ kind: 'opened' })
    return
  }
  const sink = createSink(task.limits.characters, say)
  if (task.recognizer !== undefined)
    sink.recognizer = {
      ...task.recognizer,
      recognize: (pgm, languages) => recognize(pgm, [...languages]),
      script: (pgm) => recognize(pgm),
    }
  if (!task.recordings) sink.recording = undefined
  const ending = await readWith(provider, input, task.limits, sink)
  await sink.flush()
  await say({ kind: 'end', ...ending, problems: sink.problems })
}

async function recognize(pgm: Uint8Array, languages?: string[]): Promise<string | undefined> {
  asked += 1
  const id = asked
  const answer = new Promise<string | undefined>((resolve) => questions.set(id, resolve))
  await say({ kind: 'recognize', id, languages, pgm })
  return answer
}

async function load(module: string): Promise<Provider> {
  const loaded: { provider?: Provider } = await import(module)
  if (loaded.provider === undefined) throw new Error(`${module} exports no provider`)
  return loaded.provider
}

async function standardInput(length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    if (at + chunk.length > length) throw new Error('the file grew while it was read')
    bytes.set(chunk, at)
    at += chunk.length
  }
  if (at < length) throw new Error('the file shrank while it was read')
  return bytes
}

/** Resolves when the message left this process. */
function say(message: ReaderMessage): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, {}, () => resolve())
  })
}

/** Other errors may quote the file, so only their type goes to standard error, which the parent logs. */
function failure(error: unknown): ReaderMessage {
  if (error instanceof ParleyError && error.code in expected) {
    return { kind: 'fail', code: error.code as keyof typeof expected, userMessage: error.userMessage }
  }
  process.stderr.write(`${error instanceof Error ? `${error.name} ${frames(error)}` : typeof error}\n`)
  return { kind: 'fail', code: 'file_reader_crashed', userMessage: '' }
}

function frames(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 4)
    .map((line) => line.trim())
    .join(' ')
}

/** Loads the parsers and tables that most files need, until there is a task, which loads what it needs. */
async function warm(): Promise<void> {
  const steps = [
    () => import('./providers/pdf.ts'),
    async () => (await import('./providers/pdfium.ts')).loadPdfium(),
    async () => (await import('../core/text/count-tokens.ts')).countTokens('warm'),
    () => import('./providers/text.ts'),
    () => import('./providers/csv.ts'),
    () => import('./providers/html.ts'),
  ]
  for (const step of steps) {
    await yieldLoop()
    if (busy) return
    await step()
  }
}

// A spare process loads the common parsers in advance. This stays last because a task may arrive meanwhile.
if (process.argv.includes('--warm')) await warm()
