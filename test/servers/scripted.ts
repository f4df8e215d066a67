/**
 * A local stand-in for a model server, whatever its dialect: what it answers is scripted, request by request, so that a
 * test can have any token, delay, stall, cut or refusal it needs. The dialects are in the files beside this one.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ScriptedReply {
  /** Anything but 200 sends `error` as JSON instead of a stream. */
  status?: number
  error?: { message: string; type?: string; code?: string | null; param?: string | null }
  headers?: Record<string, string>
  /** Text deltas in order; `echo` gives the last user message back, word by word. Default `echo`. */
  tokens?: string[] | 'echo'
  reasoning?: string[]
  /** Deltas of `refusal`, sent after the tokens. */
  refusal?: string[]
  /** Tool calls, sent after the tokens; `arguments` as JSON text, of which each piece is a delta. */
  calls?: { id: string; name: string; arguments: string[] }[]
  /** Milliseconds before the headers, before the first token, and between tokens. */
  headersAfterMs?: number
  firstAfterMs?: number
  everyMs?: number
  /** After this many tokens: hang with the connection open, destroy the socket, or end without a terminator. */
  cut?: { after: number; how: 'stall' | 'reset' | 'end' }
  /** In the dialect's own words. Default: sent when the request asks for it. `false` never, an object always. */
  usage?: boolean | { [name: string]: unknown }
  /** Usage that the end of the stream replaces, where the dialect has a place for it. */
  earlierUsage?: { [name: string]: unknown }
  /** The server's own account of a failure, after the tokens and instead of the end. */
  failure?: { message: string; [more: string]: unknown }
  /** `null` leaves it out. Default `stop`. */
  finish?: string | null
  /** Whether the dialect's terminator ends the stream. Default true. */
  done?: boolean
  /** The body exactly as given, in these pieces; nothing else of the reply is used but status, headers, delays and `cut`. */
  raw?: (string | Uint8Array)[]
  /** Cuts the bytes of the stream into writes of this size, wherever that falls in a character. */
  splitBytes?: number
}

export interface ReceivedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** The client's port: the same for requests that shared a connection. */
  clientPort: number | undefined
  /** The parsed JSON body, `undefined` for none. */
  body: unknown
  /** Settles when the exchange is over: `finished` by the server, or `aborted` because the client went away first. */
  closed: Promise<'finished' | 'aborted'>
}

export type Script = ScriptedReply[] | ((request: ReceivedRequest, index: number) => ScriptedReply)

/** How one request is answered in a dialect. */
export interface Wire {
  streaming: boolean
  contentType: string
  /** The last user message. */
  asked: string
  /** The pieces of the stream that say something, in order. */
  deltas(reply: ScriptedReply, tokens: string[]): string[]
  ending(reply: ScriptedReply, tokens: string[]): string
  /** The answer as one body, for a request that does not stream. */
  whole(content: string): object
  refusal(status: number, error: ScriptedReply['error']): object
  failure(error: NonNullable<ScriptedReply['failure']>): string
}

export interface Dialect {
  /** Whether a request to this path asks for an answer. */
  answers(path: string): boolean
  wire(body: unknown, index: number): Wire
  /** All other requests; `undefined` is a 404. */
  other(request: ReceivedRequest): OtherReply | undefined
}

export interface OtherReply {
  status?: number
  body?: unknown
  /** Lines of NDJSON, instead of a body; the pause between them in milliseconds. */
  lines?: object[]
  everyMs?: number
}

export interface ScriptedServer extends AsyncDisposable {
  /** Without a path. */
  origin: string
  /** Requests for an answer, in order of arrival. */
  requests: ReceivedRequest[]
  /** All requests. */
  log: ReceivedRequest[]
  /** Resolves with request number `index` (from 0) for an answer once it has arrived in full. */
  request(index: number): Promise<ReceivedRequest>
  close(): Promise<void>
}

