/**
 * Deletes questions, answers, files and their artifacts in one transaction. Bytes are deleted with their last reference
 * (prisma/functions/blobs.sql). Costs stay in the ledger, which has only ids and amounts, and the audit keeps who changed what, by
 * ids.
 */
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { scopeOf } from '../core/scope.ts'
import { turnWording } from '../wording/storage.ts'
import type { Database, Statement } from './database.ts'

/** Turns of a whole channel, of one thread in it, or of one person in the workspace. */
export interface Forgotten {
  platform: string
  workspaceId: string
  channelId?: string | undefined
  threadId?: string | undefined
  userId?: string | undefined
}

/** A file by its name, where people shared it. */
export interface ForgottenFile {
  platform: string
  workspaceId: string
  channelId: string
  threadId?: string | undefined
  name: string
}

export interface ForgetCounts {
  questions: number
  answers: number
  files: number
  /** Questions of others than `by`; of a file: shared by others. */
  ofOthers: number
}

export interface Forget {
  /** Counts what would be deleted. */
  look(what: Forgotten, by: string): Promise<ForgetCounts>
  /** Returns what was deleted. */
  forget(what: Forgotten, by: string): Promise<ForgetCounts>
  lookAtFile(file: ForgottenFile, by: string): Promise<ForgetCounts>
  /** Also the answers given since it was shared. Throws `request_invalid` while an answer is being written there. */
  forgetFile(file: ForgottenFile, by: string): Promise<ForgetCounts>
}

export interface ForgetDeps {
  database: Pick<Database, 'query' | 'transaction'>
  /**
   * What else goes, of tables of a platform's own. Each has the values platform, workspace, channel, thread, person; those
   * that are not meant are null.
   */
  more?: readonly Statement[] | undefined
  /** The same for a file: the turns that shared it, its name, the turns whose answers went. */
  moreOfFile?: readonly Statement[] | undefined
  /** Removes bytes without references. */
  collect(): Promise<void>
  log: Log
}

interface Row {
  [column: string]: unknown
  questions: string
  answers: string
  files: string
  of_others: string
}

export function createForget({ database, more = [], moreOfFile = [], collect, log }: ForgetDeps): Forget {
  const valuesOf = ({ platform, workspaceId, channelId, threadId, userId }: Forgotten) => [
    ...[platform, workspaceId, channelId ?? null, threadId ?? null, userId ?? null],
  ]
  const countsOf = (row: Row | undefined): ForgetCounts => ({
    questions: Number(row?.questions ?? 0),
    answers: Number(row?.answers ?? 0),
    files: Number(row?.files ?? 0),
    ofOthers: Number(row?.of_others ?? 0),
  })

  /** The deletion is committed. Bytes that cannot be removed now are removed by the next sweep. */
  async function removeBytes(): Promise<void> {
    await collect().catch((error: unknown) =>
      log.warn(errorFields(error), 'could not remove bytes; the next sweep will'),
    )
  }

  return {
    async look(what, by) {
      return countsOf((await database.query<Row>(look, [...valuesOf(what), by]))[0])
    },
    async forget(what, by) {
      const { platform, workspaceId, userId } = what
      const values = valuesOf(what)
      const counts = await database.transaction(async (send) => {
        const conversations = (await send<{ key: string }>(lockConversations, values)).map(({ key }) => key)
        const [row] = await send<Row>(look, [...values, by])
        await send(deleteTurns, values)
        await send(deleteConversations, [conversations])
        if (userId !== undefined) {
          const person = [platform, workspaceId, userId].map(encodeURIComponent).join('/')
          await send(deleteFeedback, [platform, workspaceId, userId])
          await send(deleteRecords, [platform, `${workspaceId}/${userId}`])
          await send(deleteCommandCalls, [person])
          await send(forgetAuditName, [person])
          await send(forgetAuditValues, [scopeOf.user({ platform, workspaceId, userId })])
        }
        for (const statement of more) await send(statement, values)
        return countsOf(row)
      })
      await removeBytes()
      return counts
    },
    async lookAtFile(file, by) {
      return await database.transaction(async (send) => (await findFile(send, file, by)).counts)
    },
    async forgetFile(file, by) {
      const counts = await database.transaction(async (send) => {
        const found = await findFile(send, file, by)
        const { attachments, turns, answered } = found
        if (attachments.length === 0) return found.counts
        if (found.open) throw new ParleyError('request_invalid', turnWording.fileInUse)
        for (const statement of moreOfFile) await send(statement, [turns, file.name, answered])
        await send(deleteAttachments, [attachments])
        await send(stripMessages, [turns, file.name])
        await send(deleteAnswers, [answered])
        await send(deleteFileRecords, [turns, file.name])
        await send(deleteFileCalls, [turns, file.name])
        return found.counts
      })
      await removeBytes()
      return counts
    },
  }

  async function findFile(send: Database['query'], file: ForgottenFile, by: string) {
    const { platform, workspaceId, channelId, threadId, name } = file
    const place = [platform, workspaceId, channelId, threadId ?? null]
    await send(lockPlace, place)
    const shared = await send<{ id: string; turn: string; of_others: boolean }>(sharedFiles, [...place, name, by])
    const attachments = shared.map(({ id }) => id)
    const turns = [...new Set(shared.map(({ turn }) => turn))]
    const related = await send<{ id: string; open: boolean; answered: boolean }>(turnsWithFile, [turns])
    const answered = related.filter((turn) => turn.answered).map(({ id }) => id)
    const ofOthers = shared.filter(({ of_others: other }) => other).length
    const counts = { questions: 0, answers: answered.length, files: attachments.length, ofOthers }
    return { attachments, turns, answered, counts, open: related.some(({ open }) => open) }
  }
}

