/**
 * What is due to programs outside. An attempt holds its delivery by a lease: when its process dies, the delivery is sent again with the same id.
 * A receiver that fails is tried with one delivery at a time, so that it costs the others nothing.
 */
import type { Json } from '../core/json.ts'
import type { Scope } from '../core/scope.ts'
import { testEvent, webhookPatienceMs } from '../core/webhook.ts'
import type { Database, Statement } from './database.ts'
import type { Secrets } from './secrets.ts'
import { webhookSecretPlace } from './webhooks.ts'

/** One attempt at a delivery. */
export interface ClaimedDelivery {
  id: string
  webhookId: string
  eventId: string
  event: string
  createdAt: Date
  data: { [name: string]: Json }
  /** Counted from 1. */
  attempt: number
  /** Of its receiver, since the last success. */
  failures: number
  address: string
  withText: boolean
  /** Those that hold now. Throws `secret_missing`. */
  secrets(): string[]
}

export interface FailedAttempt {
  status: number | undefined
  problem: string
  /** When it is tried again; absent: never. */
  againMs: number | undefined
  /** No delivery at all is sent to its receiver for so long. */
  holdMs: number
  ms: number
}

/** A receiver that was disabled, and of which admins do not know yet. */
export interface DisabledHook {
  id: string
  name: string
  scope: Scope
  reason: 'gone' | 'failing'
  problem: string | null
  failingSince: Date | null
}

/** What a delivery's text rests on. */
export interface TextPlace {
  key: string
  /** `yes`: the receiver's team has it, or everybody may be told. `ask`: only if it is public. */
  may: 'yes' | 'ask' | 'no'
}

export interface DeliveryText {
  question: string
  answer: string | null
  places: TextPlace[]
}

export interface WebhookOutbox {
  /** Takes up to `limit` that are due, the longest due first. */
  claim(limit: number): Promise<ClaimedDelivery[]>
  /** Takes one that its caller has noted. */
  claimTest(id: string): Promise<ClaimedDelivery | null>
  done(delivery: Pick<ClaimedDelivery, 'id' | 'attempt'>, answered: { status: number; ms: number }): Promise<void>
  /** Disables a receiver that has only failed for days. */
  failed(delivery: Pick<ClaimedDelivery, 'id' | 'attempt'>, attempt: FailedAttempt): Promise<void>
  /** Its receiver said that it is gone: it is disabled. */
  gone(
    delivery: Pick<ClaimedDelivery, 'id' | 'attempt'>,
    attempt: { status: number; problem: string; ms: number },
  ): Promise<void>
  /** Gives it back untried. */
  release(delivery: Pick<ClaimedDelivery, 'id' | 'attempt'>): Promise<void>
  /** What was asked and answered; `null` where nobody but the asker may read it, or it is gone. */
  text(id: string): Promise<DeliveryText | null>
  disabled(): Promise<DisabledHook[]>
  alerted(webhookId: string): Promise<void>
}

interface ClaimRow {
  [column: string]: unknown
  id: string
  webhook_id: string
  event_id: string
  event: string
  created_at: Date
  data: { [name: string]: Json }
  attempts: number
  failures: number
  address: string
  with_text: boolean
  secrets: string[]
}

export interface OutboxOptions {
  /** How long an attempt holds its delivery: longer than it can last. */
  leaseMs?: number
  /** Deliveries to one receiver at a time. */
  perHook?: number
}

export function createWebhookOutbox(
  { query }: Pick<Database, 'query'>,
  secrets: Secrets,
  { leaseMs = 15_000, perHook = 4 }: OutboxOptions = {},
): WebhookOutbox {
  const claimed = (row: ClaimRow): ClaimedDelivery => ({
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    event: row.event,
    createdAt: row.created_at,
    data: row.data,
    attempt: row.attempts,
    failures: row.failures,
    address: row.address,
    withText: row.with_text,
    secrets: () => row.secrets.map((sealed) => secrets.open(sealed, webhookSecretPlace(row.webhook_id))),
  })
  return {
    async claim(limit) {
      return (await query<ClaimRow>(claim, [limit, perHook, leaseMs])).map(claimed)
    },
    async claimTest(id) {
      const [row] = await query<ClaimRow>(claimTest, [id, leaseMs])
      return row === undefined ? null : claimed(row)
    },
    async done({ id, attempt }, { status, ms }) {
      await query(done, [id, attempt, status, ms])
    },
    async failed({ id, attempt }, { status, problem, againMs, holdMs, ms }) {
      const values = [id, attempt, status ?? null, problem, ms, againMs ?? null, holdMs, webhookPatienceMs]
      await query(failed, values)
    },
    async gone({ id, attempt }, { status, problem, ms }) {
      await query(gone, [id, attempt, status, problem, ms])
    },
    async release({ id, attempt }) {
      await query(release, [id, attempt])
    },
    async text(id) {
      const [row] = await query<DeliveryText & { [column: string]: unknown }>(text, [id])
      return row ?? null
    },
    disabled: () => query<DisabledHook & { [column: string]: unknown }>(disabled, []),
    async alerted(webhookId) {
      await query(alerted, [webhookId])
    },
  }
}

const claimColumns = `delivery.id, delivery.webhook_id, delivery.event_id, delivery.event, delivery.created_at, delivery.data,
  delivery.attempts, hook.failures, hook.address, hook.with_text,
  array_remove(array[hook.secret, case when hook.old_secret_until > now() then hook.old_secret end], null) as secrets`

