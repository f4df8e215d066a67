/**
 * The reading process. It receives one file on standard input, reads it with one provider and ends. It holds no
 * secret, may read nothing but Parley's own code, and may write nothing.
 */
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Input, Pages, Provider } from './provider.ts'
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
/** Waits for the text that the parent's program recognized; one picture at a time. */
let recognized: ((tsv: string | undefined) => void) | undefined

process.on('disconnect', () => process.exit(0))
process.on('message', (task: Task) => {
  perform(task).catch((error: unknown) => say(failure(error)))
})

async function perform(task: Task): Promise<void> {
  if (task.kind === 'recognized') {
    recognized?.(task.tsv)
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
  if (task.recognizer) sink.recognize = recognize
  const ending = await provider.read(input, task.limits, sink)
  await sink.flush()
  await say({ kind: 'end', ...ending, problems: sink.problems })
}

async function recognize(pgm: Uint8Array): Promise<string | undefined> {
  const answer = new Promise<string | undefined>((resolve) => {
    recognized = resolve
  })
  await say({ kind: 'recognize', pgm })
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

/** Loads the parsers and tables that most files need. */
async function warm(): Promise<void> {
  const [{ countTokens }, { loadPdfium }] = await Promise.all([
    import('../core/text/count-tokens.ts'),
    import('./providers/pdfium.ts'),
  ])
  countTokens('warm')
  await loadPdfium()
  await Promise.all([
    import('./providers/pdf.ts'),
    import('./providers/text.ts'),
    import('./providers/csv.ts'),
    import('./providers/html.ts'),
  ])
}

// A spare process loads the common parsers in advance. This stays last because a task may arrive meanwhile.
if (process.argv.includes('--warm')) await warm()
