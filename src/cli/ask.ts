/** `parley ask`: uploads files, asks, and streams the answer. Like the page, it is a client of the console's API. */
import { randomUUID } from 'node:crypto'
import { createReadStream, fstatSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { ApiError, ConsoleEvent, Message } from '../../adapters/console/api.ts'
import { describePosition } from '../core/artifact.ts'
import { ParleyError } from '../core/errors.ts'
import { addressOf } from '../core/source.ts'
import { terminalWording } from '../wording/terminal.ts'
import type { ParleyAddress } from './client.ts'

export interface AskOptions {
  parley: ParleyAddress
  files: string[]
  /** Relative paths start here. */
  folder: string
  question: string
  json: boolean
  timeoutMs: number
}

/** How long to wait for piped standard input before asking without it. */
const stdinPatienceMs = 3000

export async function ask(options: AskOptions): Promise<void> {
  const { parley, json } = options
  const signal = AbortSignal.timeout(options.timeoutMs)
  const uploads: string[] = []
  for (const path of options.files) {
    uploads.push(await upload(parley, basename(path), await openFile(resolve(options.folder, path)), signal))
  }
  const piped = await readStdin()
  if (piped) uploads.push(await upload(parley, 'stdin.txt', piped, signal))

  const threadId = randomUUID()
  const events = await call(parley, `/console/events?thread=${threadId}`, { signal })
  const sent = { id: randomUUID(), text: options.question, uploads }
  await call(parley, `/console/threads/${threadId}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sent),
    signal,
  })
  const answer = await follow(events, json ? () => {} : (text) => process.stdout.write(text), signal, options.timeoutMs)
  if (answer.state === 'failed') throw new ParleyError('turn_failed', answer.text)
  if (json) console.log(JSON.stringify(describe(answer), null, 2))
  else printEnd(answer)
}

/** Prints the answer as it streams, and resolves with the finished message. */
async function follow(
  events: Response,
  print: (text: string) => void,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Message> {
  const status = statusLine()
  let shown = ''
  const show = (text: string) => {
    if (text === shown) return
    status.clear()
    // If the answer starts over, print it again below.
    print(text.startsWith(shown) ? text.slice(shown.length) : `\n\n${text}`)
    shown = text
  }
  try {
    for await (const event of eventsOf(events)) {
      if (event.type === 'status' && event.status && shown === '') status.show(event.status.text)
      if (event.type === 'text') show(shown.slice(0, event.offset) + event.text)
      if (event.type === 'message' && event.message.role === 'parley') {
        show(event.message.text)
        if (event.message.receipt !== null) return event.message
      }
    }
  } catch (error) {
    if (signal.aborted)
      throw new ParleyError('turn_failed', terminalWording.noAnswerInTime(timeoutMs / 1000), { cause: error })
    throw error
  } finally {
    status.clear()
  }
  throw new ParleyError('turn_failed', terminalWording.stoppedEarly)
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

function printEnd({ citations, receipt }: Message): void {
  process.stdout.write('\n')
  if (citations.length > 0) {
    console.log(`\n${terminalWording.sources}`)
    for (const citation of citations) {
      const { n, source, at } = citation
      const address = addressOf(citation)
      console.log(`  [${n}] ${source.title}, ${describePosition(at)}${address === undefined ? '' : ` ${address}`}`)
    }
  }
  for (const attachment of receipt?.attachments ?? []) {
    if (attachment.outcome !== 'read') console.error(`${attachment.name}: ${attachment.summary}`)
  }
  for (const notice of receipt?.notices ?? []) console.error(notice)
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

async function openFile(path: string): Promise<Readable> {
  const known = await stat(path).catch(() => null)
  if (known === null) throw new ParleyError('file_missing', terminalWording.fileMissing(path))
  if (!known.isFile()) throw new ParleyError('file_unsupported', terminalWording.notAFile(path))
  return createReadStream(path)
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

/** A status line that overwrites itself; silent if stderr is not a terminal. */
function statusLine() {
  let shown = false
  return {
    show(text: string) {
      if (!process.stderr.isTTY) return
      process.stderr.write(`\r\x1b[K${text}…`)
      shown = true
    },
    clear() {
      if (shown) process.stderr.write('\r\x1b[K')
      shown = false
    },
  }
}

/**
 * The arguments of `ask` and `route`: files, then the question. Throws `request_invalid` if the question is missing. Relative paths
 * start at `folder`.
 */
export async function filesAndQuestion(
  words: readonly string[],
  folder: string,
): Promise<{ files: string[]; question: string }> {
  const question = words.at(-1) ?? ''
  const known = question === '' ? null : await stat(resolve(folder, question)).catch(() => null)
  if (known?.isFile())
    throw new ParleyError('request_invalid', terminalWording.questionMissing(basename(question), question))
  return { files: words.slice(0, -1), question }
}