/** Looks at each receiver by itself: a long line at one of them hides nothing that is due to another. */
const claim: Statement = {
  name: 'webhook_claim',
  text: `
with due as (
  select due.id from webhook hook cross join lateral (
    select delivery.id, delivery.next_at from webhook_delivery delivery
    where delivery.webhook_id = hook.id and delivery.state = 'waiting' and delivery.next_at <= now()
      and coalesce(delivery.lease_until < now(), true)
    order by delivery.next_at, delivery.id
    limit greatest(0, case when hook.failures > 0 then 1 else $2::int end - (
      select count(*) from webhook_delivery busy
      where busy.webhook_id = hook.id and busy.state = 'waiting' and busy.lease_until > now()))
    for update skip locked
  ) due
  where hook.state = 'active' and coalesce(hook.retry_at <= now(), true)
  order by due.next_at, due.id limit $1
)
update webhook_delivery delivery set lease_until = now() + $3 * interval '1 millisecond', attempts = delivery.attempts + 1
from due, webhook hook where delivery.id = due.id and hook.id = delivery.webhook_id
returning ${claimColumns}`,
}

const claimTest: Statement = {
  name: 'webhook_claim_test',
  text: `
update webhook_delivery delivery set lease_until = now() + $2 * interval '1 millisecond', attempts = 1
from webhook hook where delivery.id = $1 and delivery.state = 'waiting' and delivery.event = '${testEvent}' and hook.id = delivery.webhook_id
returning ${claimColumns}`,
}

/** Of this attempt; what a later one has taken is left alone. */
const held = `id = $1 and attempts = $2 and state = 'waiting'`

const done: Statement = {
  name: 'webhook_done',
  text: `
with ended as (
  update webhook_delivery set state = 'done', status = $3, ms = $4, problem = null, ended_at = now(), lease_until = null
  where ${held} returning webhook_id
)
update webhook hook set failures = 0, failing_since = null, retry_at = null, problem = null from ended
where hook.id = ended.webhook_id and hook.state = 'active' and hook.failures > 0`,
}

const failed: Statement = {
  name: 'webhook_failed',
  text: `
with ended as (
  update webhook_delivery set status = $3, problem = $4, ms = $5, lease_until = null,
    state = case when $6::bigint is null then 'failed' else 'waiting' end::webhook_delivery_state,
    ended_at = case when $6::bigint is null then now() end, next_at = now() + coalesce($6::bigint, 0) * interval '1 millisecond'
  where ${held} returning webhook_id, event
)
update webhook hook set failures = hook.failures + 1, failing_since = coalesce(hook.failing_since, now()), problem = $4,
  retry_at = now() + $7::bigint * interval '1 millisecond',
  state = case when hook.failing_since < now() - $8::bigint * interval '1 millisecond' then 'disabled' else hook.state end,
  reason = case when hook.failing_since < now() - $8::bigint * interval '1 millisecond' then 'failing' else hook.reason end
from ended where hook.id = ended.webhook_id and hook.state = 'active' and ended.event <> '${testEvent}'`,
}

const gone: Statement = {
  name: 'webhook_gone',
  text: `
with ended as (
  update webhook_delivery set status = $3, problem = $4, ms = $5, lease_until = null, state = 'failed', ended_at = now()
  where ${held} returning webhook_id
)
update webhook hook set state = 'disabled', reason = 'gone', problem = $4, failing_since = coalesce(hook.failing_since, now())
from ended where hook.id = ended.webhook_id and hook.state = 'active'`,
}

const release: Statement = {
  name: 'webhook_release',
  text: `update webhook_delivery set lease_until = null, attempts = attempts - 1 where ${held}`,
}

/**
 * The receiver counts as a reader of the answer: it must be one that may read the place of the question and every place that the answer
 * rests on. What the asker alone reads is for nobody else, and a file that is not there any more has no readers that are known.
 */
const text: Statement = {
  name: 'webhook_text',
  text: `
with told as (
  select hook.scope as hook, turn.id, turn.source_id, turn.answer, turn.rests_on, conversation.place_key
  from webhook_delivery delivery join webhook hook on hook.id = delivery.webhook_id join turn on turn.id = delivery.turn_id
    join conversation on conversation.key = turn.conversation_key
  where delivery.id = $1 and hook.with_text and delivery.event = 'turn.finished' and not turn.private
    and webhook_covers(hook.scope, webhook_channel_scope(conversation.key))
), concerned as (
  select place_key as key, true as own from told
  union
  select share.place_key, false from told, unnest(told.rests_on) ref left join share on share.id = ref
), judged as (
  select concerned.key, case
    when concerned.key is null then 'no'
    -- A thread with readers of its own is no place of a team.
    when starts_with(told.hook, 'team:') and split_part(concerned.key, '/', 4) = '' and exists (
      select from team_place where 'team:' || team_id = told.hook and scope = webhook_channel_scope(concerned.key)) then 'yes'
    when place.kind = 'collection' then case when exists (
      select from collection join collection_grant granted on granted.collection_id = collection.id
      where collection.place_key = concerned.key and granted.scope in ('all', told.hook)) then 'yes' else 'no' end
    when place.kind = 'direct' or not webhook_covers(told.hook, webhook_channel_scope(concerned.key)) then 'no'
    else 'ask' end as may
  from told, concerned left join place on place.key = concerned.key
)
select coalesce((select string_agg(inbound.message ->> 'text', e'\\n\\n' order by inbound.seq) from inbound
    where inbound.turn_id = told.source_id), '') as question, told.answer,
  (select jsonb_agg(jsonb_build_object('key', judged.key, 'may', judged.may)) from judged) as places
from told`,
}

const disabled: Statement = {
  name: 'webhook_disabled',
  text: `select id, name, scope, reason, problem, failing_since as "failingSince" from webhook where state = 'disabled' and alerted_at is null order by name`,
}

const alerted: Statement = {
  name: 'webhook_alerted',
  text: `update webhook set alerted_at = now() where id = $1 and state = 'disabled'`,
}
