/** Events of the gateway → intake. An event counts as taken in only when intake has committed what came of it. */
import type { APIUser, GatewayDispatchPayload } from 'discord.js'
import type { Notice } from '../../src/core/command.ts'
import type { ConnectionPauses } from '../../src/core/connection.ts'
import { asParleyError, errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Files, Intake, Listener, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { retry } from '../../src/core/retry.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { discordWording } from '../../src/wording/discord.ts'
import { createChannelCache } from './channel-cache.ts'
import { createCommandContext } from './command-context.ts'
import { createContextReader } from './context.ts'
import { createGateway, type GatewayDeps } from './gateway.ts'
import { createInteractions } from './interactions.ts'
import { createMessages, type EditedMessage, type Taken } from './messages.ts'
import { createMissed } from './missed.ts'
import {
  addressOf,
  directWorkspace,
  type GatewayMessage,
  isThread,
  type Place,
  placeOutsideThreads,
  platformName,
  targetOf,
} from './normalize.ts'
import { changesOf, type KnownPlaces } from './place-changes.ts'
import { isPosted, postedFiles } from './place-files.ts'
import { type Api, codes, DiscordRefusal, refusedWith } from './rest.ts'
import { createSessions } from './sessions.ts'
import type { Threads } from './threads.ts'

export interface ListenerDeps {
  api: Api
  token: string
  shards?: number
  records: Records
  transport: Pick<Transport, 'notify' | 'status'>
  threads: Pick<Threads, 'direct'>
  files: Pick<Files, 'fetch'>
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
/** Of messages whose change was followed by an offer to answer again. */
const maxOffered = 10_000
const retryAtMostMs = 10_000

interface Handling {
  since?: number
  /** What the event is about, as it was before. */
  before?: Place
}

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { api, token, records, threads, transport, files, log, retryMs = 500 } = deps
  const stopping = new AbortController()
  const offered = new Set<string>()
  let myself: APIUser | undefined
  const me = () => myself?.id ?? ''
  const channelCache = createChannelCache(api, me)
  const context = createContextReader({ api, channelCache, me: () => ({ id: me() }) })
  const questions = createCommandContext({ channelCache, context, intake, me: () => ({ id: me() }) })
  const interactions = createInteractions({ api, questions, intake, me: () => ({ id: me() }), log })
  const messages = createMessages({ api, channelCache, context, files, intake, me })
  const missed = createMissed({
    api,
    records,
    take: (message) => take({ op: 0, s: 0, t: 'MESSAGE_CREATE', d: message } as GatewayDispatchPayload),
    inLine: (channelId, work) => gateway.inLine(channelId, work),
    signal: stopping.signal,
    log,
  })
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
      await missed.load()
    },
    shards: deps.shards,
    mostWaiting: deps.mostWaiting,
  })

  async function take(packet: GatewayDispatchPayload, since?: number): Promise<boolean> {
    const before = channelCache.note(packet)
    try {
      await retry(() => handle(packet, { since, before }), {
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

  async function handle(packet: GatewayDispatchPayload, { since, before }: Handling): Promise<void> {
    const known: KnownPlaces = { me: me(), find: findPlace }
    for (const change of await changesOf(packet, known)) await intake.placeChanged(change)
    switch (packet.t) {
      case 'READY':
      case 'GUILD_CREATE':
        if (since !== undefined) await missed.read(packet, since)
        return
      case 'MESSAGE_CREATE': {
        const message = packet.d as GatewayMessage
        await missed.remember(message)
        const taken = await messages.take(message)
        if (taken.kind === 'ignored') await passOn(message)
        return await answer(message, taken)
      }
      case 'MESSAGE_UPDATE':
        return await onEdit(packet.d as EditedMessage)
      case 'MESSAGE_DELETE':
        return await withdraw([packet.d.id])
      case 'MESSAGE_DELETE_BULK':
        return await withdraw(packet.d.ids)
      case 'CHANNEL_DELETE':
      case 'THREAD_DELETE': {
        const { id, guild_id: workspaceId } = packet.d
        if (workspaceId === undefined) return
        const parentId = packet.t === 'THREAD_DELETE' ? (packet.d.parent_id ?? before?.parentId) : undefined
        const place = parentId ? { workspaceId, channelId: parentId, threadId: id } : { workspaceId, channelId: id }
        await intake.withdraw({ platform: platformName, place })
        return
      }
      case 'INTERACTION_CREATE':
        return await interactions.take(packet.d)
    }
  }

  async function findPlace(id: string): Promise<Place | undefined> {
    try {
      return await channelCache.channel(id)
    } catch (error) {
      if (error instanceof DiscordRefusal && error.status !== 401) return undefined
      throw error
    }
  }

  /** Files of a message that is not for Parley. */
  async function passOn(message: GatewayMessage): Promise<void> {
    const { guild_id: workspaceId, channel_id: channelId } = message
    if (workspaceId === undefined || !isPosted(message)) return
    const files = postedFiles(message, workspaceId)
    if (files.length === 0) return
    const place = placeOutsideThreads(message) ?? (await findPlace(channelId))
    if (place !== undefined) await intake.filesPosted(addressOf(place, workspaceId), async () => files)
  }

  async function answer(message: GatewayMessage, taken: Taken): Promise<void> {
    if (taken.kind === 'empty') await reply(message, { text: taken.unread?.join('\n') ?? discordWording.greeting })
    if (taken.kind !== 'taken') return
    if (taken.received.kind === 'refused') await replyPrivately(message, taken.received.notice)
    // Not awaited, because the event is already stored.
    else if (taken.received.kind === 'new')
      void transport.status(taken.target, taken.received.turnId, 'Taken in', 'queued')
  }

  /** A new answer is offered once, however often the question changes while the offer stands. */
  async function onEdit(message: EditedMessage): Promise<void> {
    const edited = await messages.edit(message)
    if (edited.kind === 'revised') return
    if (edited.kind !== 'changed') return await answer(message as GatewayMessage, edited)
    const { target, turnId } = edited
    if (offered.has(message.id)) return
    offered.add(message.id)
    if (offered.size > maxOffered) offered.clear()
    const button = { label: chatWording.answerNewQuestion, action: { kind: 'regenerate', turnId } } as const
    const notice = { text: chatWording.questionChanged, buttons: [button] }
    await transport.notify?.(target, notice, { key: `changed-${message.id}-${turnId}`, signal: soon() })
  }

  async function withdraw(ids: string[]): Promise<void> {
    await intake.withdraw({ platform: platformName, ids })
    // Intake knows nothing of them when the event is handled again because Discord was away; their thread still has its name.
    for (const id of ids) await renameThreadOn(id)
  }

  /** The thread that Parley opened on a deleted question stays, because others may have written in it; its name does not. */
  async function renameThreadOn(messageId: string): Promise<void> {
    const thread = channelCache.known(messageId)
    if (thread === undefined || !isThread(thread) || thread.ownerId !== me()) return
    const name = discordWording.deletedQuestion
    if (thread.name === name) return
    try {
      const body = { name }
      await api.call('PATCH', `/channels/${thread.id}`, { body, signal: soon() })
    } catch (error) {
      if (!(error instanceof DiscordRefusal)) throw error
      log.info(errorFields(error), 'thread of a deleted question could not be renamed')
    }
  }

  const soon = () => AbortSignal.any([stopping.signal, AbortSignal.timeout(30_000)])

  /** Sends a notice to the author of a message, outside of any turn. */
  async function reply(message: GatewayMessage, notice: Notice): Promise<void> {
    const place =
      message.guild_id === undefined
        ? { id: message.channel_id, type: 1 }
        : await channelCache.channel(message.channel_id)
    // A notice needs no thread.
    const here = { ...place, type: place.type === 0 || place.type === 5 ? 2 : place.type }
    await transport.notify?.(targetOf(message, here, { id: me() }), notice, {
      key: `tell-${message.id}`,
      signal: soon(),
    })
  }

  /** Private notices go to the author's direct chat. */
  async function replyPrivately({ id, author }: GatewayMessage, notice: Notice): Promise<void> {
    const signal = soon()
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
    case 'MESSAGE_DELETE':
    case 'MESSAGE_DELETE_BULK':
      return packet.d.channel_id
    case 'CHANNEL_DELETE':
    case 'THREAD_DELETE':
      return packet.d.id
    default:
      return undefined
  }
}
