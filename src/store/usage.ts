/** Usage: what was asked, what it cost and how it went, from turns and ledger. The port, and its statements. */
import type { ConversationRef } from '../core/message.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Database, Statement } from './database.ts'

/** Whose usage; what is absent is not asked for. */
export interface UsageWithin {
  platform?: string
  workspaceId?: string
  channelId?: string
  userId?: string
  /** All accounts and keys of a person. */
  personId?: string
}

type UsageGroup = 'user' | 'channel' | 'model'

interface UsageQuery {
  within: UsageWithin
  from: Date
  to: Date
  /** Absent: all in one row. */
  by?: UsageGroup
}

/** In milliseconds; `null` where nothing was measured. */
export interface Times {
  median: number | null
  /** 95 of 100 were quicker. */
  p95: number | null
}

export interface UsageRow {
  /** `platform/workspace/user`, `platform/workspace/channel` with escaped parts, or `provider/model`; `null` for all. */
  key: string | null
  /** A person's name, if one of their messages included it. */
  name: string | null
  /** Questions by how they ended. */
  done: number
  failed: number
  stopped: number
  /** Paid calls, and how many of them the provider answered; stopped ones are left out of both. */
  calls: number
  answered: number
  /** Exact. With `held`, includes the maximum cost of calls whose end is unknown. */
  cost: NanoUsd
  /** The part of the cost that Parley counted itself because the provider reported no usage. */
  estimated: NanoUsd
  inputTokens: bigint
  outputTokens: bigint
  /** From a question's arrival to its whole answer, and to the first text. */
  total: Times
  firstText: Times
  /** Of paid calls, from the request to the first text. */
  firstToken: Times
  good: number
  bad: number
}

export interface UsagePoint {
  at: Date
  cost: NanoUsd
  questions: number
}

/** What `why` shows about one answer besides its receipt. */
export interface AnswerCall {
  kind: string
  provider: string
  model: string
  cost: NanoUsd | null
  outcome: string | null
  ms: number | null
  firstTokenMs: number | null
}

export interface Usage {
  /** Dearest first, then most questions. */
  rows(query: UsageQuery): Promise<UsageRow[]>
  /** For each `bucket` of the zone between `from` and `to`, those with nothing included, in order. */
  series(query: UsageQuery & { bucket: 'hour' | 'day'; timeZone: string }): Promise<UsagePoint[]>
  /** The paid calls of a turn, in order. */
  calls(turnId: string): Promise<AnswerCall[]>
  /** Questions that are not answered yet, and for how many milliseconds the oldest. */
  waiting(): Promise<{ turns: number; oldestMs: number | null }>
  /** The newest ended turn of a conversation or, without its thread, of the channel; by this author alone where given. */
  latestTurn(conversation: ConversationRef, viewer: string, which?: 'own'): Promise<string | null>
}

interface Row {
  [column: string]: unknown
  key: string | null
  name: string | null
  done: string
  failed: string
  stopped: string
  calls: string
  answered: string
  cost: string
  estimated: string
  input_tokens: string
  output_tokens: string
  total_median: number | null
  total_p95: number | null
  first_text_median: number | null
  first_text_p95: number | null
  first_token_median: number | null
  first_token_p95: number | null
  good: string
  bad: string
}

export function createUsage({ query, prisma }: Pick<Database, 'query' | 'prisma'>): Usage {
  return {
    async rows(asked) {
      return (await query<Row>(rows[asked.by ?? 'all'], valuesOf(asked))).map(rowOf)
    },
    async series({ bucket, timeZone, ...asked }) {
      const found = await query<{ at: Date; cost: string; questions: string }>(series[bucket], [
        ...valuesOf(asked),
        timeZone,
      ])
      return found.map(({ at, cost, questions }) => ({ at, cost: BigInt(cost), questions: Number(questions) }))
    },
    async calls(turnId) {
      return prisma.ledgerEntry.findMany({
        where: { turnId, state: { not: 'released' } },
        select: { kind: true, provider: true, model: true, cost: true, outcome: true, ms: true, firstTokenMs: true },
        orderBy: { reservedAt: 'asc' },
        take: 50,
      })
    },
    async waiting() {
      const [row] = await query<{ turns: string; oldest: number | null }>(waiting, [])
      return { turns: Number(row?.turns ?? 0), oldestMs: row?.oldest ?? null }
    },
    async latestTurn({ platform, workspaceId, channelId, threadId }, viewer, which) {
      const values = [platform, workspaceId, channelId, threadId ?? null, viewer, which === 'own']
      const [row] = await query<{ id: string }>(latest, values)
      return row?.id ?? null
    },
  }
}

