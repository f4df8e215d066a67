/** `parley ask`: uploads files, asks, and streams the answer. Like the page, it is a client of the console's API. */
import { randomUUID } from 'node:crypto'
import { createReadStream, fstatSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import type { ApiError, ConsoleEvent, Message } from '../../adapters/console/api.ts'
import { ParleyError } from '../core/errors.ts'
import { sourceLines } from '../core/markdown/sources.ts'
import { terminalWording } from '../wording/terminal.ts'
import { type AnswerPrinter, answerPrinter, silent } from './answer-printer.ts'
import type { ParleyAddress } from './client.ts'
import { Interrupted, onInterrupt, UsageError } from './exit.ts'

export interface AskOptions {
  parley: ParleyAddress
  /** Paths; `-` is standard input. */
  files: string[]
  /** Relative paths start here. */
  folder: string
  /** `-`: standard input holds the question. */
  question: string
  /** The thread to go on with; a new one by default. */
  threadId?: string | undefined
  /** Name or alias of the model that should answer. */
  model?: string | undefined
  /** Whether the web is searched. */
  web?: 'on' | 'off' | undefined
  json: boolean
  timeoutMs: number
}

/** How long to wait for piped standard input before asking without it. */
const stdinPatienceMs = 3000
/** How long Parley may take to stop an answer. */
const stopMs = 5000

export async function ask(options: AskOptions): Promise<void> {
  const { parley, json, threadId = randomUUID(), model, web } = options
  await untilStopped(options.timeoutMs, async (signal) => {
    const question = options.question === '-' ? await readQuestion(signal) : options.question
    const uploads: string[] = []
    for (const path of options.files) {
      const [name, content] =
        path === '-' ? ['stdin.txt', process.stdin] : [basename(path), createReadStream(resolve(options.folder, path))]
      uploads.push(await upload(parley, name, content, signal))
    }
    const used = options.question === '-' || options.files.includes('-')
    const piped = used ? null : await readStdin()
    if (piped) uploads.push(await upload(parley, 'stdin.txt', piped, signal))
    if (question === '' && uploads.length === 0) throw new UsageError(terminalWording.nothingAsked)

    const answer = await askInThread({ parley, threadId, text: question, uploads, model, web, quiet: json, signal })
    printEnd(answer, threadId, json)
  })
}

/** Runs a chat command that asks a question, such as a saved one, and prints the answer. */
export async function askByCommand(
  parley: ParleyAddress,
  line: string,
  { json, timeoutMs }: Pick<AskOptions, 'json' | 'timeoutMs'>,
): Promise<void> {
  const threadId = randomUUID()
  await untilStopped(timeoutMs, async (signal) =>
    printEnd(
      await askInThread({ parley, threadId, text: `/${line}`, uploads: [], quiet: json, signal }),
      threadId,
      json,
    ),
  )
}

/** Aborts the work at the time limit, at Ctrl-C and at SIGTERM, and then throws why. */
async function untilStopped(timeoutMs: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  using interrupt = onInterrupt()
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), interrupt.signal])
  try {
    await work(signal)
  } catch (thrown) {
    if (!signal.aborted) throw thrown
    if (signal.reason instanceof Interrupted) throw signal.reason
    throw new ParleyError('turn_failed', terminalWording.noAnswerInTime(timeoutMs / 1000), { cause: signal.reason })
  }
}

/** The question on standard input, which may never end. */
async function readQuestion(signal: AbortSignal): Promise<string> {
  return (await readAll(addAbortSignal(signal, process.stdin))).trim()
}

interface Question {
  parley: ParleyAddress
  threadId: string
  text: string
  uploads: string[]
  model?: string | undefined
  web?: 'on' | 'off' | undefined
  /** Prints nothing. */
  quiet: boolean
  /** Stops the answer. */
  signal: AbortSignal
}

