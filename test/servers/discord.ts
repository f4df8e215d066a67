/**
 * A local stand-in for Discord: REST and gateway, with people who write, use commands and press buttons. Every request body
 * is held against Discord's own OpenAPI document where a copy of it is at hand, and against what that document leaves out:
 * 2,000 characters, permissions, rate-limit buckets, three seconds, fifteen minutes.
 *
 * Where it departs from Discord: limits of buckets are what has been observed, because Discord does not publish them; there
 * is no compression, no member list and no presence; a message's mentions and embeds are what the test says; a nonce is
 * remembered for good instead of some minutes; files lie below the REST address; `POST /attachments/refresh-urls` is not in
 * the document and is not checked against it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { APIUser } from 'discord.js'
import { createGateway, type StandInGateway } from './discord-gateway.ts'
import { createLimits } from './discord-limits.ts'
import { answer, type Call, type RestState, type Use } from './discord-rest.ts'
import { openDiscordSpec } from './discord-spec.ts'
import { createWorld, type World, type WorldChannel, type WorldMessage } from './discord-world.ts'

export interface Writing {
  author: APIUser
  channel: WorldChannel
  text?: string
  /** The bot is mentioned in front of the text. */
  mention?: boolean
  files?: { name: string; data: Buffer; type?: string; durationSecs?: number }[]
  /** Repeats an event: the same id as before. */
  id?: string
  replyTo?: WorldMessage
  more?: object
}

export interface Using {
  user: APIUser
  channel: WorldChannel
  /** Discord's number of the kind: 2 command, 3 button or menu, 4 suggestions, 5 form. */
  type: 2 | 3 | 4 | 5
  data: Record<string, unknown>
  message?: WorldMessage
  permissions?: bigint
}

export interface StandInDiscord extends AsyncDisposable {
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
  write(what: Writing): WorldMessage
  edit(message: WorldMessage, text: string): void
  use(what: Using): Use
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

export async function startDiscord(options: StandInOptions = {}): Promise<StandInDiscord> {
  const world = options.like?.world ?? createWorld()
  const token = `${Buffer.from(world.bot.id).toString('base64url')}.stand.in`
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
    ...{
      world,
      uses: new Map(),
      tokenLifeMs: options.tokenLifeMs ?? 15 * 60_000,
      commands: new Map(),
      registrations: 0,
    },
    ...{ typing: [], closed: new Set(), nonces: new Map(), flags: 1 << 18, base: () => url, changed },
    gatewayUrl: () => socketUrl,
    dispatch: (t, d, guildId) => gateway.dispatch(t, d, guildId),
  }
  const gateway = createGateway(http, {
    ...{ world, token, heartbeatMs: options.heartbeatMs ?? 41_250, resumeUrl: () => socketUrl },
    contentAllowed: () => (state.flags & ((1 << 18) | (1 << 19))) !== 0,
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    if (pathname.startsWith('/api/attachments/') && request.method === 'GET')
      return serveFile(pathname.slice(4), response)
    const call = await read(request, pathname.replace(/^\/api\/v10/, ''), searchParams, token)
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

  function memberFields(channel: WorldChannel, user: APIUser) {
    if (channel.guildId === undefined) return {}
    const { user: _, ...member } = world.memberOf(channel.guildId, user.id)
    return { guild_id: channel.guildId, member }
  }

  return {
    ...{ url, token, world, gateway, state, violations, refused, requests },
    write({ author, channel, text = '', mention = false, files = [], id = world.snowflake(), replyTo, more = {} }) {
      const voice = files.some(({ durationSecs }) => durationSecs !== undefined)
      const attachments = files.map(({ name, data, type = 'application/octet-stream', durationSecs }) =>
        world.store(
          url,
          channel.id,
          name,
          data,
          type,
          durationSecs === undefined ? {} : { duration_secs: durationSecs, waveform: 'AAAA' },
        ),
      )
      const reference = replyTo && {
        ...{ type: 19, message_reference: { type: 0, channel_id: channel.id, message_id: replyTo.id } },
        referenced_message: replyTo,
      }
      const message = {
        ...{
          id,
          type: 0,
          channel_id: channel.id,
          channel_type: channel.type,
          author,
          tts: false,
          mention_everyone: false,
        },
        content: mention ? `<@${world.bot.id}> ${text}` : text,
        ...{
          timestamp: new Date(world.now()).toISOString(),
          edited_timestamp: null,
          mentions: mention ? [world.bot] : [],
        },
        ...{
          mention_roles: [],
          attachments,
          embeds: [],
          pinned: false,
          components: [],
          flags: voice ? 8192 : 0,
          times: [Date.now()],
        },
        ...memberFields(channel, author),
        ...reference,
        ...more,
      } as unknown as WorldMessage
      if (world.find(channel.id, id) === undefined) world.put(message)
      gateway.dispatch('MESSAGE_CREATE', message, channel.guildId)
      return message
    },
    edit(message, text) {
      message.content = text
      message.edited_timestamp = new Date(world.now()).toISOString()
      gateway.dispatch('MESSAGE_UPDATE', message, message.guild_id)
    },
    use({ user, channel, type, data, message, permissions }) {
      const id = world.snowflake()
      const use: Use = {
        ...{ id, token: `aW50ZXJhY3Rpb24${id}${'x'.repeat(40)}`, user, channel, madeAt: world.now(), ephemeral: false },
        ...{ followUps: [], ...(message === undefined ? {} : { message }) },
      }
      state.uses.set(id, use)
      const granted = String(permissions ?? world.permissions(channel, user.id))
      const who =
        channel.guildId === undefined
          ? { user }
          : {
              guild_id: channel.guildId,
              member: { ...world.memberOf(channel.guildId, user.id), user, permissions: granted },
            }
      gateway.dispatch(
        'INTERACTION_CREATE',
        {
          ...{ id, application_id: world.bot.id, type, data, token: use.token, version: 1, locale: 'en-GB', ...who },
          ...{
            channel_id: channel.id,
            channel: world.channelJson(channel),
            ...(message === undefined ? {} : { message }),
          },
          ...{
            app_permissions: String(world.permissions(channel, world.bot.id)),
            entitlements: [],
            attachment_size_limit: 10_000_000,
          },
          authorizing_integration_owners: {},
        },
        channel.guildId,
      )
      return use
    },
    attach: (channel, name, data, type = 'application/octet-stream') => world.store(url, channel.id, name, data, type),
    until(look, what, timeoutMs = 20_000) {
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
        ({ author, visibleTo }) => author.id === world.bot.id && visibleTo === undefined,
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
