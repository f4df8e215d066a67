/** Bytes in and out of the console's stand-in: the built page, JSON, events. */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import type { ConsoleEvent } from '../../adapters/console/api.ts'

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
  const file = join(dist, path === '/' ? 'index.html' : path)
  const bytes = await readFile(file).catch(() => null)
  if (bytes === null) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(bytes)
}