/** Asks, prints the answer as it is written, and returns it. Throws Parley's sentence if there is none. */
async function askInThread({ parley, threadId, text, uploads, model, web, quiet, signal }: Question): Promise<Message> {
  const events = await call(parley, `/console/events?thread=${threadId}`, { signal })
  signal.throwIfAborted()
  const response = await call(parley, `/console/threads/${threadId}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: randomUUID(), text, uploads, model, web }),
  })
  const { message, turnId, notice } = (await response.json()) as Sent
  if (notice?.failed) throw new ParleyError('command_invalid', notice.text)
  const turn = { id: turnId, after: message.seq }
  const printer = quiet ? silent : answerPrinter()
  try {
    const answer = await follow(events, turn, printer)
    if (answer.state === 'failed') throw new ParleyError('turn_failed', answer.text)
    return answer
  } catch (thrown) {
    // Whatever ended the wait, an answer that nobody reads must not cost more.
    if (signal.aborted && turn.id !== null) await stop(parley, turn.id)
    throw thrown
  } finally {
    printer.end()
  }
}

interface Sent {
  message: Message
  /** `null` for a command. */
  turnId: string | null
  notice: { text: string; failed: boolean } | null
}

/** The turn that is waited for. A command's is known once its reply begins. */
interface Followed {
  id: string | null
  after: number
}

/** Shows the answer as it grows, and returns it once it is finished. */
async function follow(events: Response, turn: Followed, printer: AnswerPrinter): Promise<Message> {
  let text = ''
  for await (const event of eventsOf(events)) {
    if (event.type === 'status' && event.status) {
      turn.id ??= event.status.turnId
      if (event.status.turnId === turn.id && text === '') printer.status(event.status.text)
    }
    if (event.type === 'text') {
      text = text.slice(0, event.offset) + event.text
      printer.show(text)
    }
    const replies = event.type === 'snapshot' ? event.messages : event.type === 'message' ? [event.message] : []
    for (const reply of replies) {
      if (reply.role !== 'parley' || reply.turnId === null || reply.seq < turn.after) continue
      turn.id ??= reply.turnId
      if (reply.turnId !== turn.id) continue
      const ended = reply.receipt !== null
      if (!ended || reply.state !== 'failed') {
        text = reply.text
        printer.show(text)
      }
      if (ended) return reply
    }
  }
  throw new ParleyError('turn_failed', terminalWording.stoppedEarly)
}

async function stop(parley: ParleyAddress, turnId: string): Promise<void> {
  const signal = AbortSignal.timeout(stopMs)
  await call(parley, `/console/turns/${turnId}/stop`, { method: 'POST', body: '{}', signal }).catch(() =>
    console.error(terminalWording.notStopped),
  )
}

async function* eventsOf(response: Response): AsyncGenerator<ConsoleEvent> {
  if (response.body === null) return
  let rest = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const records = (rest + chunk).split('\n\n')
    rest = records.pop() ?? ''
    for (const record of records) {
      const data = record.split('\n').flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []))
      if (data.length > 0) yield JSON.parse(data.join('\n')) as ConsoleEvent
    }
  }
}

function describe(message: Message) {
  const receipt = message.receipt
  return {
    text: message.text,
    citations: message.citations,
    receipts: receipt?.attachments ?? [],
    route: receipt === null ? null : { model: receipt.model, provider: receipt.provider, reason: receipt.reason },
    costUsd: receipt?.costNanoUsd == null ? null : Number(receipt.costNanoUsd) / 1e9,
    usage: receipt?.usage ?? null,
    used: receipt?.used ?? null,
    ms: receipt?.ms ?? null,
    notices: receipt?.notices ?? [],
  }
}

/** After the text, which is printed while it grows: the rest of the answer. With `json`, all of it. */
function printEnd(answer: Message, threadId: string, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ threadId, ...describe(answer) }, null, 2))
    return
  }
  const { citations, receipt } = answer
  if (citations.length > 0) {
    console.log(`${process.stdout.isTTY ? '' : '\n'}${terminalWording.sources}`)
    for (const { n, place, url } of sourceLines(citations, Number.POSITIVE_INFINITY).lines)
      console.log(`  [${n}] ${place}${url === undefined ? '' : ` ${url}`}`)
  }
  for (const attachment of receipt?.attachments ?? []) {
    if (attachment.outcome !== 'read') console.error(`${attachment.name}: ${attachment.summary}`)
  }
  for (const notice of receipt?.notices ?? []) console.error(notice)
  if (process.stderr.isTTY) console.error(terminalWording.followUp(threadId))
}

async function upload(parley: ParleyAddress, name: string, content: Readable, signal: AbortSignal): Promise<string> {
  const id = randomUUID()
  await call(parley, `/console/uploads/${id}?name=${encodeURIComponent(name)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: Readable.toWeb(content) as ReadableStream,
    duplex: 'half',
    signal,
  })
  return id
}

