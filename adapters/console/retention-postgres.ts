/**
 * What goes of the console's own tables after some days ($1), once the turns are gone: messages, threads without any, and uploads; at most so
 * many rows ($2). A thread that goes on is called by what is left of it.
 */
import type { Statement } from '../../src/core/platform-state.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { quoted, unsent } from './board-postgres.ts'

export const retentionOnConsole: Statement[] = [
  {
    name: 'console_retention_messages',
    text: `
with old as (
  select id, thread_id from console_message message
  where created_at < now() - $1::int * interval '1 day'
    and not exists (select from inbound where inbound.platform = 'console' and inbound.id = message.id)
    and not exists (select from turn where turn.id = message.turn_id)
  limit $2
), left_over as (
  select distinct on (thread_id) thread_id, text from console_message message
  where thread_id in (select thread_id from old) and role = 'user' and id not in (select id from old)
  order by thread_id, seq
), titles as (
  update console_thread set title = case when trim(left_over.text) = '' then ${quoted(consoleWording.newThread)}
    else left(trim(regexp_replace(left_over.text, '[[:space:]]+', ' ', 'g')), 80) end
  from left_over where console_thread.id = left_over.thread_id
)
delete from console_message where id in (select id from old) returning true as gone`,
  },
  {
    name: 'console_retention_threads',
    text: `
delete from console_thread where id in (
  select id from console_thread thread
  where updated_at < now() - $1::int * interval '1 day'
    and not exists (select from console_message where thread_id = thread.id)
    and not exists (select from conversation where conversation.key = 'console/local/' || thread.id)
  limit $2)
returning true as gone`,
  },
  {
    name: 'console_retention_uploads',
    text: `
delete from console_upload where id in (
  select id from console_upload upload
  where created_at < now() - $1::int * interval '1 day' and ${unsent} limit $2)
returning true as gone`,
  },
]
