/** The rate limits of platforms: shared by all processes in PostgreSQL, or in the memory of a single one, with the same results. */

import { performance } from 'node:perf_hooks'
import { monotonic } from '../core/clock.ts'
import type { Quota } from '../core/platform-state.ts'
import type { Database, Statement } from './database.ts'

/**
 * `free_at` is when the key is completely free; up to `burst` slots may be taken before that. Sent again after a lost
 * answer, it takes one more slot, which only costs a short wait.
 */
const take: Statement = {
  name: 'quota_take',
  text: `
insert into platform_quota as line (key, free_at, place)
select $1, moment + $2::float8 * interval '1 millisecond', moment from (select clock_timestamp() as moment offset 0) clock
on conflict (key) do update set (free_at, place) = (
  select from_then + $2::float8 * interval '1 millisecond',
    greatest(moment, line.held_until, from_then - $2::float8 * ($3::int - 1) * interval '1 millisecond')
  from (
    select moment, greatest(moment, line.free_at, line.held_until) as from_then
    from (select clock_timestamp() as moment offset 0) clock
    offset 0
  ) next)
returning greatest(0, extract(epoch from place - clock_timestamp()) * 1000)::float8 as wait`,
}

const hold: Statement = {
  name: 'quota_hold',
  text: `
insert into platform_quota as line (key, free_at, place, held_until)
select $1, until, until, until from (select clock_timestamp() + $2::float8 * interval '1 millisecond' as until) held
on conflict (key) do update set held_until = greatest(line.held_until, excluded.held_until)`,
}

/** Deletes keys that have been free for a while; a missing row means free. */
const sweep: Statement = {
  name: 'quota_sweep',
  text: `
delete from platform_quota
where free_at < now() - interval '10 minutes' and (held_until is null or held_until < now() - interval '10 minutes')`,
}

const sweepEveryMs = 10 * 60_000

/**
 * A row per key says when the key is free again, and one statement takes the next slot by the database's clock. The row lock
 * makes it exact. The table is unlogged, so after a crash of the server every key is free; the platform's own limits correct
 * that.
 */
export function createPostgresQuota(database: Pick<Database, 'query'>, now: () => number = monotonic): Quota {
  const { query } = database
  let sweptAt = now()

  return {
    async take(key, everyMs, burst = 1) {
      if (now() - sweptAt >= sweepEveryMs) {
        sweptAt = now()
        await query(sweep, [])
      }
      const [row] = await query<{ wait: number }>(take, [key, everyMs, burst])
      return row?.wait ?? 0
    },
    async hold(key, ms) {
      await query(hold, [key, ms])
    },
  }
}

interface Line {
  /** When the key is completely free again. */
  freeAt: number
  heldUntil: number
}

/** Without queries. `now` is monotonic, in milliseconds. */
export function createLocalQuota(now: () => number = () => performance.now()): Quota & { lines(): number } {
  const lines = new Map<string, Line>()
  let sweptAt = now()

  function lineOf(key: string): Line {
    const line = lines.get(key) ?? { freeAt: 0, heldUntil: 0 }
    lines.set(key, line)
    return line
  }

  function sweep(moment: number): void {
    if (moment - sweptAt < sweepEveryMs) return
    sweptAt = moment
    for (const [key, { freeAt, heldUntil }] of lines) if (Math.max(freeAt, heldUntil) < moment) lines.delete(key)
  }

  return {
    async take(key, everyMs, burst = 1) {
      const moment = now()
      sweep(moment)
      const line = lineOf(key)
      const fromThen = Math.max(moment, line.freeAt, line.heldUntil)
      line.freeAt = fromThen + everyMs
      return Math.max(moment, line.heldUntil, fromThen - everyMs * (burst - 1)) - moment
    },
    async hold(key, ms) {
      const line = lineOf(key)
      line.heldUntil = Math.max(line.heldUntil, now() + ms)
    },
    lines: () => lines.size,
  }
}
