/** A program outside that receives webhooks over HTTP. Signatures are checked with the verifier of Standard Webhooks, which nobody here wrote. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'

const Body = z.strictObject({ type: z.string(), timestamp: z.iso.datetime(), data: z.record(z.string(), z.json()) })

export interface Received {
  id: string
  raw: string
  headers: Record<string, string>
  body: z.infer<typeof Body>
}

export type Reply = (received: Received, response: ServerResponse, request: IncomingMessage) => void

export interface WebhookReceiver extends AsyncDisposable {
  origin: string
  /** Of a path. */
  at(path: string): string
  /** All requests so far, oldest first. */
  received: Received[]
  /** The next request that no earlier call returned. */
  next(): Promise<Received>
  /** How requests to a path are answered from now on; otherwise with 204. */
  reply(path: string, reply: Reply): void
}

export const status =
  (code: number, headers: Record<string, string> = {}): Reply =>
  (_, response) =>
    void response.writeHead(code, headers).end()

/** Throws unless it was signed with the secret. */
export function verify(secret: string, { raw, headers }: Received): void {
  new Webhook(secret).verify(raw, headers)
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = []
  const replies = new Map<string, Reply>()
  const waiting: ((each: Received) => void)[] = []
  let taken = 0
  const server = createServer(async (request, response) => {
    const raw = await text(request)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const each = { id: headers['webhook-id'] ?? '', raw, headers, body: Body.parse(JSON.parse(raw)) }
    received.push(each)
    const reply = replies.get(request.url ?? '') ?? status(204)
    reply(each, response, request)
    const waiter = waiting.shift()
    if (waiter !== undefined) {
      taken += 1
      waiter(each)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    at: (path) => `${origin}${path}`,
    received,
    reply: (path, reply) => void replies.set(path, reply),
    next() {
      const each = received[taken]
      if (each === undefined) return new Promise((resolve) => waiting.push(resolve))
      taken += 1
      return Promise.resolve(each)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
