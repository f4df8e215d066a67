/**
 * Deletes questions, answers and files after the days that `retention` in parley.yaml names, with everything that was made of them: rows go
 * by their references and the triggers of prisma/functions. Called by the regular sweep; without days it deletes nothing.
 */
import { monotonic } from '../core/clock.ts'
import type { Database, Statement } from './database.ts'
import { deleteConversations } from './forget.ts'

export interface RetentionDays {
  /** After which everything goes. Absent: it is kept. */
  days?: number | undefined
  /** The same for what one person alone reads: direct chats, the page, answers shown to their asker alone. Absent: as `days`. */
  directDays?: number | undefined
}

export interface RetentionDeps {
  database: Pick<Database, 'query' | 'transaction'>
  days: RetentionDays
  /**
   * What else goes of what one person alone reads, of tables of a platform's own, after the turns. Values: days (null: keep), the most rows.
   * Each returns a row for each that it deleted, and is sent again while it returns as many as it may.
   */
  moreOfOne?: readonly Statement[]
  /** Rows of one statement, so that locks are short, and statements of one kind in one sweep. */
  batch?: number
  batches?: number
  now?: () => number
}

const everyMs = 3_600_000

/** Returns how many rows were deleted. Runs once an hour, and again with the next sweep while there is more than one sweep deletes. */
export function createRetention({
  database,
  days: { days, directDays = days },
  moreOfOne = [],
  batch = 200,
  batches = 25,
  now = monotonic,
}: RetentionDeps): () => Promise<number> {
  const values = [days ?? null, directDays ?? null, batch]
  let nextAt = Number.NEGATIVE_INFINITY

  /** Conversations are locked first and looked at again: a regeneration that began meanwhile keeps its question. */
  const deleteTurns = () =>
    database.transaction(async (send) => {
      const old = await send<{ id: string; key: string }>(oldTurns, values)
      const keys = [...new Set(old.map(({ key }) => key))].sort()
      const free = (await send<{ key: string }>(lockConversations, [keys])).map(({ key }) => key)
      const gone = await send(deleteOld, [old.map(({ id }) => id), free])
      if (gone.length > 0) await send(deleteConversations, [free])
      return { found: old.length, deleted: gone.length }
    })

  return async () => {
    if ((days ?? directDays) === undefined || now() < nextAt) return 0
    nextAt = now() + everyMs
    let deleted = 0
    const send = (statement: Statement, values: unknown[]) => async () => {
      const { length } = await database.query(statement, values)
      return { found: length, deleted: length }
    }
    const each = [
      deleteTurns,
      send(deletePosted, [days ?? null, batch]),
      send(deleteCalls, [least([days, directDays]), batch]),
      ...moreOfOne.map((statement) => send(statement, [directDays ?? null, batch])),
    ]
    for (const run of each) {
      for (let n = 0; ; n += 1) {
        if (n === batches) {
          nextAt = Number.NEGATIVE_INFINITY
          break
        }
        const round = await run()
        deleted += round.deleted
        // Where all that was found is in use, the next hour finds it again.
        if (round.found < batch || round.deleted === 0) break
      }
    }
    return deleted
  }
}

const least = (all: readonly (number | undefined)[]) => Math.min(...all.flatMap((days) => days ?? []))

const since = (days: string) => `now() - ${days} * interval '1 day'`

/** As of its files (file_finish): one person alone reads it. */
const cutoff = since(`case when turn.private or exists (
    select from inbound where inbound.turn_id = turn.source_id and inbound.message ->> 'kind' = 'direct')
  then $2::int else $1::int end`)

/** A question goes with the last of its answers. */
const oldTurns: Statement = {
  name: 'retention_turns',
  text: `
select turn.source_id as id, turn.conversation_key as key from turn
where turn.finished_at < ${since('least($1::int, $2::int)')} and turn.finished_at < ${cutoff}
  and not exists (
    select from turn other where other.source_id = turn.source_id
      and (other.finished_at is null or (other.finished_at, other.id) > (turn.finished_at, turn.id)))
order by turn.finished_at limit $3`,
}

const lockConversations: Statement = {
  name: 'retention_lock',
  text: `select key from conversation where key = any ($1::text[]) and lease_turn is null order by key for update skip locked`,
}

const deleteOld: Statement = {
  name: 'retention_delete',
  text: `
delete from turn where source_id = any ($1::uuid[]) and conversation_key = any ($2::text[])
  and not exists (select from turn other where other.source_id = turn.source_id and other.state in ('queued', 'answering'))
returning true as gone`,
}

/** Files of channels whose files are read without a question. What admins taught a collection stays as long as that. */
const deletePosted: Statement = {
  name: 'retention_posted',
  text: `
delete from turn_attachment where id in (
  select file.id from turn_attachment file join learned_source source on source.id = file.source_id
  where source.kind = 'watch' and (file.posted ->> 'at')::timestamptz < ${since('$1::int')}
  limit $2)
returning true as gone`,
}

/** What commands answered may quote what was asked. */
const deleteCalls: Statement = {
  name: 'retention_calls',
  text: `
delete from command_call where id in (
  select id from command_call where started_at < ${since('$1::int')} and notice is not null limit $2)
returning true as gone`,
}
