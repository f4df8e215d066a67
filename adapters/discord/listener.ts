/** Events of the gateway → intake. An event counts as taken in only when intake has committed what came of it. */
import type { APIUser, GatewayDispatchPayload } from 'discord.js'
import type { Notice } from '../../src/core/command.ts'
import type { ConnectionPauses } from '../../src/core/connection.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Intake, Listener, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { retry } from '../../src/core/retry.ts'
import { discordWording } from '../../src/wording/discord.ts'
import { createChannelCache } from './channel-cache.ts'
import { createGateway, type GatewayDeps } from './gateway.ts'
import { createInteractions } from './interactions.ts'
import { createMessages } from './messages.ts'
import { directWorkspace, type GatewayMessage, normalizeMessage, platformName } from './normalize.ts'
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
  pauses?: Partial<ConnectionPauses> | undefined
  throttler?: GatewayDeps['throttler']
  /** For tests: how long until an event is tried again, how often positions are stored, how many events may wait. */
  retryMs?: number
  saveEveryMs?: number
  mostWaiting?: number
}

/** Events wait while the database is down. Other errors are retried only a few times. */
const triesOfOthers = 3
const retryAtMostMs = 10_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { api, token, records, threads, transport, log, retryMs = 500 } = deps
  const stopping = new AbortController()
  let myself: APIUser | undefined
  const me = () => myself?.id ?? ''
  const channelCache = createChannelCache(api, me)
  const interactions = createInteractions({ api, intake, me: () => ({ id: me() }), log })
  const messages = createMessages({ api, channelCache, intake, me })
  const sessions = createSessions({
    records,
    log,
    saveEveryMs: deps.saveEveryMs,
  })
  const gateway = createGateway({
    api,
    token,
    sessions,
    take,
    lineOf,
    log,
    pauses: deps.pauses,
    throttler: deps.throttler,
    async before() {
      myself = await deps.me()
    },
    shards: deps.shards,
    mostWaiting: deps.mostWaiting,
  })

  async function take(packet: GatewayDispatchPayload): Promise<boolean> {
    channelCache.note(packet)
    try {
      await retry(() => handle(packet), {
        delays: { firstMs: retryMs, mostMs: retryAtMostMs },
        signal: stopping.signal,
        on: mayPass,
        onPause: (thrown, { tries }) =>
          log.warn({ ...errorFields(thrown), event: packet.t, tries }, 'event not taken in; trying again'),
      })
      return true
    } catch (thrown) {
      if (stopping.signal.aborted) return false
      log.warn({ ...errorFields(thrown), event: packet.t }, 'event not taken in')
      const { code, userMessage: why } = asParleyError(thrown)
      if (code !== 'platform_rejected') await apologize(packet, why)
      return true
    }
  }

  async function handle(packet: GatewayDispatchPayload): Promise<void> {
    switch (packet.t) {
      case 'MESSAGE_CREATE': {
        const message = packet.d as GatewayMessage
        const taken = await messages.take(message)
        if (taken.kind === 'empty') await reply(message, { text: discordWording.greeting })
        if (taken.kind !== 'taken') return
        if (taken.received.kind === 'refused') await replyPrivately(message, taken.received.notice)
        // Not awaited, because the event is already stored.
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

  /** Sends a notice to the author of a message, outside of any turn. */
  async function reply(message: GatewayMessage, notice: Notice): Promise<void> {
    const place =
      message.guild_id === undefined
        ? { id: message.channel_id, type: 1 }
        : await channelCache.channel(message.channel_id)
    // A notice needs no thread.
    const here = { ...place, type: place.type === 0 || place.type === 5 ? 2 : place.type }
    const { replyTarget } = normalizeMessage(message, { me: { id: me() }, place: here, kind: 'mention' })
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)])
    await transport.notify?.(replyTarget, notice, { key: `tell-${message.id}`, signal })
  }

  /** Private notices go to the author's direct chat. */
  async function replyPrivately({ id, author }: GatewayMessage, notice: Notice): Promise<void> {
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
    await reply(packet.d as GatewayMessage, { text }).catch((error: unknown) =>
      log.warn(errorFields(error), 'author not told that their message was not taken in'),
    )
  }

  return {
    mounts: [],
    connections: gateway.connections,
    start: gateway.start,
    async stop() {
      stopping.abort()
      await gateway.close()
    },
  }
}

/** While the database or Discord is away, an event waits; anything else is tried a few times. */
function mayPass(thrown: unknown, tries: number): boolean {
  const { code, retry: when } = asParleyError(thrown)
  if (code === 'database_unreachable' || code === 'platform_unreachable' || code === 'platform_rate_limited')
    return true
  return when !== 'never' && tries < triesOfOthers
}

/** Messages of one channel are handled in order. */
function lineOf(packet: GatewayDispatchPayload): string | undefined {
  switch (packet.t) {
    case 'MESSAGE_CREATE':
    case 'MESSAGE_UPDATE':
      return packet.d.channel_id
    default:
      return undefined
  }
}
