/**
 * A simulated Slack, built from Slack's documentation. It has the Web API with native streaming and its errors, protected files
 * and the v2 upload flow, rate limits with `Retry-After`, and OAuth. It sends signed events with retries, slash commands and
 * interactions over HTTP or Socket Mode.
 *
 * Differences from Slack: there is one workspace and one app; everyone is in every channel except `CNOTIN…`; all methods
 * accept both JSON and forms; events are retried at once instead of after one and five minutes; sessions and statuses never
 * expire; rate limits are off unless a test sets them. An edit of a message that still streams fails with
 * `streaming_state_conflict`, the strictest reading of the documentation. A message that would ping a channel fails, so that no
 * test can miss it.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { botScopes } from '../../adapters/slack/settings.ts'
import { contextMethods } from './slack-context.ts'
import { fileOf, methods } from './slack-methods.ts'
import { createTokens } from './slack-oauth.ts'
import { SlackRefusal } from './slack-refusal.ts'
import { bot, createState, type StandInFile, team } from './slack-state.ts'
import { subscribedEvent } from './slack-subscriptions.ts'
import type { Delivered, SlackCall, SlackStandIn, SlackStandInOptions } from './slack-types.ts'
import { argsOf, sign } from './slack-wire.ts'

const retries = 3

export async function startSlack(options: SlackStandInOptions = {}): Promise<SlackStandIn> {
  const state = createState()
  const calls: SlackCall[] = []
  const watchers = new Set<() => void>()
  const sockets = new Set<WebSocket>()
  const acks = new Map<string, (payload: unknown) => void>()
  const signingSecret = 'stand-in-signing-secret'
  const tokens = createTokens(state, () => slack.options.rotationSeconds)
  let counted = 0

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500)
      response.end(String(error))
    })
  })
  // Whoever computes for some seconds finds its connection open.
  server.keepAliveTimeout = 60_000
  const socketServer = new WebSocketServer({ noServer: true })
  let refusing = false
  server.on('upgrade', (request, socket, head) => {
    if (refusing) return void socket.destroy()
    socketServer.handleUpgrade(request, socket, head, (ws) => {
      sockets.add(ws)
      ws.on('close', () => {
        sockets.delete(ws)
        for (const watcher of watchers) watcher()
      })
      ws.on('message', (data) => {
        const { envelope_id: id, payload } = JSON.parse(String(data))
        acks.get(id)?.(payload)
      })
      ws.send(JSON.stringify({ type: 'hello', num_connections: sockets.size }))
      for (const watcher of watchers) watcher()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = []
    for await (const piece of request) pieces.push(piece)
    const body = Buffer.concat(pieces)
    const url = new URL(request.url ?? '/', base)
    if (url.pathname.startsWith('/api/')) api(url.pathname.slice(5), body, request, response)
    else if (url.pathname.startsWith('/files-pri/')) download(url.pathname.split('/')[2] ?? '', request, response)
    else if (url.pathname.startsWith('/upload/v1/')) {
      const file = state.files.get(url.pathname.slice(11))
      if (file) file.content = body
      response.writeHead(file ? 200 : 404).end('OK')
    } else if (url.pathname === '/oauth/v2/authorize') {
      const redirect = new URL(url.searchParams.get('redirect_uri') ?? 'http://127.0.0.1/')
      redirect.searchParams.set('code', 'stand-in-code')
      redirect.searchParams.set('state', url.searchParams.get('state') ?? '')
      response.writeHead(302, { location: redirect.href }).end()
    } else if (url.pathname.startsWith('/response/')) {
      state.responses.push(JSON.parse(body.toString()))
      response.writeHead(200).end('ok')
    } else response.writeHead(404).end()
    for (const watcher of watchers) watcher()
  }

  function api(method: string, body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const args = argsOf(body.toString(), request.headers['content-type'] ?? '')
    const call: SlackCall = { method, args, at: Date.now() }
    calls.push(call)
    const retryAfter = slack.options.limit?.(method, counted++, args)
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '') || String(args.token ?? '')
    const answer = retryAfter === undefined ? answerTo(method, args, token) : { ok: false, error: 'ratelimited' }
    if (answer.ok === false) call.error = String(answer.error)
    response.writeHead(retryAfter === undefined ? 200 : 429, {
      'content-type': 'application/json',
      'x-oauth-scopes': (slack.options.granted ?? botScopes).join(','),
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    })
    response.end(JSON.stringify(answer))
  }

  function answerTo(method: string, args: Record<string, unknown>, token: string): Record<string, unknown> {
    const refused = slack.options.without?.[method] ?? slack.options.refuses?.(method, args)
    if (refused !== undefined)
      return {
        ok: false,
        error: refused,
        ...(refused === 'missing_scope' && { needed: 'assistant:write', provided: 'chat:write' }),
      }
    if (method === 'apps.connections.open')
      return token === bot.appToken
        ? { ok: true, url: `${base.replace('http', 'ws')}/link` }
        : { ok: false, error: 'invalid_auth' }
    if (method === 'users.conversations' && slack.options.channels)
      return { ok: true, channels: slack.options.channels }
    if (method === 'oauth.v2.access') return tokens.access(args)
    const invalid = tokens.refusal(token)
    if (invalid !== undefined) return { ok: false, error: invalid }
    const run = methods[method] ?? contextMethods[method]
    if (run === undefined) return { ok: false, error: 'unknown_method' }
    try {
      return { ok: true, ...run(args, state, base) }
    } catch (error) {
      if (!(error instanceof SlackRefusal)) throw error
      return { ok: false, error: error.message, ...error.more }
    }
  }

  /** Without the bot's token, Slack answers with its login page and status 200. */
  function download(id: string, request: IncomingMessage, response: ServerResponse): void {
    const file = state.files.get(id)
    if (file?.guarded || request.headers.authorization !== `Bearer ${bot.token}`)
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!DOCTYPE html><html><title>Sign in | Slack</title></html>')
    else if (file === undefined || file.deleted) response.writeHead(404).end()
    else
      response
        .writeHead(200, { 'content-type': file.mimetype, 'content-length': file.content.length })
        .end(file.content)
  }

  async function post(body: string, type: string, headers: Record<string, string> = {}): Promise<Delivered> {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const started = performance.now()
    const response = await fetch(new URL('/slack/events', slack.target), {
      method: 'POST',
      headers: {
        'content-type': type,
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': sign(signingSecret, timestamp, body),
        ...headers,
      },
      body,
    })
    return { status: response.status, body: await response.text(), ms: performance.now() - started }
  }

  /** Sends over the socket. Slack waits three seconds for an acknowledgement; a machine that is busy with other tests needs more. */
  async function envelope(type: string, payload: unknown, retry: number): Promise<Delivered> {
    const [socket] = sockets
    if (socket === undefined) throw new Error('no socket is connected')
    const id = randomUUID()
    const started = performance.now()
    const { promise, resolve } = Promise.withResolvers<Delivered>()
    const timer = setTimeout(() => resolve({ status: 0, body: '', ms: 30_000 }), 30_000)
    acks.set(id, (answer) =>
      resolve({ status: 200, body: JSON.stringify(answer ?? ''), ms: performance.now() - started }),
    )
    const attempts = retry > 0 ? { retry_attempt: retry, retry_reason: 'timeout' } : {}
    socket.send(
      JSON.stringify({ envelope_id: id, type, payload, accepts_response_payload: type !== 'events_api', ...attempts }),
    )
    const delivered = await promise
    clearTimeout(timer)
    acks.delete(id)
    return delivered
  }

  const slack: SlackStandIn = {
    apiUrl: `${base}/api/`,
    signingSecret,
    state,
    calls,
    options,
    target: undefined,
    async event(given, { retry = 0, eventId = `Ev${randomUUID().slice(0, 8)}`, enterprise } = {}) {
      const event = subscribedEvent(given, slack.options)
      if (event === undefined) return { status: 200, body: '', ms: 0 }
      const body = {
        ...(enterprise && { enterprise_id: enterprise }),
        token: 'deprecated',
        team_id: team,
        api_app_id: 'A0PARLEY01',
        type: 'event_callback',
        event,
        event_id: eventId,
        event_time: Math.floor(Date.now() / 1000),
        is_ext_shared_channel: false,
        authorizations: [
          {
            enterprise_id: enterprise ?? null,
            team_id: team,
            user_id: bot.user,
            is_bot: true,
            is_enterprise_install: false,
          },
        ],
      }
      if (slack.target === undefined) return envelope('events_api', body, retry)
      const retried: Record<string, string> =
        retry > 0 ? { 'x-slack-retry-num': String(retry), 'x-slack-retry-reason': 'http_error' } : {}
      return post(JSON.stringify(body), 'application/json', retried)
    },
    async say({
      channel,
      user = 'U0ALICE001',
      text,
      thread,
      files = [],
      mention = false,
      more = {},
      ts = state.nextTs(),
    }) {
      for (const file of files) {
        file.user ??= user
        file.shares.push({ channel, ts, private: state.channels.get(channel)?.private === true })
      }
      const said = {
        user,
        text,
        ts,
        channel,
        event_ts: ts,
        team,
        ...(thread && { thread_ts: thread }),
        ...more,
        ...(files.length > 0 && { files: files.map((file) => fileOf(file, base)) }),
      }
      state.messages.push({
        channel,
        ts,
        user,
        text,
        blocks: [],
        tasks: new Map(),
        files: files.map(({ id }) => id),
        edits: 0,
        thread_ts: thread ? thread : undefined,
        more,
      })
      const isPrivate = state.channels.get(channel)?.private === true
      const open = isPrivate ? 'group' : 'channel'
      const type = channel.startsWith('D') ? 'im' : channel.startsWith('G') ? 'mpim' : open
      const events: Record<string, unknown>[] = [
        { type: 'message', channel_type: type, ...(files.length > 0 && { subtype: 'file_share' }), ...said },
        ...(mention ? [{ type: 'app_mention', ...said }] : []),
      ]
      const delivered = await Promise.all(
        events.map(async (event) => {
          const eventId = `Ev${randomUUID().slice(0, 8)}`
          let last = await slack.event(event, { eventId })
          for (let retry = 1; retry <= retries && last.status !== 200; retry += 1)
            last = await slack.event(event, { retry, eventId })
          return last
        }),
      )
      return { ts, delivered }
    },
    async form(fields) {
      const more = {
        team_id: team,
        team_domain: 'acme',
        api_app_id: 'A0PARLEY01',
        trigger_id: `trigger.${randomUUID()}`,
        response_url: `${base}/response/${randomUUID()}`,
      }
      if (slack.target === undefined) return envelope('slash_commands', { ...more, ...fields }, 0)
      return post(new URLSearchParams({ ...more, ...fields }).toString(), 'application/x-www-form-urlencoded')
    },
    async interact(given) {
      const payload = {
        team: { id: team, domain: 'acme' },
        api_app_id: 'A0PARLEY01',
        trigger_id: `trigger.${randomUUID()}`,
        response_url: `${base}/response/${randomUUID()}`,
        ...given,
      }
      if (slack.target === undefined) return envelope('interactive', payload, 0)
      return post(
        new URLSearchParams({ payload: JSON.stringify(payload) }).toString(),
        'application/x-www-form-urlencoded',
      )
    },
    addFile({ more = {}, ...file }) {
      const id = `F${randomUUID().replaceAll('-', '')}`
      const added: StandInFile = { id, shares: [], more, ...file }
      state.files.set(id, added)
      return added
    },
    fileRecord: (file) => fileOf(file, base),
    sockets: () => sockets.size,
    disconnect(reason) {
      for (const socket of sockets)
        if (reason === undefined) socket.terminate()
        else socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'stand-in' } }))
    },
    refuse(refused) {
      refusing = refused
    },
    replies: (channel, thread) =>
      state.messages.filter(
        (message) =>
          message.bot_id === bot.id &&
          message.channel === channel &&
          message.only === undefined &&
          (thread === undefined || message.thread_ts === thread),
      ),
    async until(done, what, timeoutMs = 60_000) {
      const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof done>>>()
      const look = () => {
        const found = done()
        if (found) resolve(found as never)
      }
      const timer = setTimeout(
        () =>
          reject(
            new Error(
              `${what}: not within ${timeoutMs} ms; calls: ${calls
                .slice(-8)
                .map(({ method, error }) => `${method}${error ? ` (${error})` : ''}`)
                .join(', ')}`,
            ),
          ),
        timeoutMs,
      )
      watchers.add(look)
      look()
      try {
        return (await promise) as never
      } finally {
        clearTimeout(timer)
        watchers.delete(look)
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return slack
}