function valuesOf({ within, from, to }: Pick<UsageQuery, 'within' | 'from' | 'to'>): unknown[] {
  const { platform = null, workspaceId = null, channelId = null, userId = null, personId = null } = within
  return [platform, workspaceId, channelId, userId, from, to, personId]
}

function rowOf(row: Row): UsageRow {
  const times = (median: number | null, p95: number | null) => ({ median, p95 })
  return {
    key: row.key,
    name: row.name,
    done: Number(row.done),
    failed: Number(row.failed),
    stopped: Number(row.stopped),
    calls: Number(row.calls),
    answered: Number(row.answered),
    cost: BigInt(row.cost),
    estimated: BigInt(row.estimated),
    inputTokens: BigInt(row.input_tokens),
    outputTokens: BigInt(row.output_tokens),
    total: times(row.total_median, row.total_p95),
    firstText: times(row.first_text_median, row.first_text_p95),
    firstToken: times(row.first_token_median, row.first_token_p95),
    good: Number(row.good),
    bad: Number(row.bad),
  }
}

/** Like encodeURIComponent for the ids that platforms use; other characters stay unchanged. */
const part = (column: string) => `replace(replace(${column}, '%', '%25'), '/', '%2F')`

/** The page has no channels, and its threads are of one person each: all of them are one row. */
export const everyThread = '*'
const channelKey = (table: string) => `concat_ws('/', ${part(`${table}platform`)}, ${part(`${table}workspace_id`)},
    case when ${table}platform = 'console' then '${everyThread}' else ${part(`${table}channel_id`)} end)`

const ledgerKeys: Record<UsageGroup | 'all', string> = {
  all: `null::text`,
  user: `concat_ws('/', ${part('platform')}, ${part('workspace_id')}, ${part('user_id')})`,
  channel: channelKey(''),
  model: `concat_ws('/', provider, model)`,
}

const turnKeys: Record<UsageGroup | 'all', string> = {
  all: `null::text`,
  user: `concat_ws('/', ${part('conversation.platform')}, ${part('conversation.workspace_id')}, ${part('turn.author_id')})`,
  channel: channelKey('conversation.'),
  model: `concat_ws('/', turn.receipt ->> 'provider', turn.receipt ->> 'model')`,
}

/** The cost of a call: settled, or the maximum when its end is unknown. */
const spent = `case state when 'settled' then cost when 'expired' then coalesce(cost, reserved) else 0 end`
const both = (column: string) => `
  percentile_cont(0.5) within group (order by ${column}) as ${column}_median,
  percentile_cont(0.95) within group (order by ${column}) as ${column}_p95`

const ofPerson = (platform: string, workspace: string, account: string) => `exists (
      select from person_accounts($7::uuid) own
      where own.platform = ${platform} and own.account = ${account} and coalesce(own.workspace, ${workspace}) = ${workspace})`
const ledgerWithin = `($1::text is null or platform = $1) and ($2::text is null or workspace_id = $2)
    and ($3::text is null or channel_id = $3) and ($4::text is null or user_id = $4)
    and ($7::uuid is null or ${ofPerson('platform', 'workspace_id', 'user_id')})
    and reserved_at >= $5 and reserved_at < $6 and state <> 'released'`
const turnWithin = `($1::text is null or conversation.platform = $1) and ($2::text is null or conversation.workspace_id = $2)
    and ($3::text is null or conversation.channel_id = $3) and ($4::text is null or turn.author_id = $4)
    and ($7::uuid is null or ${ofPerson('conversation.platform', 'conversation.workspace_id', 'turn.author_id')})
    and turn.finished_at >= $5 and turn.finished_at < $6`

const authorName = `(select message -> 'author' ->> 'name' from inbound where inbound.turn_id = turn.source_id limit 1)`

