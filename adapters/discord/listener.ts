/** Events of the gateway → intake. An event counts as taken in only when intake has committed what came of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { APIUser, GatewayDispatchPayload } from 'discord.js'
import type { Notice } from '../../src/core/command.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Intake, Listener, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/records.ts'
import { createGateway } from './gateway.ts'
import { createInteractions } from './interactions.ts'
import { createMessages } from './messages.ts'
import { directWorkspace, type GatewayMessage, normalizeMessage, platformName } from './normalize.ts'
import { createPlaces } from './places.ts'
import { type Api, codes, refusedWith } from './rest.ts'
import { createSessions } from './sessions.ts'
import type { Threads } from './threads.ts'

export interface ListenerDeps {
  api: Api
  token: string
  shards?: number
  records: Records
  transport: Pick<Transport, 'notify' | 'status'>
  threads: Pick<Threads, 'direct'>
  me(): Promise<APIUser>
  log: Log
  /** For tests: how long until an event is tried again, how often positions are stored, how many events may wait. */
  retryMs?: number
  saveEveryMs?: number
  mostWaiting?: number
}

/** While the database is away, events wait; what is wrong in itself is not made right by waiting. */
const triesOfOthers = 3
const retryAtMostMs = 10_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { api, token, records, threads, transport, log, retryMs = 500 } = deps
  const stopping = new AbortController()
  let myself: APIUser | undefined
  const me = () => myself?.id ?? ''
  const places = createPlaces(api, me)
  const interactions = createInteractions({ api, intake, me: () => ({ id: me() }), log })
  const messages = createMessages({ api, places, intake, me })
  const sessions = createSessions({
    ...{ records, log },
    ...(deps.saveEveryMs === undefined ? {} : { saveEveryMs: deps.saveEveryMs }),
  })
  const gateway = createGateway({
    ...{ api, token, sessions, take, lineOf, log },
    ...(deps.shards === undefined ? {} : { shards: deps.shards }),
    ...(deps.mostWaiting === undefined ? {} : { mostWaiting: deps.mostWaiting }),
  })

  let connecting: Promise<void> | undefined

  async function connect(): Promise<void> {
    myself = await deps.me()
    await gateway.open()
  }

  async function connectLater(): Promise<void> {
    for (let tries = 1; !stopping.signal.aborted; tries += 1) {
      await pause(tries)
      if (stopping.signal.aborted) return
      try {
        return await connect()
      } catch (thrown) {
        log.warn({ ...errorFields(thrown), tries }, 'Discord cannot be reached; trying again')
      }
    }
  }

  /** Longer each time; a stop ends it. */
  async function pause(tries: number): Promise<void> {
    const ms = Math.min(retryMs * 2 ** (tries - 1), retryAtMostMs)
    await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined)
  }

  async function take(packet: GatewayDispatchPayload): Promise<boolean> {
    places.note(packet)
    for (let tries = 1; ; tries += 1) {
      if (stopping.signal.aborted) return false
      try {
        await handle(packet)
        return true
      } catch (thrown) {
        const error = asParleyError(thrown)
        const wait = error.code === 'database_unreachable' || error.code.startsWith('platform_')
        log.warn({ ...errorFields(thrown), event: packet.t, tries }, 'event not taken in')
        if (!wait && (error.retry === 'never' || tries >= triesOfOthers)) {
          await apologize(packet, error.tell)
          return true
        }
        if (error.code === 'platform_rejected') return true
        await pause(tries)
      }
    }
  }

  async function handle(packet: GatewayDispatchPayload): Promise<void> {
    switch (packet.t) {
      case 'MESSAGE_CREATE': {
        const message = packet.d as GatewayMessage
        const taken = await messages.take(message)
        if (taken.kind === 'empty') await tell(message, { text: greeting })
        if (taken.kind !== 'taken') return
        if (taken.received.kind === 'refused') await tellAlone(message, taken.received.notice)
        // Nobody waits for it: the event is taken in.
        else if (taken.received.kind === 'new')
          void transport.status(taken.target, taken.received.turnId, 'Taken in', 'queued')
        return
      }
      case 'MESSAGE_UPDATE':
        return await messages.revise(packet.d as GatewayMessage)
      case 'INTERACTION_CREATE':
        return await interactions.take(packet.d)
    }
  }

  /** Says something to the author of a message, beside any turn. */
  async function tell(message: GatewayMessage, notice: Notice): Promise<void> {
    const place =
      message.guild_id === undefined ? { id: message.channel_id, type: 1 } : await places.channel(message.channel_id)
    // Not worth a thread.
    const here = { ...place, type: place.type === 0 || place.type === 5 ? 2 : place.type }
    const { replyTarget } = normalizeMessage(message, { me: { id: me() }, place: here, kind: 'mention' })
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)])
    await transport.notify?.(replyTarget, notice, { key: `tell-${message.id}`, signal })
  }

  /** What only the author is to see goes into their direct chat. */
  async function tellAlone({ id, author }: GatewayMessage, notice: Notice): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)])
    try {
      const channelId = await threads.direct(author.id, signal)
      const conversation = { platform: platformName, workspaceId: directWorkspace, channelId }
      const target = { conversation, data: { to: 'channel', channelId, userId: author.id } }
      await transport.notify?.(target, notice, { key: `tell-${id}`, signal })
    } catch (error) {
      if (!refusedWith(error, codes.cannotMessageUser)) throw error
    }
  }

  async function apologize(packet: GatewayDispatchPayload, text: string): Promise<void> {
    if (packet.t !== 'MESSAGE_CREATE') return
    await tell(packet.d as GatewayMessage, { text }).catch((error: unknown) =>
      log.warn(errorFields(error), 'author not told that their message was not taken in'),
    )
  }

  return {
    mounts: [],
    async start() {
      try {
        await connect()
      } catch (thrown) {
        if (asParleyError(thrown).retry !== 'later') throw thrown
        // The rest of Parley works without Discord; Discord is there again some time.
        log.warn(errorFields(thrown), 'Discord cannot be reached; trying again')
        connecting = connectLater()
      }
    },
    async stop() {
      stopping.abort()
      await connecting
      await gateway.close()
    },
  }
}

/** What is said in one channel comes in as it was said. */
function lineOf(packet: GatewayDispatchPayload): string | undefined {
  switch (packet.t) {
    case 'MESSAGE_CREATE':
    case 'MESSAGE_UPDATE':
      return packet.d.channel_id
    default:
      return undefined
  }
}

const greeting =
  'Hello! Write a question after my name, attach files to ask about them, or use `/ask`. I read documents, pictures, recordings and video.'
