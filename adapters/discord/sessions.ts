/**
 * Where each shard goes on after a restart. Discord has no acknowledgement of an event: what counts is the position that a
 * session is resumed from. It moves past an event only when that event is taken in, so what a crash cuts off is sent again.
 */
import type { SessionInfo } from '@discordjs/ws'
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
  /** The event is being taken in; call the answer when it is. */
  taking(shardId: number, sequence: number): () => void
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
}

const prefix = 'session/'

export function createSessions({ records, log, saveEveryMs = 1000 }: SessionsDeps): Sessions {
  const sessions = new Map<number, SessionInfo>()
  const pending = new Map<number, Set<number>>()
  const changed = new Set<number>()
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
      } catch (error) {
        log.warn({ ...errorFields(error), shardId }, 'position in the Discord session not stored')
        touch(shardId)
      }
    }
  }

  /** The last event before which all are taken in. */
  function position(shardId: number, arrived: number): number {
    return Math.min(arrived, ...[...(pending.get(shardId) ?? [])].map((sequence) => sequence - 1))
  }

  return {
    async load() {
      for (const { value } of await records.list(prefix)) {
        const session = Session.safeParse(value)
        if (session.success) sessions.set(session.data.shardId, session.data)
      }
    },
    current: (shardId) => sessions.get(shardId) ?? null,
    update(shardId, session) {
      // A shard that is closed would forget where it was; the next process goes on from there.
      if (frozen) return
      if (session === null) {
        sessions.delete(shardId)
        pending.delete(shardId)
      } else sessions.set(shardId, session)
      touch(shardId)
    },
    taking(shardId, sequence) {
      const open = pending.get(shardId) ?? new Set()
      pending.set(shardId, open.add(sequence))
      return () => {
        open.delete(sequence)
        touch(shardId)
      }
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