async function call(
  { url, headers }: ParleyAddress,
  path: string,
  init: RequestInit & { duplex?: 'half' },
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(new URL(path, url), { ...init, headers: { ...init.headers, ...headers } })
  } catch (error) {
    throw new ParleyError('internal', terminalWording.noResponse(url), {
      cause: error,
    })
  }
  if (response.ok) return response
  const body = (await response.json().catch(() => null)) as ApiError | null
  throw new ParleyError(
    'request_invalid',
    body?.error?.userMessage ?? terminalWording.unexpectedStatus(response.status),
  )
}

/** Standard input when something is piped in; `null` for a terminal, nothing, or silence. */
async function readStdin(): Promise<Readable | null> {
  if (process.stdin.isTTY) return null
  const kind = fstatSync(0)
  if (!kind.isFIFO() && !kind.isFile() && !kind.isSocket()) return null
  const first = Promise.withResolvers<Buffer | null>()
  const late = setTimeout(() => first.resolve(null), stdinPatienceMs)
  process.stdin.once('data', (chunk: Buffer) => {
    process.stdin.pause()
    first.resolve(chunk)
  })
  process.stdin.once('end', () => first.resolve(null))
  const chunk = await first.promise
  clearTimeout(late)
  if (chunk === null) {
    process.stdin.destroy()
    return null
  }
  return Readable.from(
    (async function* () {
      yield chunk
      yield* process.stdin
    })(),
  )
}

/**
 * The arguments of `ask` and `route`: files, then the question. Relative paths start at `folder`. `literal`: a `--` was typed, so the
 * last word is the question whatever it looks like. Throws `UsageError` if a file or the question is missing, or a file is none.
 */
export async function filesAndQuestion(
  words: readonly string[],
  folder: string,
  literal = false,
): Promise<{ files: string[]; question: string }> {
  const [question = '', ...before] = words.toReversed()
  const files = before.reverse()
  for (const path of files) if (path !== '-') await checkFile(resolve(folder, path))
  if (literal || question === '' || question === '-') return { files, question }
  if ((await kindOf(resolve(folder, question))) === 'file')
    throw new UsageError(terminalWording.questionMissing(basename(question), question))
  if (looksLikePath(question)) throw new UsageError(terminalWording.fileMissingOrQuestion(question))
  return { files, question }
}

/** One word with a slash or an extension. */
function looksLikePath(word: string): boolean {
  return !/\s/.test(word) && (/[/\\]/.test(word) || /[^.]\.\p{L}[\p{L}\d]{0,4}$/u.test(word))
}

async function checkFile(path: string): Promise<void> {
  const kind = await kindOf(path)
  if (kind === 'file') return
  const { fileMissing, isFolder, notARegularFile } = terminalWording
  throw new UsageError((kind === undefined ? fileMissing : kind === 'folder' ? isFolder : notARegularFile)(path))
}

/** `other`: such as a device, or the pipe of `<(command)`. */
async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | undefined> {
  const known = await stat(path).catch(() => undefined)
  if (known === undefined) return undefined
  return known.isFile() ? 'file' : known.isDirectory() ? 'folder' : 'other'
}
