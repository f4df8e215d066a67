/**
 * Sends what is due to programs outside, in the background: some to each receiver at a time, each signed, each stored as done, to be tried
 * again, or given up. Rows hold the truth (src/store/webhook-outbox.ts): whatever dies here is sent again with the same id.
 */
import { z } from 'zod'
import { monotonic } from '../core/clock.ts'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { omitUndefined } from '../core/omit-undefined.ts'
import { placeFrom } from '../core/place.ts'
import type { Platform } from '../core/platform.ts'
import { type WebhookBody, type WebhookText, webhookProbeMs, webhookRetries } from '../core/webhook.ts'
import type { Answered, Sender } from '../egress/send.ts'
import type { ClaimedDelivery, DisabledHook, WebhookOutbox } from '../store/webhook-outbox.ts'
import { webhookWording } from '../wording/webhooks.ts'
import { signedHeaders } from './signature.ts'

/** The part of an event that says where it was. */
const Place = z.object({
  platform: z.string(),
  workspaceId: z.string(),
  channelId: z.string(),
  threadId: z.string().nullish(),
})

export interface WebhookDeliveryDeps {
  outbox: WebhookOutbox
  sender: Pick<Sender, 'post'>
  /** Nothing where this process does not know it. */
  platform(name: string): Pick<Platform, 'places' | 'linkTo'> | undefined
  /** Tells admins, the same with the same key. */
  alert(hook: DisabledHook, key: string): Promise<void>
  log: Log
  now?: () => Date
}

/** How one attempt ended. */
export type Attempted = { status: number; ms: number } | { status: number | undefined; problem: string }

export interface WebhookDelivery {
  /** Sends what is due, in the background. */
  look(): void
  /** Sends a test that was noted; `null` where it is gone. */
  sendTest(id: string): Promise<Attempted | null>
  /** Settles when nothing is being sent. */
  idle(): Promise<void>
  /** Takes nothing more; waits for what is being sent, and gives back what is not sent by then. */
  close(graceMs: number): Promise<void>
}

/** Of all receivers together. */
const atOnce = 32
const placeMs = 5_000
/** What a receiver asks to wait is kept up to this. */
const mostWaitMs = 24 * 3_600_000
const alertEveryMs = 60_000
/** Characters of a question and of an answer. */
const mostText = 50_000

