/** The gateway of the stand-in: identify, heartbeats, sessions that are resumed, and everything that goes wrong with them. */
import type { Server } from 'node:http'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import type { World } from './discord-world.ts'

interface Session {
  id: string
  shard: [number, number]
  intents: number
  sequence: number
  sent: { s: number; t: string; d: unknown }[]
  socket?: WebSocket
  /** Ended by the client's own farewell, or by a test. */
  over: boolean
}

export interface GatewayFault {
  /** No heartbeat is answered any more. */
  deaf: boolean
  /** The session cannot be resumed. */
  forgetful: boolean
  /** Whoever connects is sent away with this code. */
  closing?: number
}

const messageContent = 1 << 15
const guildMembers = 1 << 1

export interface StandInGateway {
  /** To every session whose shard and intents it is for. */
  dispatch(t: string, d: object, guildId?: string): void
  /** Numbers of the kinds of connections begun so far. */
  counts: { identified: number; resumed: number; invalid: number; closes: number[] }
  fault: GatewayFault
  /** Asks for a reconnect with Discord's own opcode 7. */
  askReconnect(): void
  /** Opcode 9. */
  invalidate(resumable: boolean): void
  /** Cuts every connection as a network does: without a word. */
  cut(): void
  /** Closes every connection with a code. */
  closeAll(code: number): void
  /** No socket opens. */
  refuse(refused: boolean): void
  connected(): number
  /** The position up to which a session's events have been sent. */
  sequence(): number
  close(): Promise<void>
}

export interface GatewayOptions {
  world: World
  /** The one that is taken now. */
  token(): string
  heartbeatMs: number
  /** Whether the privileged intents are switched on. */
  contentAllowed: () => boolean
  membersAllowed: () => boolean
  /** Counts a session that is begun; whoever begins more than allowed loses the token. */
  begun(): void
  resumeUrl: () => string
}

