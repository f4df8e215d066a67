/** Which commands were run, by the platform's event id: one that is delivered twice has its effect once. */
import { randomUUID } from 'node:crypto'
import { Json, storableJson } from '../core/json.ts'
import type { Database, Statement } from './database.ts'

export type Begun =
  | { kind: 'begun' }
  /** It ran before, and this was answered. */
  | { kind: 'ended'; notice: Json }
  /** It runs at this moment. */
  | { kind: 'running' }

export interface CommandCalls {
  /** Author and place, so that the answer can be deleted with either. */
  begin(id: string, caller?: { person: string; conversationKey: string }): Promise<Begun>
  end(id: string, notice: Json): Promise<void>
  /** It had no effect: it may be tried again. */
  abandon(id: string): Promise<void>
}

export function createCommandCalls({ query }: Pick<Database, 'query'>): CommandCalls {
  return {
    async begin(id, caller) {
      const [row] = await query<{ begun: boolean; notice: unknown }>(begin, [
        ...[id, randomUUID(), caller?.person ?? null, caller?.conversationKey ?? null],
      ])
      if (row === undefined || row.begun) return { kind: 'begun' }
      return row.notice === null ? { kind: 'running' } : { kind: 'ended', notice: Json.parse(row.notice) }
    },
    async end(id, notice) {
      await query(end, [id, storableJson(notice)])
    },
    async abandon(id) {
      await query(abandon, [id])
    },
  }
}

/**
 * A process that has run a command for over a minute without an answer has died. Handlers are safe to repeat. A call
 * with another person's id does not get that person's answer.
 */
const begin: Statement = {
  name: 'command_begin',
  text: `
with old as (
  delete from command_call where started_at < now() - interval '7 days' and id <> $1
), begun as (
  insert into command_call as call (id, run, person, conversation_key) values ($1, $2::uuid, $3, $4)
  on conflict (id) do update set started_at = now(), run = excluded.run
    where call.notice is null and (call.run = excluded.run or call.started_at < now() - interval '1 minute')
  returning true
)
select exists (select from begun) as begun, (select notice from command_call where id = $1 and person is not distinct from $3) as notice`,
}
const end: Statement = {
  name: 'command_end',
  text: `update command_call set notice = $2::jsonb where id = $1`,
}
const abandon: Statement = {
  name: 'command_abandon',
  text: `delete from command_call where id = $1 and notice is null`,
}
