/**
 * A local stand-in for Discord: REST and gateway, with people who write, use commands and press buttons. Every request body
 * is held against Discord's own OpenAPI document where a copy of it is at hand, and against what that document leaves out:
 * 2,000 characters, permissions, rate-limit buckets, three seconds, fifteen minutes.
 *
 * Where it departs from Discord: limits of buckets are what has been observed, because Discord does not publish them; there
 * is no compression, no member list and no presence; a message's mentions and embeds are what the test says; a nonce is
 * remembered for good instead of some minutes; the first message of a thread, which carries the one that it grew out of, comes
 * without an event; files lie below the REST address; `POST /attachments/refresh-urls` is not in
 * the document and is not checked against it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createGateway, type StandInGateway } from './discord-gateway.ts'
import { createLimits } from './discord-limits.ts'
import { createPeople, type People } from './discord-people.ts'
import { answer } from './discord-rest.ts'
import { openDiscordSpec } from './discord-spec.ts'
import type { Call, RestState } from './discord-state.ts'
import { createWorld, type World, type WorldChannel, type WorldMessage } from './discord-world.ts'

export interface StandInDiscord extends AsyncDisposable, People {
  /** For DISCORD_API_URL. */
  url: string
  token: string
  world: World
  gateway: StandInGateway
  state: RestState
  /** What was wrong with requests. */
  violations: string[]
  /** Requests that were told to slow down. */
  refused: { method: string; path: string; global: boolean }[]
  requests: { method: string; path: string; status: number; at: number; body: Record<string, unknown> }[]
  /** From now on no token is taken; connections are closed. */
  revoke(): void
  /** The token is good again. */
  restore(): void
  /** A file of somebody's, as a command's options carry it. */
  attach(channel: WorldChannel, name: string, data: Buffer, type?: string): { id: string }
  /** Waits until `look` finds something; asked again with every change, and often besides for what changes elsewhere. */
  until<T>(look: () => T | undefined | null | false, what: string, timeoutMs?: number): Promise<T>
  /** Parley's messages in a channel, in order, without what only one person sees. */
  said(channelId: string): WorldMessage[]
}

export interface StandInOptions {
  port?: number
  /** Comes back after it was away: with the same people, channels and token. */
  like?: Pick<StandInDiscord, 'world'>
  heartbeatMs?: number
  tokenLifeMs?: number
  /** Of the windows of rate limits. */
  limitScale?: number
}

/** Whether a reply has ended: it can be rated, or tried again. */
export const hasEnded = (message: Pick<WorldMessage, 'components'> | undefined) =>
  /"(?:good|regenerate):/.test(JSON.stringify(message?.components ?? []))