function rowsBy(group: UsageGroup | 'all'): Statement {
  return {
    name: `usage_rows_${group}`,
    text: `
with paid as (
  select ${ledgerKeys[group]} as key, count(*) filter (where outcome in ('ok', 'failed')) as calls,
    count(*) filter (where outcome = 'ok') as answered, sum(${spent}) as cost,
    coalesce(sum(${spent}) filter (where estimated or state = 'expired'), 0) as estimated,
    coalesce(sum((usage ->> 'input')::bigint), 0) as input_tokens,
    coalesce(sum((usage ->> 'output')::bigint), 0) as output_tokens, ${both('first_token_ms').replaceAll('_ms_', '_')}
  from ledger where ${ledgerWithin} group by 1
), asked as (
  select ${turnKeys[group]} as key, turn.state, (turn.receipt -> 'ms' ->> 'total')::float8 as total,
    (turn.receipt -> 'ms' ->> 'firstText')::float8 as first_text,
    ${group === 'user' ? authorName : 'null'} as name,
    (select count(*) from feedback where turn_id = turn.id and value = 'good') as good,
    (select count(*) from feedback where turn_id = turn.id and value = 'bad') as bad
  from turn join conversation on conversation.key = turn.conversation_key
  where ${turnWithin} and turn.state in ('done', 'failed', 'stopped')
), answers as (
  select key, max(name) as name, count(*) filter (where state = 'done') as done, count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'stopped') as stopped, sum(good) as good, sum(bad) as bad,
    percentile_cont(0.5) within group (order by total) filter (where state = 'done') as total_median,
    percentile_cont(0.95) within group (order by total) filter (where state = 'done') as total_p95,
    percentile_cont(0.5) within group (order by first_text) filter (where state = 'done') as first_text_median,
    percentile_cont(0.95) within group (order by first_text) filter (where state = 'done') as first_text_p95
  from asked group by 1
)
select coalesce(paid.key, answers.key) as key, name, coalesce(done, 0) as done, coalesce(failed, 0) as failed,
  coalesce(stopped, 0) as stopped, coalesce(calls, 0) as calls, coalesce(answered, 0) as answered,
  coalesce(cost, 0) as cost, coalesce(estimated, 0) as estimated, coalesce(input_tokens, 0) as input_tokens,
  coalesce(output_tokens, 0) as output_tokens, total_median, total_p95, first_text_median, first_text_p95,
  first_token_median, first_token_p95, coalesce(good, 0) as good, coalesce(bad, 0) as bad
from paid full join answers on coalesce(paid.key, '') = coalesce(answers.key, '')
order by coalesce(cost, 0) desc, coalesce(done, 0) desc, key`,
  }
}

const rows: Record<UsageGroup | 'all', Statement> = {
  all: rowsBy('all'),
  user: rowsBy('user'),
  channel: rowsBy('channel'),
  model: rowsBy('model'),
}

function seriesBy(bucket: 'hour' | 'day'): Statement {
  return {
    name: `usage_series_${bucket}`,
    text: `
with moments as (
  select local, local at time zone $8 as at
  from generate_series(date_trunc('${bucket}', $5::timestamptz at time zone $8),
    ($6::timestamptz at time zone $8) - interval '1 microsecond', interval '1 ${bucket}') local
), paid as (
  select date_trunc('${bucket}', reserved_at at time zone $8) as local, sum(${spent}) as cost
  from ledger where ${ledgerWithin} group by 1
), asked as (
  select date_trunc('${bucket}', turn.finished_at at time zone $8) as local, count(*) as questions
  from turn join conversation on conversation.key = turn.conversation_key
  where ${turnWithin} group by 1
)
select at, coalesce(cost, 0) as cost, coalesce(questions, 0) as questions
from moments left join paid using (local) left join asked using (local) order by local`,
  }
}
const series = { hour: seriesBy('hour'), day: seriesBy('day') }

const waiting: Statement = {
  name: 'usage_waiting',
  text: `
select count(*) as turns, (extract(epoch from now() - min(created_at)) * 1000)::float8 as oldest
from turn where state in ('queued', 'answering')`,
}

const latest: Statement = {
  name: 'usage_latest_turn',
  text: `
select turn.id from turn join conversation on conversation.key = turn.conversation_key
where conversation.platform = $1 and conversation.workspace_id = $2 and conversation.channel_id = $3
  and ($4::text is null or conversation.thread_id = $4)
  and (turn.author_id = $5 or not turn.private and not $6::boolean) and turn.receipt is not null
order by turn.seq desc limit 1`,
}
