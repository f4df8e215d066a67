/** Limits on turns per minute and at the same time, per person and channel. Exact across all processes. */
import { z } from 'zod'
import type { Scope } from '../core/scope.ts'
import type { Database, Statement } from './database.ts'

export interface TurnLimit {
  /** Of one person or one channel. */
  scope: Scope
  requestsPerMinute?: number
  concurrentTurns?: number
}

export type Room =
  | { kind: 'in' }
  /** The limit of concurrent turns is reached. */
  | { kind: 'wait'; by: TurnLimit }
  /** The limit of turns per minute is reached. */
  | { kind: 'full'; by: TurnLimit; againMs: number }

export interface Limits {
  /**
   * Lets a turn in that holds its conversation's lease: it keeps its place as long as that. It counts as one request however
   * often it is asked for. Makes no query where there is no limit.
   */
  enter(turnId: string, limits: TurnLimit[]): Promise<Room>
  /** How many turns each of these scopes has had in the last minute, and when the oldest of them is a minute old. */
  used(scopes: Scope[]): Promise<ReadonlyMap<Scope, { turns: number; resetMs: number }>>
}

const Answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('in') }),
  z.object({ kind: z.literal('wait'), place: z.int() }),
  z.object({ kind: z.literal('full'), place: z.int(), againMs: z.number() }),
])

export function createLimits({ query }: Pick<Database, 'query'>): Limits {
  return {
    async used(scopes) {
      const rows = await query<{ scope: Scope; turns: number; reset_ms: number }>(used, [scopes])
      return new Map(rows.map(({ scope, turns, reset_ms }) => [scope, { turns, resetMs: reset_ms }]))
    },
    async enter(turnId, limits) {
      const set = limits.filter((each) => each.requestsPerMinute !== undefined || each.concurrentTurns !== undefined)
      if (set.length === 0) return { kind: 'in' }
      const [row] = await query<{ answer: unknown }>(enter, [
        turnId,
        set.map(({ scope }) => scope),
        set.map(({ requestsPerMinute }) => requestsPerMinute ?? null),
        set.map(({ concurrentTurns }) => concurrentTurns ?? null),
      ])
      const answer = Answer.parse(row?.answer)
      if (answer.kind === 'in') return answer
      const by = set[answer.place - 1]
      if (by === undefined) throw new RangeError(`no limit at place ${answer.place}`)
      return answer.kind === 'wait' ? { kind: 'wait', by } : { kind: 'full', by, againMs: answer.againMs }
    },
  }
}

const enter: Statement = {
  name: 'turn_enter',
  text: `select turn_enter($1, $2::text[], $3::int[], $4::int[]) as answer`,
}

const used: Statement = {
  name: 'turn_limit_used',
  text: `
select scope, count(*)::int as turns,
  extract(epoch from min(at) + interval '1 minute' - clock_timestamp())::float8 * 1000 as reset_ms
from turn_limit where scope = any ($1::text[]) and at > clock_timestamp() - interval '1 minute' group by scope`,
}
