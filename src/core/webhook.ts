/**
 * THE table of events that programs outside may be told of, and what one delivery says. The rows are written by the database with
 * what happened (prisma/functions/webhooks.sql): a new event is a row here, a trigger there, and a section of docs/webhooks.md.
 */
import type { Json } from './json.ts'

export const webhookEvents = {
  /** An answer ended: done, stopped or failed. The one event with text, for receivers that asked for it. */
  'turn.finished': { text: true },
  /** A budget's window reached 50, 80 or 100 per cent. */
  'budget.alert': { text: false },
  /** A question met a limit, and an admin may let it pass. */
  'approval.asked': { text: false },
} as const satisfies Record<string, { text: boolean }>

export type WebhookEvent = keyof typeof webhookEvents
export const webhookEventNames = Object.keys(webhookEvents) as [WebhookEvent, ...WebhookEvent[]]

/** Sent by `webhooks test` alone; nobody subscribes to it. */
export const testEvent = 'webhook.test'

/** The body of a delivery. `timestamp`: when it happened. */
export interface WebhookBody {
  type: string
  timestamp: string
  data: { [name: string]: Json }
}

/** What people wrote, for receivers that may read it. */
export interface WebhookText {
  question: string
  answer: string | null
  /** Only the beginning of them is here. */
  cut: boolean
}

/** The waits between the attempts of one delivery: ten attempts within a little more than three days. */
export const webhookRetries: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(
  (seconds) => seconds * 1_000,
)

/** A receiver that only failed for so long is disabled. */
export const webhookPatienceMs = 75 * 3_600_000
/** The longest wait between two attempts at a receiver that fails, whatever there is to send. */
export const webhookProbeMs = 300_000
/** How long the secret before also signs after a rotation. */
export const webhookRotationMs = 24 * 3_600_000
/** How long deliveries can be replayed. */
export const webhookKeptDays = 30
