/**
 * Where each shard goes on after a restart. Discord has no acknowledgement of an event: what counts is the position that a
 * session is resumed from. It moves past an event only when that event is taken in, so what a crash cuts off is sent again.
 */
import type { SessionInfo } from '@discordjs/ws'
import type { GatewayDispatchPayload } from 'discord.js'
import { z } from 'zod'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Records } from '../../src/core/platform-state.ts'

const Session = z.object({
  sessionId: z.string(),
  resumeURL: z.string(),
  sequence: z.number().int(),
  shardId: z.number().int(),
  shardCount: z.number().int(),
})

export interface Sessions {
  /** Reads what an earlier process left. */
  load(): Promise<void>
  /** As the connection sees it: the last event that arrived. */
  current(shardId: number): SessionInfo | null
  update(shardId: number, session: SessionInfo | null): void
  /**
   * Since when messages may have come without an event (milliseconds), for the events that tell what there is in a new session;
   * `undefined` for all others. To be called with each event as it arrives, before `taking`.
   */
  missedSince(shardId: number, packet: GatewayDispatchPayload): number | undefined
  /** The event is being taken in, with what was missed since `since`; call the answer when it is. */
  taking(shardId: number, sequence: number, since?: number): () => void
  /** Discord has sent everything up to now. */
  alive(shardId: number): void
  /** What the connection says from now on is not kept: it is being closed. */
  freeze(): void
  /** Stores the positions for good. */
  close(): Promise<void>
}

export interface SessionsDeps {
  records: Records
  log: Log
  /** How often the position is stored. Events since then come again after a crash, and duplicates are recognized. */
  saveEveryMs?: number
  now?: () => number
}

const Seen = z.number()

/** An event that is being taken in, and when what it stands for was written, at the earliest. */
interface Open {
  sequence: number
  at: number
}

const prefix = 'session/'
/** Beside the session, because it outlives it: the time before which everything is taken in. */
const seenPrefix = 'seen/'
const seenEveryMs = 10_000

export function createSessions({ records, log, saveEveryMs = 1000, now = Date.now }: SessionsDeps): Sessions {
  const sessions = new Map<number, SessionInfo>()
  const pending = new Map<number, Set<Open>>()
  /** When the last event or heartbeat of each shard came, or what an earlier process left. */
  const latest = new Map<number, number>()
  /** Of sessions that are beginning. Without `guilds`, the events of an earlier process come again. */
  const gaps = new Map<number, { since: number; guilds?: Set<string> }>()
  const changed = new Set<number>()
  const storedSeen = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  let saving = Promise.resolve()
  let frozen = false

  function touch(shardId: number): void {
    changed.add(shardId)
    timer ??= setTimeout(() => {
      timer = undefined
      saving = saving.then(save)
    }, saveEveryMs)
    timer.unref()
  }

  async function save(): Promise<void> {
    const shards = [...changed]
    changed.clear()
    for (const shardId of shards) {
      const session = sessions.get(shardId)
      try {
        if (session === undefined) await records.remove(prefix + shardId)
        else await records.put(prefix + shardId, { ...session, sequence: position(shardId, session.sequence) })
        await saveSeen(shardId)
      } catch (error) {
        log.warn({ ...errorFields(error), shardId }, 'position in the Discord session not stored')
        touch(shardId)
      }
    }
  }

  async function saveSeen(shardId: number): Promise<void> {
    const at = seen(shardId)
    const before = storedSeen.get(shardId)
    const isClose = before !== undefined && at !== undefined && at >= before && at - before < seenEveryMs && !frozen
    if (at === undefined || isClose) return
    await records.put(seenPrefix + shardId, at)
    storedSeen.set(shardId, at)
  }

  /** The last event before which all are taken in. */
  function position(shardId: number, arrived: number): number {
    return Math.min(arrived, ...[...(pending.get(shardId) ?? [])].map(({ sequence }) => sequence - 1))
  }

  function seen(shardId: number): number | undefined {
    const last = latest.get(shardId)
    return last === undefined ? undefined : Math.min(last, ...[...(pending.get(shardId) ?? [])].map(({ at }) => at))
  }

  return {
    async load() {
      for (const { value } of await records.list(prefix)) {
        const session = Session.safeParse(value)
        if (session.success) sessions.set(session.data.shardId, session.data)
      }
      for (const { key, value } of await records.list(seenPrefix)) {
        const since = Seen.safeParse(value)
        const shardId = Number(key.slice(seenPrefix.length))
        if (!since.success) continue
        latest.set(shardId, since.data)
        gaps.set(shardId, { since: since.data })
      }
    },
    current: (shardId) => sessions.get(shardId) ?? null,
    update(shardId, session) {
      // A shard that is closed would forget where it was; the next process goes on from there.
      if (frozen) return
      if (session === null) {
        sessions.delete(shardId)
        // Still being taken in, but no position of the next session.
        for (const open of pending.get(shardId) ?? []) open.sequence = Number.POSITIVE_INFINITY
      } else sessions.set(shardId, session)
      touch(shardId)
    },
    missedSince(shardId, packet) {
      if (packet.t === 'RESUMED') gaps.delete(shardId)
      if (packet.t === 'READY') {
        const since = seen(shardId)
        gaps.delete(shardId)
        if (since !== undefined) gaps.set(shardId, { since, guilds: new Set(packet.d.guilds.map(({ id }) => id)) })
        return since
      }
      if (packet.t !== 'GUILD_CREATE') return undefined
      const gap = gaps.get(shardId)
      return gap?.guilds === undefined || gap.guilds.delete(packet.d.id) ? gap?.since : undefined
    },
    taking(shardId, sequence, since) {
      const open = pending.get(shardId) ?? new Set()
      const event = { sequence, at: since ?? now() }
      pending.set(shardId, open.add(event))
      latest.set(shardId, now())
      return () => {
        open.delete(event)
        touch(shardId)
      }
    },
    alive(shardId) {
      latest.set(shardId, now())
      touch(shardId)
    },
    freeze() {
      frozen = true
    },
    async close() {
      frozen = true
      clearTimeout(timer)
      await saving
      for (const shardId of sessions.keys()) changed.add(shardId)
      await save()
    },
  }
}
