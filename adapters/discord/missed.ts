/**
 * Questions that were written while no session with Discord was open, or while one was that Discord has given up: no event of
 * them comes any more, so they are read once a new session begins. What was taken in before is recognized by its id.
 */
import type { APIMessage, GatewayDispatchPayload } from 'discord.js'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createSemaphore } from '../../src/core/semaphore.ts'
import { directWorkspace, type GatewayMessage, idAt } from './normalize.ts'
import { type Api, DiscordRefusal } from './rest.ts'

export interface Missed {
  /** Reads which direct chats earlier processes knew: before the first event. */
  load(): Promise<void>
  /** Remembers a direct chat, because Discord lists them to no bot. */
  remember(message: GatewayMessage): Promise<void>
  /**
   * With the first events of a new session: takes in what was written since `since` (milliseconds), in direct chats with
   * READY and in a server with its GUILD_CREATE, before later events of the same channel. A channel of a server costs a call
   * only when something was written in it. Throws `platform_*` when Discord cannot be reached.
   */
  read(packet: GatewayDispatchPayload, since: number): Promise<void>
}

export interface MissedDeps {
  api: Pick<Api, 'call'>
  records: Pick<Records, 'put' | 'list' | 'removeOlder'>
  /** Takes in one message. Never rejects. */
  take(message: GatewayMessage): Promise<unknown>
  /** Work that takes its turn among the events of a channel. It must not reject. */
  inLine(channelId: string, work: () => Promise<void>): Promise<void>
  signal: AbortSignal
  log: Log
  now?: () => number
}

const hourMs = 3_600_000
/** Nobody waits longer for an answer. */
const oldestMs = 24 * hourMs
/** The clocks of Discord and of this machine may differ. */
const marginMs = 60_000
/** Of a server, and of the direct chats: those with the newest messages. */
const maxChannels = 100
/** Of one channel: its newest messages, which come in one call. */
const maxMessages = 100
const prefix = 'chat/'
const forgottenAfterMs = 90 * 24 * hourMs
/** Where people write: https://discord.com/developers/docs/resources/channel#channel-object-channel-types */
const written = [0, 2, 5, 10, 11, 12, 13]

interface Channel {
  id: string
  type: number
  last_message_id?: string | null
}

export function createMissed({ api, records, take, inLine, signal, log, now = Date.now }: MissedDeps): Missed {
  /** When each direct chat was remembered last. */
  const chats = new Map<string, number>()
  let loaded = false
  /** One call at a time, so that answers and new questions do not wait for all of this. */
  const calls = createSemaphore(1)

  async function readChannel({ id, type }: Channel, after: bigint, guildId: string | undefined): Promise<void> {
    const query = { limit: String(maxMessages) }
    const path = `/channels/${id}/messages`
    try {
      const newest = await calls.run(signal, () => api.call<APIMessage[]>('GET', path, { query, signal }))
      const fresh = newest.filter((message) => BigInt(message.id) > after).toReversed()
      for (const message of fresh) await take(Object.assign(message, { guild_id: guildId, channel_type: type }))
    } catch (error) {
      if (!(error instanceof DiscordRefusal) || error.status === 401) throw error
      log.info({ ...errorFields(error), channelId: id }, 'missed messages of a channel could not be read')
    }
  }

  /** Each channel takes its turn at once: an event that arrives now is newer than what was missed there. */
  async function readChannels(channels: readonly Channel[], after: bigint, guildId?: string): Promise<void> {
    const failures: unknown[] = []
    const reading = channels.slice(0, maxChannels).map((channel) =>
      inLine(channel.id, () =>
        readChannel(channel, after, guildId).catch((error: unknown) => {
          failures.push(error)
        }),
      ),
    )
    const unread = channels.length - maxChannels
    if (unread > 0) log.warn({ guildId, channels: unread }, 'missed messages of some channels were not read')
    await Promise.all(reading)
    if (failures.length > 0) throw failures[0]
  }

  return {
    async load() {
      if (loaded) return
      await records.removeOlder(prefix, new Date(now() - forgottenAfterMs))
      for (const { key, value } of await records.list(prefix)) chats.set(key.slice(prefix.length), Number(value))
      loaded = true
    },

    async remember({ channel_id: id, author, guild_id: guildId }) {
      const at = now()
      if (guildId !== undefined || author.bot || at - (chats.get(id) ?? 0) < hourMs) return
      await records.put(prefix + id, at, { person: { workspaceId: directWorkspace, userId: author.id } })
      chats.set(id, at)
    },

    async read(packet, since) {
      const after = BigInt(idAt(Math.max(since - marginMs, now() - oldestMs)))
      // Direct messages come to the first shard.
      if (packet.t === 'READY' && (packet.d.shard?.[0] ?? 0) === 0) {
        const newest = [...chats].toSorted(([, a], [, b]) => b - a)
        await readChannels(
          newest.map(([id]) => ({ id, type: 1 })),
          after,
        )
      }
      if (packet.t !== 'GUILD_CREATE' || packet.d.unavailable) return
      const last = ({ last_message_id: id }: Channel) => BigInt(id ?? 0)
      const channels = [...packet.d.channels, ...packet.d.threads]
        .filter((channel: Channel) => written.includes(channel.type) && last(channel) > after)
        .toSorted((a: Channel, b: Channel) => (last(b) > last(a) ? 1 : -1))
      await readChannels(channels, after, packet.d.id)
    },
  }
}