export async function startScripted(
  dialect: Dialect,
  options: { script?: Script; port?: number },
): Promise<ScriptedServer> {
  const requests: ReceivedRequest[] = []
  const log: ReceivedRequest[] = []
  const waiting: (() => void)[] = []

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy())
  })

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = new Promise<'finished' | 'aborted'>((resolve) => {
      response.on('close', () => resolve(response.writableFinished ? 'finished' : 'aborted'))
    })
    const pieces: Uint8Array[] = []
    for await (const piece of incoming) pieces.push(piece)
    const text = Buffer.concat(pieces).toString()
    const path = new URL(incoming.url ?? '/', 'http://localhost').pathname
    const body = text === '' ? undefined : JSON.parse(text)
    const { headers, method = 'GET', socket } = incoming
    const received: ReceivedRequest = { method, path, headers, clientPort: socket.remotePort, body, closed }
    log.push(received)
    if (!dialect.answers(path)) return await answerOther(response, dialect.other(received), path)
    const index = requests.push(received) - 1
    for (const wake of waiting.splice(0)) wake()
    await reply(response, pick(options.script ?? [{}], received, index), dialect.wire(body, index))
  }

  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    log,
    async request(index) {
      for (;;) {
        const received = requests[index]
        if (received) return received
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function pick(script: Script, request: ReceivedRequest, index: number): ScriptedReply {
  return typeof script === 'function' ? script(request, index) : (script[index] ?? script.at(-1) ?? {})
}

async function reply(response: ServerResponse, scripted: ScriptedReply, wire: Wire): Promise<void> {
  if (scripted.headersAfterMs) await sleep(scripted.headersAfterMs)
  const status = scripted.status ?? 200
  if (status !== 200 && !scripted.raw) {
    return sendJson(response, status, wire.refusal(status, scripted.error), scripted.headers)
  }
  if (!wire.streaming && !scripted.raw) return sendJson(response, 200, wire.whole(tokensOf(scripted, wire).join('')))
  response.writeHead(status, { 'content-type': wire.contentType, ...scripted.headers })
  response.flushHeaders()
  if (scripted.firstAfterMs) await sleep(scripted.firstAfterMs)

  const content = scripted.raw ?? wire.deltas(scripted, tokensOf(scripted, wire))
  for (const [at, piece] of content.entries()) {
    if (response.destroyed) return
    if (at === scripted.cut?.after) return cut(response, scripted.cut.how)
    await write(response, piece, scripted.splitBytes)
    if (scripted.everyMs) await sleep(scripted.everyMs)
    // A long answer without pauses must not hold up the client, which may live in this very process.
    else if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  if (scripted.cut) return cut(response, scripted.cut.how)
  if (scripted.failure) await write(response, wire.failure(scripted.failure), scripted.splitBytes)
  else if (!scripted.raw) await write(response, wire.ending(scripted, tokensOf(scripted, wire)), scripted.splitBytes)
  response.end()
}

function tokensOf(scripted: ScriptedReply, wire: Wire): string[] {
  const tokens = scripted.tokens ?? 'echo'
  return tokens === 'echo' ? (wire.asked.match(/\S+\s*|\s+/g) ?? []) : tokens
}

async function answerOther(response: ServerResponse, reply: OtherReply | undefined, path: string): Promise<void> {
  if (reply === undefined) return sendJson(response, 404, { error: { message: `no route ${path}` } })
  const { status = 200, body, lines, everyMs } = reply
  if (lines === undefined) return sendJson(response, status, body)
  response.writeHead(status, { 'content-type': 'application/x-ndjson' })
  for (const line of lines) {
    if (response.destroyed) return
    await send(response, `${JSON.stringify(line)}\n`)
    if (everyMs) await sleep(everyMs)
  }
  response.end()
}

/** Leaves a stalled response open; the client's going away ends it. */
function cut(response: ServerResponse, how: 'stall' | 'reset' | 'end'): void {
  if (how === 'reset') response.socket?.resetAndDestroy()
  else if (how === 'end') response.end()
}

async function write(response: ServerResponse, piece: string | Uint8Array, splitBytes?: number): Promise<void> {
  if (!splitBytes) return send(response, piece)
  const bytes = Buffer.from(piece)
  for (let at = 0; at < bytes.length; at += splitBytes) {
    await send(response, bytes.subarray(at, at + splitBytes))
    // One turn of the loop apart, so that the pieces travel as pieces.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function send(response: ServerResponse, piece: string | Uint8Array): Promise<void> {
  if (response.destroyed || response.write(piece)) return
  await new Promise<void>((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go)
      resolve()
    }
    response.on('drain', go).on('close', go)
  })
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
