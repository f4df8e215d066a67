/**
 * A proxy before a server that we did not write: it keeps what was asked and how the exchange ended, and breaks the way
 * back where a test wants it broken. The bytes that go through are the server's own.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Broken {
  /** From the first event that this fits on, nothing is passed on. */
  from?: RegExp
  how?: 'stall' | 'reset' | 'end'
  /** Cuts the bytes into pieces of this size. */
  splitBytes?: number
  headersAfterMs?: number
}

export interface Passed {
  body: unknown
  closed: Promise<'finished' | 'aborted'>
}

export interface RecordingProxy extends AsyncDisposable {
  origin: string
  /** Requests that `counts`, in order of arrival. */
  passed: Passed[]
  request(index: number): Promise<Passed>
  close(): Promise<void>
}

export interface ProxyOptions {
  upstream: string
  counts(path: string): boolean
  broken(index: number): Broken
}

export async function startProxy({ upstream, counts, broken }: ProxyOptions): Promise<RecordingProxy> {
  const passed: Passed[] = []
  const waiting: (() => void)[] = []
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy())
  })

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = new Promise<'finished' | 'aborted'>((resolve) => {
      response.on('close', () => resolve(response.writableFinished ? 'finished' : 'aborted'))
    })
    const pieces: Uint8Array[] = []
    for await (const piece of incoming) pieces.push(piece)
    const asked = Buffer.concat(pieces)
    let fault: Broken = {}
    if (counts(incoming.url ?? '')) {
      fault = broken(passed.length)
      passed.push({ body: JSON.parse(asked.toString()), closed })
      for (const wake of waiting.splice(0)) wake()
    }
    if (fault.headersAfterMs) await sleep(fault.headersAfterMs)
    const { method, headers } = incoming
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(new URL(incoming.url ?? '/', upstream), { method: method ?? 'GET', headers }, resolve)
        .on('error', reject)
        .end(asked)
    })
    response.on('close', () => answer.destroy())
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    await passOn(answer, response, fault)
  }

  async function passOn(answer: IncomingMessage, response: ServerResponse, fault: Broken): Promise<void> {
    for await (const events of eventsOf(answer)) {
      if (fault.from?.test(events)) return breakOff(response, fault.how)
      const bytes = Buffer.from(events)
      const size = fault.splitBytes ?? bytes.length
      for (let at = 0; at < bytes.length; at += size) {
        response.write(bytes.subarray(at, at + size))
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    response.end()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed,
    async request(index) {
      for (;;) {
        const found = passed[index]
        if (found) return found
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Lines of a stream, each with its end, whatever the dialect. */
async function* eventsOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const piece of answer) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split(/(?<=\n)/)
      rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '')
      yield* lines
    }
  } catch {
    // The server broke off by itself: so does the way back.
  }
  if (rest !== '') yield rest
  if (!answer.complete) throw new Error('the server broke off')
}

function breakOff(response: ServerResponse, how: Broken['how']): void {
  if (how === 'reset') response.socket?.resetAndDestroy()
  else if (how === 'end') response.end()
}