export function createWebhookDelivery(deps: WebhookDeliveryDeps): WebhookDelivery {
  const { outbox, sender, log, now = () => new Date() } = deps
  const sending = new Map<string, Promise<unknown>>()
  const closing = new AbortController()
  let looking: Promise<void> | undefined
  let again = false
  let closed = false
  let alertAt = Number.NEGATIVE_INFINITY
  /** A receiver may be disabled since admins were last told; at first by another process. */
  let failedAny = true

  function look(): void {
    again = true
    if (closed || looking !== undefined || sending.size >= atOnce) return
    looking = claimAll()
      .catch((error: unknown) => log.warn(errorFields(error), 'webhooks not looked at; the next sweep does'))
      .finally(() => {
        looking = undefined
        if (again) look()
      })
  }

  async function claimAll(): Promise<void> {
    again = false
    for (const each of await outbox.claim(atOnce - sending.size)) {
      const work = attempt(each)
        .catch((error: unknown) => log.warn({ delivery: each.id, ...errorFields(error) }, 'webhook not stored as sent'))
        .finally(() => {
          sending.delete(each.id)
          look()
        })
      sending.set(each.id, work)
    }
    if (failedAny && monotonic() >= alertAt) await tellDisabled()
  }

  async function tellDisabled(): Promise<void> {
    failedAny = false
    for (const hook of await outbox.disabled()) {
      try {
        await deps.alert(hook, `webhook-${hook.id}-${hook.failingSince?.getTime()}`)
        await outbox.alerted(hook.id)
      } catch (error) {
        failedAny = true
        alertAt = monotonic() + alertEveryMs
        log.warn({ webhook: hook.id, ...errorFields(error) }, 'admins not told of a disabled webhook; tried again')
      }
    }
  }

  async function attempt(delivery: ClaimedDelivery): Promise<Attempted> {
    const began = monotonic()
    const answered = await send(delivery).catch((thrown: unknown) => {
      if (!closing.signal.aborted) return asParleyError(thrown)
      return outbox.release(delivery).then(() => Promise.reject(thrown))
    })
    const ms = Math.round(monotonic() - began)
    const { webhookId: webhook, event, attempt: n } = delivery
    const about = { webhook, event, delivery: delivery.id, attempt: n, ms }
    if (answered instanceof ParleyError) {
      const { userMessage: problem } = answered
      log.info({ ...about, ...errorFields(answered) }, 'webhook not sent')
      failedAny = true
      await outbox.failed(delivery, { status: undefined, problem, ms, ...waits(delivery, undefined) })
      return { status: undefined, problem }
    }
    const { status, retryAfterMs } = answered
    log.info({ ...about, status }, 'webhook sent')
    if (status >= 200 && status < 300) {
      await outbox.done(delivery, { status, ms })
      return { status, ms }
    }
    failedAny = true
    const problem = webhookWording.answered(status)
    if (status === 410) await outbox.gone(delivery, { status, problem, ms })
    else await outbox.failed(delivery, { status, problem, ms, ...waits(delivery, retryAfterMs) })
    return { status, problem }
  }

  async function send(delivery: ClaimedDelivery): Promise<Answered> {
    const body = JSON.stringify(await bodyOf(delivery))
    const headers = signedHeaders(delivery.secrets(), { id: delivery.eventId, at: now(), body })
    return await sender.post(new URL(delivery.address), { headers, body, signal: closing.signal })
  }

  async function bodyOf({ id, event, createdAt, data, withText }: ClaimedDelivery): Promise<WebhookBody> {
    const text = withText ? await textOf(id) : undefined
    const link = linkTo(data)
    const more = omitUndefined({ link, text: text && { ...text } })
    return { type: event, timestamp: createdAt.toISOString(), data: { ...data, ...more } }
  }

  function linkTo(data: ClaimedDelivery['data']): string | undefined {
    const { data: place } = Place.safeParse(data)
    return place && deps.platform(place.platform)?.linkTo?.({ ...place, threadId: place.threadId ?? undefined })
  }

  /** Read when it is sent: nothing of it is stored beside the turn, and what was deleted meanwhile is not sent. */
  async function textOf(id: string): Promise<WebhookText | undefined> {
    const found = await outbox.text(id)
    if (found === null || found.places.some(({ may }) => may === 'no')) return undefined
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(placeMs)])
    const asked = await Promise.all(found.places.map(({ key, may }) => may === 'yes' || isPublic(key, signal)))
    if (asked.includes(false)) return undefined
    const { question, answer } = found
    const cut = question.length > mostText || (answer?.length ?? 0) > mostText
    return { question: question.slice(0, mostText), answer: answer?.slice(0, mostText) ?? null, cut }
  }

  /** Unknown is no. */
  async function isPublic(key: string, signal: AbortSignal): Promise<boolean> {
    const place = placeFrom(key)
    try {
      return (await deps.platform(place.platform)?.places?.look(place, { signal }))?.kind === 'public'
    } catch (error) {
      log.info({ platform: place.platform, ...errorFields(error) }, 'the readers of a place are not known')
      return false
    }
  }

  return {
    look() {
      failedAny = true
      look()
    },
    async sendTest(id) {
      const delivery = await outbox.claimTest(id)
      return delivery === null ? null : await attempt(delivery)
    },
    async idle() {
      while (looking !== undefined || sending.size > 0) await Promise.all([looking, ...sending.values()])
    },
    async close(graceMs) {
      closed = true
      const timer = setTimeout(() => closing.abort(), graceMs)
      await looking
      await Promise.all(sending.values())
      clearTimeout(timer)
    },
  }
}

/** When the delivery, and when its receiver, is tried again: each later than before, and a little apart from others. */
function waits({ attempt, failures }: ClaimedDelivery, askedMs: number | undefined) {
  const next = webhookRetries[attempt - 1]
  const asked = Math.min(askedMs ?? 0, mostWaitMs)
  const spread = 1 + Math.random() / 10
  return {
    againMs: next === undefined ? undefined : Math.round(Math.max(next * spread, asked)),
    holdMs: Math.max(Math.min(webhookRetries[failures] ?? webhookProbeMs, webhookProbeMs), asked),
  }
}
