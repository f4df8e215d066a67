/**
 * Programs outside that are told of events: who they are and what was sent to them, as admins see and change it. What is due is sent by
 * src/webhooks/delivery.ts from webhook-outbox.ts. A secret is random, sealed in its row, and returned only where it is made.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Scope } from '../core/scope.ts'
import { testEvent, type WebhookEvent, webhookEventNames, webhookRotationMs } from '../core/webhook.ts'
import type { Database, Statement } from './database.ts'
import type { Secrets } from './secrets.ts'

export interface WebhookAbout {
  id: string
  name: string
  address: string
  events: WebhookEvent[]
  scope: Scope
  withText: boolean
  state: 'active' | 'disabled'
  /** Why it is disabled. */
  reason: 'gone' | 'failing' | null
  /** Since when every attempt fails, and what was wrong with the last one. */
  failingSince: Date | null
  problem: string | null
  waiting: number
  lastDoneAt: Date | null
  createdBy: string
  createdAt: Date
}

export interface NewWebhook {
  name: string
  address: string
  events: readonly WebhookEvent[]
  scope: Scope
  withText: boolean
  createdBy: string
}

export interface DeliveryAbout {
  eventId: string
  event: string
  state: 'waiting' | 'done' | 'failed'
  attempts: number
  createdAt: Date
  nextAt: Date
  endedAt: Date | null
  status: number | null
  problem: string | null
}

/** Which deliveries are sent again. */
export type Replayed = { eventId: string } | { failed: true } | { since: Date }

export interface Webhooks {
  /** By name. */
  list(): Promise<WebhookAbout[]>
  /** `null`: the name is taken. Throws `secret_missing`. */
  add(hook: NewWebhook): Promise<{ id: string; secret: string } | null>
  remove(id: string): Promise<void>
  /** A new secret; the one before also signs for a day. Throws `secret_missing`. */
  rotate(id: string): Promise<{ secret: string; until: Date }>
  /** What waits is sent from now on. */
  enable(id: string): Promise<void>
  /** Newest first. */
  deliveries(id: string, limit: number): Promise<DeliveryAbout[]>
  /** Returns how many. One that waits is sent now. */
  replay(id: string, which: Replayed): Promise<number>
  /** Notes an event that says nothing, for one attempt at once by its caller; returns the delivery's id. */
  noteTest(id: string): Promise<string>
}

export const webhookSecretPlace = (id: string) => JSON.stringify(['webhook', id])
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

interface HookRow {
  [column: string]: unknown
  id: string
  name: string
  address: string
  events: string[]
  scope: Scope
  with_text: boolean
  state: WebhookAbout['state']
  reason: WebhookAbout['reason']
  failing_since: Date | null
  problem: string | null
  waiting: string
  last_done_at: Date | null
  created_by: string
  created_at: Date
}

/** Rows hold what this or a later version of Parley has written. */
const isEvent = (name: string): name is WebhookEvent => webhookEventNames.some((each) => each === name)

export function createWebhooks({ query, prisma }: Pick<Database, 'query' | 'prisma'>, secrets: Secrets): Webhooks {
  return {
    async list() {
      return (await query<HookRow>(list, [])).map((row) => ({
        id: row.id,
        name: row.name,
        address: row.address,
        events: row.events.filter(isEvent),
        scope: row.scope,
        withText: row.with_text,
        state: row.state,
        reason: row.reason,
        failingSince: row.failing_since,
        problem: row.problem,
        waiting: Number(row.waiting),
        lastDoneAt: row.last_done_at,
        createdBy: row.created_by,
        createdAt: row.created_at,
      }))
    },

    async add({ name, address, events, scope, withText, createdBy }) {
      const id = randomUUID()
      const secret = newSecret()
      const sealed = secrets.seal(secret, webhookSecretPlace(id))
      const rows = await query(add, [id, name, address, [...events], scope, withText, sealed, createdBy])
      return rows.length === 0 ? null : { id, secret }
    },

    async remove(id) {
      await prisma.webhook.deleteMany({ where: { id } })
    },

    async rotate(id) {
      const secret = newSecret()
      const values = [id, secrets.seal(secret, webhookSecretPlace(id)), webhookRotationMs]
      const [row] = await query<{ until: Date }>(rotate, values)
      return { secret, until: row?.until ?? new Date() }
    },

    async enable(id) {
      await query(enable, [id])
    },

    async deliveries(webhookId, limit) {
      return await prisma.webhookDelivery.findMany({
        where: { webhookId },
        orderBy: { id: 'desc' },
        take: limit,
        select: {
          eventId: true,
          event: true,
          state: true,
          attempts: true,
          createdAt: true,
          nextAt: true,
          endedAt: true,
          status: true,
          problem: true,
        },
      })
    },

    async replay(id, which) {
      const values = [
        id,
        'eventId' in which ? which.eventId : null,
        'failed' in which,
        'since' in which ? which.since : null,
      ]
      return (await query(replay, values)).length
    },

    async noteTest(id) {
      const [row] = await query<{ id: string }>(noteTest, [id, `test_${randomUUID()}`, testEvent])
      if (row === undefined) throw new Error('a test event was not stored')
      return row.id
    },
  }
}

const list: Statement = {
  name: 'webhook_list',
  text: `
select webhook.*, (select count(*) from webhook_delivery waiting where waiting.webhook_id = webhook.id and waiting.state = 'waiting') as waiting,
  (select max(done.ended_at) from webhook_delivery done where done.webhook_id = webhook.id and done.state = 'done') as last_done_at
from webhook order by name`,
}

/** Sent twice it is still one: the second finds its own id. */
const add: Statement = {
  name: 'webhook_add',
  text: `
insert into webhook (id, name, address, events, scope, with_text, secret, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (name) do update set name = excluded.name where webhook.id = excluded.id returning id`,
}

/** Sent twice it rotates once. */
const rotate: Statement = {
  name: 'webhook_rotate',
  text: `
update webhook set secret = $2, old_secret = case when secret = $2 then old_secret else secret end,
  old_secret_until = case when secret = $2 then old_secret_until else now() + $3 * interval '1 millisecond' end
where id = $1 returning old_secret_until as until`,
}

const enable: Statement = {
  name: 'webhook_enable',
  text: `
update webhook set state = 'active', reason = null, failures = 0, failing_since = null, retry_at = null, problem = null, alerted_at = null
where id = $1 and state = 'disabled'`,
}

/** One that is being sent at this moment ends as it does. A test is over. */
const replay: Statement = {
  name: 'webhook_replay',
  text: `
update webhook_delivery set state = 'waiting', attempts = 0, next_at = now(), ended_at = null, problem = null, status = null
where webhook_id = $1 and event <> '${testEvent}' and coalesce(lease_until < now(), true)
  and ($2::text is null or event_id = $2) and (not $3::boolean or state = 'failed') and ($4::timestamptz is null or created_at >= $4)
returning id`,
}

const noteTest: Statement = {
  name: 'webhook_note_test',
  text: `
insert into webhook_delivery (webhook_id, event_id, event, scope, data, lease_until)
select id, $2, $3, scope, jsonb_build_object('name', name), now() + interval '15 seconds' from webhook where id = $1
on conflict (webhook_id, event_id) do update set event = excluded.event returning id`,
}
