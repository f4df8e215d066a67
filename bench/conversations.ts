/**
 * People that talk, as a process of its own: each conversation asks, waits for the end of the reply, thinks, and asks
 * again. Through Parley's console API, or of the model itself by its SDK. Made cheap, because it shares the machine.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { OpenAI } from 'openai'
import { end } from './servers.ts'

export interface Talk {
  /** Parley's address, or with `direct` the model's. */
  url: string
  direct: boolean
  conversations: number
  /** Of each conversation, after one that is not counted. */
  turns: number
  /** A conversation goes on in a new thread after so many. */
  turnsPerThread: number
  thinkMs: { least: number; most: number }
  /** The conversations begin spread over this time, so that they do not march in step. */
  startOverMs: number
}

export interface Turn {
  /** From just before the question is sent to the first text of the reply, and to its end. */
  firstMs: number
  totalMs: number
  /** Milliseconds since 1970 when the question was sent. */
  at: number
  /** False for the first of each conversation. */
  counted: boolean
}

export interface Clients extends AsyncDisposable {
  pid: number
  /** When all conversations are over. */
  turns: Promise<Turn[]>
}

export function startClients(talk: Talk): Clients {
  const child = fork(import.meta.filename, ['clients'], { execArgv: [] })
  child.send(talk)
  const turns = answerOf(child)
  turns.catch(() => {})
  return { pid: child.pid ?? 0, turns, [Symbol.asyncDispose]: () => end(child) }
}

async function answerOf(child: ChildProcess): Promise<Turn[]> {
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the clients ended with ${code}`)
  })
  const [answer] = (await Promise.race([once(child, 'message'), gone])) as [Turn[]]
  return answer
}

/** Asks once and reports when the first text came; returns at the reply's end. */
type Ask = (onFirst: () => void) => Promise<void>

const question = 'What does the manual say about the booster pump, and who has to countersign the form?'
const patienceMs = 60_000

async function converse(ask: Ask, count: number, talk: Talk, turns: Turn[], warm: boolean): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const at = Date.now()
    const started = performance.now()
    let first: number | undefined
    await ask(() => {
      first ??= performance.now()
    })
    if (first === undefined) throw new Error('a reply without text')
    const totalMs = performance.now() - started
    turns.push({ firstMs: first - started, totalMs, at, counted: warm || n > 0 })
    const { least, most } = talk.thinkMs
    await sleep(least + Math.random() * (most - least))
  }
}

async function converseInThreads(talk: Talk, turns: Turn[]): Promise<void> {
  for (let done = 0; done <= talk.turns; done += talk.turnsPerThread) {
    const count = Math.min(talk.turnsPerThread, talk.turns + 1 - done)
    await using thread = await openThread(talk.url)
    await converse(thread.ask, count, talk, turns, done > 0)
  }
}

interface ConsoleThread extends AsyncDisposable {
  ask: Ask
}

const agent = new Agent({ keepAlive: true })

async function openThread(url: string): Promise<ConsoleThread> {
  const threadId = randomUUID()
  let onFirst: (() => void) | undefined
  let over = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  let rest = ''

  /** Only what tells of a message as a whole is parsed. */
  const take = (record: string) => {
    if (record.startsWith('data: {"type":"snapshot"')) opened.resolve()
    if (!record.startsWith('data: {"type":"message"')) return
    const { message } = JSON.parse(record.slice(6)) as { message: { role: string; text: string; state: string } }
    if (message.role !== 'parley' || message.text === '') return
    onFirst?.()
    if (message.state === 'done') over.resolve()
    else if (message.state !== 'streaming') over.reject(new Error(`a reply ended as ${message.state}: ${message.text}`))
  }
  const events = request(new URL(`/console/events?thread=${threadId}`, url), { agent: new Agent() })
  const response = await sent(events)
  response.on('error', () => {})
  response.setEncoding('utf8').on('data', (text: string) => {
    rest += text
    for (let at = rest.indexOf('\n\n'); at >= 0; at = rest.indexOf('\n\n')) {
      take(rest.slice(0, at))
      rest = rest.slice(at + 2)
    }
  })
  await opened.promise

  return {
    async ask(first) {
      onFirst = first
      over = Promise.withResolvers()
      const late = setTimeout(() => over.reject(new Error(`no reply within ${patienceMs} ms`)), patienceMs)
      const post = request(new URL(`/console/threads/${threadId}/messages`, url), {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json' },
      })
      const [answer] = await Promise.all([
        sent(post, JSON.stringify({ id: randomUUID(), text: question, uploads: [] })),
        over.promise,
      ])
      answer.resume()
      clearTimeout(late)
      if (answer.statusCode !== 202) throw new Error(`a question was answered with ${answer.statusCode}`)
    },
    async [Symbol.asyncDispose]() {
      events.destroy()
    },
  }
}

async function sent(outgoing: ClientRequest, body?: string): Promise<IncomingMessage> {
  outgoing.on('error', () => {})
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

function askDirectly(url: string): Ask {
  const client = new OpenAI({ baseURL: url, apiKey: 'bench', maxRetries: 0 })
  return async (onFirst) => {
    const stream = await client.chat.completions.create({
      model: 'scripted',
      messages: [{ role: 'user', content: question }],
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) onFirst()
  }
}

if (process.argv[2] === 'clients' && process.send) {
  const [talk] = (await once(process, 'message')) as [Talk]
  const turns: Turn[] = []
  const direct = talk.direct ? askDirectly(talk.url) : undefined
  const conversations = Array.from({ length: talk.conversations }, async (_, at) => {
    await sleep((at / talk.conversations) * talk.startOverMs)
    if (direct) await converse(direct, talk.turns + 1, talk, turns, false)
    else await converseInThreads(talk, turns)
  })
  await Promise.all(conversations)
  process.send(turns, () => process.exit(0))
}