export async function startDiscord(options: StandInOptions = {}): Promise<StandInDiscord> {
  const world = options.like?.world ?? createWorld()
  const token = `${Buffer.from(world.bot.id).toString('base64url')}.stand.in`
  let revoked = false
  const accepted = () => (revoked ? 'none' : token)
  const spec = openDiscordSpec()
  const limits = createLimits(options.limitScale)
  const violations: string[] = []
  const refused: StandInDiscord['refused'] = []
  const requests: StandInDiscord['requests'] = []
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  const http = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/api`
  const socketUrl = `ws://127.0.0.1:${port}/gateway`
  const state: RestState = {
    world,
    uses: new Map(),
    tokenLifeMs: options.tokenLifeMs ?? 15 * 60_000,
    commands: new Map(),
    registrations: 0,
    typing: [],
    closed: new Set(),
    nonces: new Map(),
    flags: 1 << 18,
    sessionsLeft: 1000,
    sessionsBackMs: 3_600_000,
    userInstall: false,
    base: () => url,
    changed,
    gatewayUrl: () => socketUrl,
    dispatch: (t, d, guildId) => gateway.dispatch(t, d, guildId),
  }
  const gateway = createGateway(http, {
    world,
    token: accepted,
    heartbeatMs: options.heartbeatMs ?? 41_250,
    resumeUrl: () => socketUrl,
    begun() {
      state.sessionsLeft -= 1
      // https://discord.com/developers/docs/events/gateway#session-start-limit-object
      if (state.sessionsLeft < 0) revoked = true
    },
    contentAllowed: () => (state.flags & ((1 << 18) | (1 << 19))) !== 0,
    membersAllowed: () => (state.flags & ((1 << 14) | (1 << 15))) !== 0,
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    if (pathname.startsWith('/api/attachments/') && request.method === 'GET')
      return serveFile(pathname.slice(4), response)
    const call = await read(request, pathname.replace(/^\/api\/v10/, ''), searchParams, accepted())
    const verdict = limits.check(call.method, call.path, call.authorized)
    if (verdict !== undefined && !verdict.allowed) {
      refused.push({ method: call.method, path: call.path, global: verdict.global })
      const retry_after = verdict.retryAfterMs / 1000
      const body = { message: 'You are being rate limited.', retry_after, global: verdict.global }
      const headers = {
        ...verdict.headers,
        'retry-after': String(retry_after),
        'x-ratelimit-scope': verdict.global ? 'global' : 'user',
      }
      return finish(call, { status: 429, body }, headers)
    }
    const body =
      call.method === 'GET' || call.method === 'DELETE' || Object.keys(call.body).length === 0 ? undefined : call.body
    const wrong = body === undefined ? [] : (spec?.violations(call.method, call.path, body) ?? [])
    violations.push(...wrong.map((each) => `${call.method} ${call.path.replace(/[\w.-]{40,}/, '…')} ${each}`))
    finish(call, answer(state, call), verdict?.headers)

    function finish(
      { method, path }: Call,
      result: { status: number; body?: unknown },
      headers: Record<string, string> = {},
    ) {
      requests.push({ method, path, status: result.status, at: Date.now(), body: call.body })
      response.writeHead(result.status, {
        ...(result.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      })
      response.end(result.body === undefined ? undefined : JSON.stringify(result.body))
      changed()
    }
  }

  function serveFile(path: string, response: ServerResponse): void {
    const file = world.files.get(path)
    if (file === undefined || file.expiresAt < world.now())
      response.writeHead(404).end('This content is no longer available.')
    else response.writeHead(200, { 'content-type': file.type }).end(file.data)
  }

  const people = createPeople({ world, url, uses: state.uses, dispatch: state.dispatch })

  return {
    url,
    token,
    world,
    gateway,
    state,
    violations,
    refused,
    requests,
    ...people,
    revoke() {
      revoked = true
      gateway.closeAll(4004)
    },
    restore() {
      revoked = false
    },
    attach: (channel, name, data, type = 'application/octet-stream') => world.store(url, channel.id, name, data, type),
    until(look, what, timeoutMs = 60_000) {
      return new Promise((resolve, reject) => {
        const often = setInterval(() => again(), 25)
        const timer = setTimeout(() => {
          clearInterval(often)
          waiting.delete(again)
          reject(new Error(`not within ${timeoutMs} ms: ${what}`))
        }, timeoutMs)
        function again() {
          const seen = look()
          if (seen === undefined || seen === null || seen === false) return
          clearTimeout(timer)
          clearInterval(often)
          waiting.delete(again)
          resolve(seen)
        }
        waiting.add(again)
        again()
      })
    },
    said: (channelId) =>
      (world.messages.get(channelId) ?? []).filter(
        ({ author, visibleTo, type }) => author.id === world.bot.id && visibleTo === undefined && type !== 21,
      ),
    async [Symbol.asyncDispose]() {
      await gateway.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

async function read(request: IncomingMessage, path: string, query: URLSearchParams, token: string): Promise<Call> {
  const raw = await buffer(request)
  const type = request.headers['content-type'] ?? ''
  const base = {
    method: request.method ?? 'GET',
    path,
    query,
    authorized: request.headers.authorization === `Bot ${token}`,
  }
  if (!type.startsWith('multipart/form-data'))
    return { ...base, body: raw.length === 0 ? {} : JSON.parse(raw.toString('utf8')), files: [] }
  const form = await new Response(new Uint8Array(raw), { headers: { 'content-type': type } }).formData()
  const files: Call['files'] = []
  for (const [key, value] of form) {
    const index = /^files\[(\d+)\]$/.exec(key)?.[1]
    if (index === undefined || typeof value === 'string') continue
    files.push({
      name: value.name,
      type: value.type,
      data: Buffer.from(await value.arrayBuffer()),
      index: Number(index),
    })
  }
  return { ...base, body: JSON.parse(String(form.get('payload_json') ?? '{}')), files }
}