export function createGateway(http: Server, options: GatewayOptions): StandInGateway {
  const { world, heartbeatMs } = options
  const server = new WebSocketServer({ noServer: true })
  let refusing = false
  http.on('upgrade', (request, socket, head) => {
    if (refusing) socket.destroy()
    else server.handleUpgrade(request, socket, head, (ws) => open(ws))
  })
  const sessions = new Map<string, Session>()
  const counts = { identified: 0, resumed: 0, invalid: 0, closes: [] as number[] }
  const fault: GatewayFault = { deaf: false, forgetful: false }
  const say = (socket: WebSocket | undefined, payload: object) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(payload))
  }

  function open(socket: WebSocket): void {
    let session: Session | undefined
    say(socket, { op: 10, d: { heartbeat_interval: heartbeatMs }, s: null, t: null })
    socket.on('message', (raw: RawData) => {
      const { op, d } = JSON.parse(raw.toString())
      if (op === 1 && !fault.deaf) say(socket, { op: 11, d: null, s: null, t: null })
      if (op === 2) session = identify(socket, d)
      if (op === 6) session = resume(socket, d)
    })
    socket.on('close', (code) => {
      counts.closes.push(code)
      if (session?.socket !== socket) return
      delete session.socket
      // A farewell ends the session; anything else leaves it to be resumed.
      if (code === 1000 || code === 1001) session.over = true
    })
  }

  function identify(socket: WebSocket, d: { token: string; intents: number; shard?: [number, number] }) {
    if (fault.closing !== undefined) return void socket.close(fault.closing)
    if (d.token !== options.token()) return void socket.close(4004, 'Authentication failed.')
    if ((d.intents & messageContent) !== 0 && !options.contentAllowed())
      return void socket.close(4014, 'Disallowed intent(s).')
    if ((d.intents & guildMembers) !== 0 && !options.membersAllowed())
      return void socket.close(4014, 'Disallowed intent(s).')
    options.begun()
    const shard = d.shard ?? [0, 1]
    const session: Session = {
      id: world.snowflake(),
      shard,
      intents: d.intents,
      sequence: 0,
      sent: [],
      socket,
      over: false,
    }
    sessions.set(session.id, session)
    counts.identified += 1
    const mine = [...world.guilds.values()].filter(({ id }) => shardOf(id, shard[1]) === shard[0])
    send(session, 'READY', {
      v: 10,
      user: world.bot,
      session_id: session.id,
      resume_gateway_url: options.resumeUrl(),
      shard,
      guilds: mine.map(({ id }) => ({ id, unavailable: true })),
      application: { id: world.bot.id, flags: 0 },
    })
    for (const guild of mine) {
      const inside = [...world.channels.values()].filter(({ guildId }) => guildId === guild.id)
      const json = (some: typeof inside) => some.map((channel) => world.channelJson(channel))
      send(session, 'GUILD_CREATE', {
        id: guild.id,
        name: guild.name,
        owner_id: guild.ownerId,
        roles: guild.roles,
        emojis: [],
        features: [],
        stickers: [],
        members: [],
        presences: [],
        voice_states: [],
        stage_instances: [],
        guild_scheduled_events: [],
        channels: json(inside.filter(({ type }) => ![10, 11, 12].includes(type))),
        soundboard_sounds: [],
        threads: json(inside.filter(({ type }) => [10, 11, 12].includes(type))),
        unavailable: false,
        member_count: 2,
      })
    }
    return session
  }

  function resume(socket: WebSocket, d: { token: string; session_id: string; seq: number }) {
    const session = sessions.get(d.session_id)
    if (fault.closing !== undefined) return void socket.close(fault.closing)
    if (d.token !== options.token()) return void socket.close(4004, 'Authentication failed.')
    if (session === undefined || session.over || fault.forgetful) {
      counts.invalid += 1
      return void say(socket, { op: 9, d: false, s: null, t: null })
    }
    if (d.seq > session.sequence) return void socket.close(4007, 'Invalid seq.')
    session.socket = socket
    counts.resumed += 1
    for (const event of session.sent.filter(({ s }) => s > d.seq)) say(socket, { op: 0, ...event })
    send(session, 'RESUMED', {})
    return session
  }

  function send(session: Session, t: string, d: unknown): void {
    session.sequence += 1
    const event = { s: session.sequence, t, d }
    session.sent.push(event)
    say(session.socket, { op: 0, ...event })
  }

  const live = () => [...sessions.values()].filter(({ socket }) => socket?.readyState === WebSocket.OPEN)

  return {
    counts,
    fault,
    dispatch(t, d, guildId) {
      for (const session of sessions.values()) {
        if (session.over) continue
        if (shardOf(guildId ?? '0', session.shard[1]) !== session.shard[0]) continue
        if (!wanted(t, session.intents, guildId) && !aboutBot(t, d)) continue
        send(session, t, veiled(t, d, session.intents, guildId))
      }
    },
    askReconnect() {
      for (const { socket } of live()) say(socket, { op: 7, d: null, s: null, t: null })
    },
    invalidate(resumable) {
      for (const session of live()) {
        if (!resumable) session.over = true
        say(session.socket, { op: 9, d: resumable, s: null, t: null })
      }
    },
    refuse(refused) {
      refusing = refused
    },
    closeAll(code) {
      for (const { socket } of live()) socket?.close(code)
    },
    cut() {
      for (const { socket } of live()) socket?.terminate()
    },
    connected: () => live().length,
    sequence: () => Math.max(0, ...[...sessions.values()].map((session) => session.sequence)),
    async close() {
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  /** Of itself, a bot hears without the intent. */
  function aboutBot(t: string, d: object): boolean {
    if (t !== 'GUILD_MEMBER_UPDATE' && t !== 'THREAD_MEMBERS_UPDATE') return false
    return JSON.stringify(d).includes(`"${world.bot.id}"`)
  }

  /** Without the intent, what is written stays hidden unless it is to the bot. */
  function veiled(t: string, d: object, intents: number, guildId: string | undefined): object {
    if (!t.startsWith('MESSAGE_') || (intents & messageContent) !== 0 || guildId === undefined) return d
    const mentions = 'mentions' in d && Array.isArray(d.mentions) ? d.mentions : []
    return mentions.some(({ id }) => id === world.bot.id)
      ? d
      : { ...d, content: '', embeds: [], attachments: [], components: [] }
  }
}

function shardOf(guildId: string, count: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(count))
}

/** https://discord.com/developers/docs/events/gateway#list-of-intents */
function wanted(t: string, intents: number, guildId: string | undefined): boolean {
  if (t.startsWith('MESSAGE_')) return (intents & (guildId === undefined ? 1 << 12 : 1 << 9)) !== 0
  if (t.startsWith('GUILD_MEMBER_') || t === 'THREAD_MEMBERS_UPDATE') return (intents & guildMembers) !== 0
  if (t.startsWith('GUILD_') || t.startsWith('CHANNEL_') || t.startsWith('THREAD_')) return (intents & 1) !== 0
  return true
}
