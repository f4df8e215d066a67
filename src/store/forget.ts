/**
 * Forgetting: what people asked and shared, what was answered, and what reading their files gave. What it cost stays in the
 * ledger, which holds ids and amounts and no words.
 */
import type { Database, Statement } from './database.ts'

/** Turns of a whole channel, of one thread in it, or of one person in the workspace. */
export interface Forgotten {
  platform: string
  workspaceId: string
  channelId?: string
  threadId?: string
  userId?: string
}

export interface ForgetCounts {
  questions: number
  answers: number
  files: number
  /** Questions of others than `by`. */
  ofOthers: number
}

export interface Forget {
  /** What would go. */
  look(what: Forgotten, by: string): Promise<ForgetCounts>
  /** Answers what went, and the contents of files that nothing refers to any more: their blobs are to be removed. */
  forget(what: Forgotten, by: string): Promise<ForgetCounts & { hashes: string[] }>
}

interface Row {
  [column: string]: unknown
  questions: string
  answers: string
  files: string
  of_others: string
  hashes: string[] | null
}

export function createForget({ query }: Pick<Database, 'query'>): Forget {
  const valuesOf = ({ platform, workspaceId, channelId, threadId, userId }: Forgotten, by: string) => [
    ...[platform, workspaceId, channelId ?? null, threadId ?? null, userId ?? null, by],
  ]
  const countsOf = (row: Row | undefined): ForgetCounts => ({
    questions: Number(row?.questions ?? 0),
    answers: Number(row?.answers ?? 0),
    files: Number(row?.files ?? 0),
    ofOthers: Number(row?.of_others ?? 0),
  })
  return {
    async look(what, by) {
      return countsOf((await query<Row>(look, valuesOf(what, by)))[0])
    },
    async forget(what, by) {
      const [row] = await query<Row>(forget, valuesOf(what, by))
      return { ...countsOf(row), hashes: row?.hashes ?? [] }
    },
  }
}

const gone = `
gone as (
  select turn.id, turn.author_id, turn.answer is not null as answered, turn.conversation_key
  from turn join conversation on conversation.key = turn.conversation_key
  where conversation.platform = $1 and conversation.workspace_id = $2
    and ($3::text is null or conversation.channel_id = $3) and ($4::text is null or conversation.thread_id = $4)
    and ($5::text is null or turn.author_id = $5) and ($3::text is not null or $5::text is not null)
), shared as (
  select file.content_hash as hash from turn_attachment file where file.turn_id in (select id from gone)
)`
const counts = `
  (select count(*) from inbound where turn_id in (select id from gone)) as questions,
  (select count(*) from gone where answered) as answers, (select count(*) from shared) as files,
  (select count(*) from inbound where turn_id in (select id from gone where author_id <> $6)) as of_others`

const look: Statement = { name: 'forget_look', text: `with ${gone} select ${counts}` }

const forget: Statement = {
  name: 'forget',
  text: `
with ${gone}, orphans as (
  select distinct hash from shared
  where hash is not null and not exists (
      select from turn_attachment other where other.content_hash = shared.hash and other.turn_id not in (select id from gone))
    and not exists (select from console_upload where console_upload.content_hash = shared.hash)
), turns as (
  delete from turn using gone where turn.id = gone.id
), empty as (
  delete from conversation where key in (select conversation_key from gone)
    and not exists (select from turn where turn.conversation_key = conversation.key and turn.id not in (select id from gone))
), artifacts as (
  delete from artifact using orphans where artifact.content_hash = orphans.hash
), passages as (
  delete from passage using orphans where passage.content_hash = orphans.hash
)
select ${counts}, (select array_agg(hash) from orphans) as hashes`,
}
