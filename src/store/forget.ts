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
  /**
   * Where a person asked or posted files with their linked accounts and keys, each workspace by itself; the page's threads are not among
   * them.
   */
  accountsOf(personId: string): Promise<Forgotten[]>
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
  /** Count what `more` deletes, with the same values: rows of `questions`, `answers` and `files`. */
  countMore?: readonly Statement[] | undefined
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

export function createForget({
  database,
  more = [],
  countMore = [],
  moreOfFile = [],
  collect,
  log,
}: ForgetDeps): Forget {
  const valuesOf = ({ platform, workspaceId, channelId, threadId, userId }: Forgotten) => [
    ...[platform, workspaceId, channelId ?? null, threadId ?? null, userId ?? null],
  ]
  const countsOf = (row: Row | undefined): ForgetCounts => ({
    questions: Number(row?.questions ?? 0),
    answers: Number(row?.answers ?? 0),
    files: Number(row?.files ?? 0),
    ofOthers: Number(row?.of_others ?? 0),
  })

  async function count(send: Database['query'], values: unknown[], by: string): Promise<ForgetCounts> {
    const counts = countsOf((await send<Row>(look, [...values, by]))[0])
    for (const statement of countMore) {
      const more = countsOf((await send<Row>(statement, values))[0])
      counts.questions += more.questions
      counts.answers += more.answers
      counts.files += more.files
    }
    return counts
  }

  /** The deletion is committed. Bytes that cannot be removed now are removed by the next sweep. */
  async function removeBytes(): Promise<void> {
    await collect().catch((error: unknown) =>
      log.warn(errorFields(error), 'could not remove bytes; the next sweep will'),
    )
  }

  return {
    async look(what, by) {
      return await count(database.query, valuesOf(what), by)
    },
    async forget(what, by) {
      const { platform, workspaceId, userId } = what
      const values = valuesOf(what)
      const counts = await database.transaction(async (send) => {
        const conversations = (await send<{ key: string }>(lockConversations, values)).map(({ key }) => key)
        const counted = await count(send, values, by)
        await send(deleteTurns, values)
        await send(deletePosted, values)
        await send(deleteConversations, [conversations])
        await send(userId === undefined ? deletePlaces : deletePlacesOf, values)
        if (userId !== undefined) {
          const person = [platform, workspaceId, userId].map(encodeURIComponent).join('/')
          await send(deleteFeedback, [platform, workspaceId, userId])
          await send(deleteRecords, [platform, `${workspaceId}/${userId}`])
          await send(deleteCommandCalls, [person])
          await send(deleteWebhookEvents, [scopeOf.user({ platform, workspaceId, userId })])
          await send(forgetAuditName, [person])
          await send(forgetAuditValues, [scopeOf.user({ platform, workspaceId, userId })])
        }
        for (const statement of more) await send(statement, values)
        return counted
      })
      await removeBytes()
      return counts
    },
    accountsOf: (personId) =>
      database.query<{ platform: string; workspaceId: string; userId: string }>(accountsOf, [personId]),
    async lookAtFile(file, by) {
      return await database.transaction(async (send) => (await findFile(send, file, by)).counts)
    },
    async forgetFile(file, by) {
      const counts = await database.transaction(async (send) => {
        const found = await findFile(send, file, by)
        const { attachments, turns } = found
        if (attachments.length === 0) return found.counts
        // What rests on it elsewhere goes, too. Nobody here is told that there is any.
        const elsewhere = await send<{ id: string }>(answersResting, [attachments])
        const answered = [...new Set([...found.answered, ...elsewhere.map(({ id }) => id)])]
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
    const shared = await send<{ id: string; turn: string | null; of_others: boolean }>(sharedFiles, [
      ...place,
      name,
      by,
    ])
    const attachments = shared.map(({ id }) => id)
    const turns = [...new Set(shared.flatMap(({ turn }) => turn ?? []))]
    const related = await send<{ id: string; open: boolean; answered: boolean }>(turnsWithFile, [turns])
    const answered = related.filter((turn) => turn.answered).map(({ id }) => id)
    const ofOthers = shared.filter(({ of_others: other }) => other).length
    const counts = { questions: 0, answers: answered.length, files: attachments.length, ofOthers }
    return { attachments, turns, answered, counts, open: related.some(({ open }) => open) }
  }
}

const accountsOf: Statement = {
  name: 'forget_accounts',
  text: `
select conversation.platform, conversation.workspace_id as "workspaceId", turn.author_id as "userId"
from person_accounts($1::uuid) own join turn on turn.author_id = own.account
join conversation on conversation.key = turn.conversation_key and conversation.platform = own.platform
  and conversation.workspace_id = coalesce(own.workspace, conversation.workspace_id)
where own.platform <> 'console'
union
select own.platform, file.posted ->> 'workspaceId', own.account
from person_accounts($1::uuid) own join turn_attachment file on file.turn_id is null and file.posted ->> 'account' = own.account
  and file.posted ->> 'platform' = own.platform and file.posted ->> 'workspaceId' = coalesce(own.workspace, file.posted ->> 'workspaceId')
union select platform, workspace, account from person_accounts($1::uuid)
where platform <> 'console' and workspace is not null
order by 1, 2, 3`,
}

const inScope = `
  conversation.platform = $1 and conversation.workspace_id = $2
    and ($3::text is null or conversation.channel_id = $3) and ($4::text is null or conversation.thread_id = $4)`
const gone = `
  select turn.id, turn.author_id, turn.answer is not null as answered, turn.conversation_key
  from turn join conversation on conversation.key = turn.conversation_key
  where ${inScope} and ($5::text is null or turn.author_id = $5) and ($3::text is not null or $5::text is not null)`

/** Files that were posted there without Parley; of a thread they are not known. */
const posted = (what: string) => `
  select ${what} from turn_attachment where turn_id is null and posted ->> 'platform' = $1 and posted ->> 'workspaceId' = $2
    and ($3::text is null or posted ->> 'channelId' = $3) and $4::text is null
    and ($5::text is null or posted ->> 'account' = $5) and ($3::text is not null or $5::text is not null)`

const look: Statement = {
  name: 'forget_look',
  text: `
with gone as (${gone})
select (select count(*) from inbound where turn_id in (select id from gone)) as questions,
  (select count(*) from gone where answered) as answers,
  (select count(*) from turn_attachment where turn_id in (select id from gone)) + (${posted('count(*)')}) as files,
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

const deletePosted: Statement = {
  name: 'forget_posted',
  text: `delete from turn_attachment where id in (${posted('id')})`,
}

/** With the answers of commands that were called there. */
export const deleteConversations: Statement = {
  name: 'forget_conversations',
  text: `
with empty as (
  delete from conversation where key = any ($1) and not exists (select from turn where turn.conversation_key = conversation.key)
  returning key
)
delete from command_call using empty where command_call.conversation_key = empty.key and command_call.notice is not null`,
}

/** What was posted there for others goes with the place, and the names of its readers. */
const deletePlaces: Statement = {
  name: 'forget_places',
  text: `
delete from place where $5::text is null and kind <> 'collection' and platform = $1 and workspace_id = $2
  and channel_id = $3 and ($4::text is null or thread_id = $4)`,
}

/** Direct chats of somebody who is forgotten, and what platforms said of them. */
const deletePlacesOf: Statement = {
  name: 'forget_places_of',
  text: `
with own as (
  select place.key, place.kind from place join place_member on place_member.place_key = place.key
  where place.platform = $1 and place.workspace_id = $2 and place_member.account = $5
    and ($3::text is null or place.channel_id = $3) and ($4::text is null or place.thread_id = $4)
), chats as (
  delete from place using own where place.key = own.key and own.kind = 'direct'
)
delete from place_member using own where place_member.place_key = own.key and place_member.account = $5 and own.kind <> 'direct'`,
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

/** Of a budget of theirs; what is about a question goes with its turn. */
const deleteWebhookEvents: Statement = {
  name: 'forget_webhook_events',
  text: `delete from webhook_delivery where scope = $1`,
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
where ${inScope} and lower(file.attachment ->> 'name') = lower($5)
union all
select id, null, posted ->> 'account' is distinct from $6 from turn_attachment
where turn_id is null and posted ->> 'platform' = $1 and posted ->> 'workspaceId' = $2 and posted ->> 'channelId' = $3
  and $4::text is null and lower(attachment ->> 'name') = lower($5)`,
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

const answersResting: Statement = {
  name: 'forget_file_elsewhere',
  text: `select id from turn where rests_on && $1::text[] and state not in ('queued', 'answering')`,
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
  -- A regenerated answer begins with the messages of the one before, and what those said.
  update reply_part set text = '' where turn_id in (
    select other.id from turn answered join turn other on other.source_id = answered.source_id where answered.id = any ($1::uuid[]))
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
