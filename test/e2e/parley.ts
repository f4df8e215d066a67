/** Parley as people run it, a process of its own on a temporary home, and a client of its console. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message, Thread } from '../../adapters/console/api.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { readTerminalToken } from '../../src/store/home.ts'

const root = join(import.meta.dirname, '../..')

export interface ParleyProcess extends AsyncDisposable {
  url: string
  pid: number
  home: string
  /** What proves the terminal; the page needs it where something is served to the outside. */
  headers: Record<string, string>
  /** What it has written to stdout so far. */
  output(): string
  /** What it has written to stderr so far. */
  log(): string
  kill(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Resolves when it has ended, by whomever. */
  ended: Promise<unknown>
}

export async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'parley-home-'))
  await chmod(home, 0o711)
  return home
}

/** A clean environment: nothing of this machine's own settings reaches the process. */
export function environment(home: string, more: Record<string, string> = {}): Record<string, string> {
  const { PATH = '' } = process.env
  // A command starts in half the time: https://nodejs.org/docs/latest-v24.x/api/module.html#module-compile-cache
  const NODE_COMPILE_CACHE = join(root, 'node_modules/.cache/node')
  return { PATH, NODE_COMPILE_CACHE, PARLEY_HOME: home, PORT: '0', LOG_LEVEL: 'info', ...more }
}

/** Runs until it ends; for commands and for set-ups that must fail. */
export async function run(
  args: string[],
  env: Record<string, string>,
  options: { cwd?: string; input?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, args, { cwd: options.cwd ?? root, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: stdout(), stderr: stderr() }
}

/** Resolves when Parley says that it is ready; rejects with what it wrote when it ends before. */
export async function startParley(home: string, more: Record<string, string> = {}, cwd = root): Promise<ParleyProcess> {
  const child = spawn(process.execPath, [join(root, 'src/main.ts')], {
    cwd,
    env: environment(home, more),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stderr = collect(child.stderr)
  const stdout = collect(child.stdout)
  const url = await readyUrl(child, stderr)
  const headers = { authorization: `Bearer ${await readTerminalToken(home)}` }
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const [code, by] = await ended
    return { code, signal: by }
  }
  return {
    url,
    pid: child.pid ?? 0,
    home,
    headers,
    output: stdout,
    log: stderr,
    kill,
    ended,
    async [Symbol.asyncDispose]() {
      await kill('SIGTERM')
    },
  }
}

export async function removeHome(home: string): Promise<void> {
  await rm(home, { recursive: true, force: true })
}

/** The process id of the built-in PostgreSQL. */
export async function postmasterPid(home: string): Promise<number> {
  return Number((await readFile(join(home, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0])
}

async function readyUrl(child: ChildProcess, stderr: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const url = /Parley is ready: (\S+)/.exec(text)?.[1]
    if (url) resolve(url)
  })
  child.once('exit', (code, signal) =>
    reject(new Error(`Parley ended (${code ?? signal}) before it was ready:\n${stderr()}`)),
  )
  return promise
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const pieces: string[] = []
  stream.setEncoding('utf8').on('data', (chunk: string) => pieces.push(chunk))
  return () => pieces.join('')
}

/** The console's API, as the page uses it. */
export class ConsoleClient {
  readonly url: string
  readonly #headers: Record<string, string>
  /** `headers`: of the Parley that runs, where it serves something to the outside. */
  constructor(url: string, headers: Record<string, string> = {}) {
    this.url = url
    this.#headers = headers
  }

  async upload(name: string, content: Uint8Array | string, type = 'application/octet-stream'): Promise<string> {
    const id = randomUUID()
    const body = typeof content === 'string' ? content : new Uint8Array(content)
    await this.call('PUT', `/console/uploads/${id}?name=${encodeURIComponent(name)}`, body, { 'content-type': type })
    return id
  }

  async send(
    threadId: string,
    text: string,
    uploads: string[] = [],
    id: string = randomUUID(),
  ): Promise<{ turnId: string; message: Message }> {
    const response = await this.call(
      'POST',
      `/console/threads/${threadId}/messages`,
      JSON.stringify({ id, text, uploads }),
      { 'content-type': 'application/json' },
    )
    return (await response.json()) as { turnId: string; message: Message }
  }

  async thread(threadId: string): Promise<{ thread: Thread; messages: Message[] }> {
    return (await (await this.call('GET', `/console/threads/${threadId}`)).json()) as {
      thread: Thread
      messages: Message[]
    }
  }

  async act(turnId: string, action: 'stop' | 'regenerate'): Promise<{ turnId: string }> {
    return (await (await this.call('POST', `/console/turns/${turnId}/${action}`)).json()) as { turnId: string }
  }

  /** The finished reply of a turn, once it is there. */
  async reply(threadId: string, turnId: string, timeoutMs = 90_000): Promise<Message & { receipt: Receipt }> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const { messages } = await this.thread(threadId)
      const found = messages.findLast(
        (message) => message.role === 'parley' && message.turnId === turnId && message.receipt !== null,
      )
      if (found?.receipt) return { ...found, receipt: found.receipt }
      if (Date.now() > deadline)
        throw new Error(
          `no reply to ${turnId} within ${timeoutMs} ms; the thread: ${JSON.stringify(messages.map(({ role, state, text }) => ({ role, state, text: text.slice(0, 80) })))}`,
        )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Asks in a new thread and waits for the reply. */
  async ask(text: string, uploads: string[] = [], timeoutMs?: number): Promise<Message & { receipt: Receipt }> {
    const threadId = randomUUID()
    const { turnId } = await this.send(threadId, text, uploads)
    return this.reply(threadId, turnId, timeoutMs)
  }

  async call(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { ...this.#headers, ...headers },
      ...(body === undefined ? {} : { body }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
}
