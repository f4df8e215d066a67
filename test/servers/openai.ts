/**
 * A local stand-in for a Chat Completions server: what it answers is scripted, request by request, so that a test can
 * have any token, delay, stall, cut or refusal it needs. Also a process of its own:
 * `node test/servers/openai.ts --port 0 [--every-ms 20] [--script replies.json]` prints its base URL.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { lastUserText, type OpenAiWire, openAiWire } from './openai-wire.ts'

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
  /** Milliseconds before the headers, before the first token, and between tokens. */
  headersAfterMs?: number
  firstAfterMs?: number
  everyMs?: number
  /** After this many tokens: hang with the connection open, destroy the socket, or end without a terminator. */
  cut?: { after: number; how: 'stall' | 'reset' | 'end' }
  /** Default: sent when the request asks for it. `false` never, an object always. */
  usage?: boolean | { prompt_tokens: number; completion_tokens: number; [more: string]: unknown }
  /** `null` leaves it out. Default `stop`. */
  finish?: string | null
  /** Whether `data: [DONE]` ends the stream. Default true. */
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

export interface ScriptedOpenAi extends AsyncDisposable {
  /** Ends in `/v1`. */
  url: string
  /** Chat requests, in order of arrival. */
  requests: ReceivedRequest[]
  /** All requests, `/models` too. */
  log: ReceivedRequest[]
  /** Resolves with chat request number `index` (from 0) once it has arrived in full. */
  request(index: number): Promise<ReceivedRequest>
  close(): Promise<void>
}

export interface ScriptedOpenAiOptions {
  /** One reply for each chat request, the last one for all that follow. Default: echo. */
  script?: Script
  /** What /models lists; a number answers with that status. Default one model, `scripted`. */
  models?: { id: string; [more: string]: unknown }[] | number
  port?: number
}

export async function startScriptedOpenAi(options: ScriptedOpenAiOptions = {}): Promise<ScriptedOpenAi> {
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
    if (path.endsWith('/models')) return listModels(response, options.models ?? [{ id: 'scripted' }])
    if (!path.endsWith('/chat/completions')) return sendJson(response, 404, { error: { message: `no route ${path}` } })
    const index = requests.push(received) - 1
    for (const wake of waiting.splice(0)) wake()
    await reply(response, pick(options.script ?? [{}], received, index), openAiWire(body, index))
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
    url: `http://127.0.0.1:${port}/v1`,
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

async function reply(response: ServerResponse, scripted: ScriptedReply, wire: OpenAiWire): Promise<void> {
  if (scripted.headersAfterMs) await sleep(scripted.headersAfterMs)
  const status = scripted.status ?? 200
  if (status !== 200 && !scripted.raw) {
    const error = { message: `scripted ${status}`, type: 'scripted', code: null, param: null, ...scripted.error }
    return sendJson(response, status, { error }, scripted.headers)
  }
  if (!wire.streaming && !scripted.raw) return sendJson(response, 200, wire.whole(tokensOf(scripted, wire).join('')))
  response.writeHead(status, { 'content-type': 'text/event-stream; charset=utf-8', ...scripted.headers })
  response.flushHeaders()
  if (scripted.firstAfterMs) await sleep(scripted.firstAfterMs)

  const content = scripted.raw ?? deltas(scripted, wire)
  for (const [at, piece] of content.entries()) {
    if (response.destroyed) return
    if (at === scripted.cut?.after) return cut(response, scripted.cut.how)
    await write(response, piece, scripted.splitBytes)
    if (scripted.everyMs) await sleep(scripted.everyMs)
    // A long answer without pauses must not hold up the client, which may live in this very process.
    else if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  if (scripted.cut) return cut(response, scripted.cut.how)
  if (!scripted.raw) await write(response, ending(scripted, wire), scripted.splitBytes)
  response.end()
}

function tokensOf(scripted: ScriptedReply, wire: OpenAiWire): string[] {
  const tokens = scripted.tokens ?? 'echo'
  return tokens === 'echo' ? (lastUserText(wire.request).match(/\S+\s*|\s+/g) ?? []) : tokens
}

function deltas(scripted: ScriptedReply, wire: OpenAiWire): string[] {
  return [
    ...(scripted.reasoning ?? []).map((delta) => wire.chunk({ reasoning_content: delta })),
    ...tokensOf(scripted, wire).map((content) => wire.chunk({ content })),
    ...(scripted.refusal ?? []).map((refusal) => wire.chunk({ refusal })),
  ]
}

function ending(scripted: ScriptedReply, wire: OpenAiWire): string {
  const finish = scripted.finish === undefined ? 'stop' : scripted.finish
  const usage = scripted.usage ?? wire.wantsUsage
  const last = [
    finish === null ? '' : wire.chunk({}, finish),
    usage === false ? '' : wire.usage(usage === true ? wire.count(tokensOf(scripted, wire).length) : usage),
    scripted.done === false ? '' : 'data: [DONE]\n\n',
  ]
  return last.join('')
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

function listModels(response: ServerResponse, models: NonNullable<ScriptedOpenAiOptions['models']>): void {
  if (typeof models === 'number') {
    sendJson(response, models, { error: { message: `scripted ${models}` } })
  } else {
    const data = models.map((model) => ({ object: 'model', created: 1_700_000_000, owned_by: 'scripted', ...model }))
    sendJson(response, 200, { object: 'list', data })
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'every-ms': { type: 'string', default: '0' },
      script: { type: 'string' },
    },
  })
  const pace = { everyMs: Number(values['every-ms']) }
  const script: ScriptedReply[] = values.script ? JSON.parse(await readFile(values.script, 'utf8')) : [pace]
  const { url } = await startScriptedOpenAi({ script, port: Number(values.port) })
  console.log(url)
}