const inScope = `
  conversation.platform = $1 and conversation.workspace_id = $2
    and ($3::text is null or conversation.channel_id = $3) and ($4::text is null or conversation.thread_id = $4)`
const gone = `
  select turn.id, turn.author_id, turn.answer is not null as answered, turn.conversation_key
  from turn join conversation on conversation.key = turn.conversation_key
  where ${inScope} and ($5::text is null or turn.author_id = $5) and ($3::text is not null or $5::text is not null)`

const look: Statement = {
  name: 'forget_look',
  text: `
with gone as (${gone})
select (select count(*) from inbound where turn_id in (select id from gone)) as questions,
  (select count(*) from gone where answered) as answers,
  (select count(*) from turn_attachment where turn_id in (select id from gone)) as files,
  (select count(*) from inbound where turn_id in (select id from gone where author_id <> $6)) as of_others`,
}

/** Messages that arrive meanwhile wait and then start a new conversation. */
const lockConversations: Statement = {
  name: 'forget_lock',
  text: `
select key from conversation where key in (select conversation_key from (${gone}) gone) order by key for update`,
}

const deleteTurns: Statement = {
  name: 'forget_turns',
  text: `delete from turn where id in (select id from (${gone}) gone)`,
}

/** With the answers of commands that were called there. */
const deleteConversations: Statement = {
  name: 'forget_conversations',
  text: `
with empty as (
  delete from conversation where key = any ($1) and not exists (select from turn where turn.conversation_key = conversation.key)
  returning key
)
delete from command_call using empty where command_call.conversation_key = empty.key and command_call.notice is not null`,
}

/** On answers to others. */
const deleteFeedback: Statement = {
  name: 'forget_feedback',
  text: `
delete from feedback using turn, conversation
where turn.id = feedback.turn_id and conversation.key = turn.conversation_key and conversation.platform = $1
  and conversation.workspace_id = $2 and feedback.by = $3`,
}

const deleteRecords: Statement = {
  name: 'forget_records',
  text: `delete from platform_record where platform = $1 and person = $2`,
}

/** Keeps the call that is deleting, which has no answer yet. */
const deleteCommandCalls: Statement = {
  name: 'forget_command_calls',
  text: `delete from command_call where person = $1 and notice is not null`,
}

const forgetAuditName: Statement = {
  name: 'forget_audit_name',
  text: `update audit set by_name = null where by = $1 and by_name is not null`,
}

/** A person's own settings may contain their words. */
const forgetAuditValues: Statement = {
  name: 'forget_audit_values',
  text: `update audit set before = null, after = null where scope = $1 and name <> 'forget'`,
}

const lockPlace: Statement = {
  name: 'forget_file_lock',
  text: `select key from conversation where ${inScope} order by key for update`,
}

const sharedFiles: Statement = {
  name: 'forget_file_shared',
  text: `
select file.id, file.turn_id as turn, turn.author_id <> $6 as of_others
from turn_attachment file join turn on turn.id = file.turn_id join conversation on conversation.key = turn.conversation_key
where ${inScope} and lower(file.attachment ->> 'name') = lower($5)`,
}

/** Open turns of these conversations, and all answers since the file was shared, because they may use it. */
const turnsWithFile: Statement = {
  name: 'forget_file_turns',
  text: `
with shared as (
  select conversation_key, min(seq) as seq from turn where id = any ($1::uuid[]) group by conversation_key
)
select turn.id, turn.state in ('queued', 'answering') as open, turn.answer is not null or turn.outcome is not null as answered
from shared join turn on turn.conversation_key = shared.conversation_key and turn.seq >= shared.seq`,
}

const deleteAttachments: Statement = {
  name: 'forget_file_attachments',
  text: `delete from turn_attachment where id = any ($1)`,
}

const stripMessages: Statement = {
  name: 'forget_file_messages',
  text: `
update inbound set message = jsonb_set(message, '{attachments}', coalesce((
  select jsonb_agg(file order by place) from jsonb_array_elements(message -> 'attachments') with ordinality as files (file, place)
  where lower(file ->> 'name') <> lower($2)), '[]'))
where turn_id = any ($1::uuid[])`,
}

/** The turns stay with their costs, without any text. */
const deleteAnswers: Statement = {
  name: 'forget_file_answers',
  text: `
with parts as (
  update reply_part set text = '' where turn_id = any ($1::uuid[])
), opinions as (
  delete from feedback where turn_id = any ($1::uuid[])
)
update turn set answer = null, outcome = null, receipt = null where id = any ($1::uuid[])`,
}

const deleteFileRecords: Statement = {
  name: 'forget_file_records',
  text: `delete from platform_record where turn_id = any ($1::uuid[]) and strpos(lower(key), lower(left($2, 150))) > 0`,
}

/** What was asked back names it. */
const deleteFileCalls: Statement = {
  name: 'forget_file_calls',
  text: `
delete from command_call where notice is not null
  and conversation_key in (select conversation_key from turn where id = any ($1::uuid[]))
  and strpos(lower(notice::text), lower(trim('"' from to_jsonb($2::text)::text))) > 0`,
}
