/** Bytes in and out of the console's stand-in: the built page, JSON, events. */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import type { ConsoleEvent } from '../../adapters/console/api.ts'
import { requestedRange } from '../../adapters/console/byte-range.ts'
import { routeOf } from '../../adapters/console/paths.ts'

const dist = join(import.meta.dirname, '../../adapters/console/dist')
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

export function writeEvent(page: ServerResponse, event: ConsoleEvent): void {
  page.write(`data: ${JSON.stringify(event)}\n\n`)
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function servePage(path: string, response: ServerResponse): Promise<void> {
  const file = join(dist, routeOf(path) === null ? path : 'index.html')
  const bytes = await readFile(file).catch(() => null)
  if (bytes === null) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(bytes)
}

/** As the real server: whole, or the part that a player asks for. */
export function sendRecording(
  response: ServerResponse,
  { mediaType, bytes }: { mediaType: string; bytes: Buffer },
  asked: string | undefined,
): void {
  const range = requestedRange(asked, bytes.length)
  if (range === 'outside') return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
  const { from, to } = range ?? { from: 0, to: bytes.length - 1 }
  response.setHeader('content-type', mediaType).setHeader('accept-ranges', 'bytes')
  if (range !== undefined) response.setHeader('content-range', `bytes ${from}-${to}/${bytes.length}`)
  response.writeHead(range === undefined ? 200 : 206).end(bytes.subarray(from, to + 1))
}
