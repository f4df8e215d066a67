/**
 * Sends small messages to addresses that an admin named by command, such as webhooks: public addresses by https, and exactly the origins that
 * parley.yaml allows. It follows no redirect and reads no answer but its head.
 */
import { ParleyError } from '../core/errors.ts'
import { readRetryAfter } from '../core/retry-after.ts'
import { webhookEgressWording } from '../wording/requests.ts'
import { createGuard, type EgressOptions, type GuardPurpose } from './guard.ts'

export interface Sender {
  /** Throws `file_fetch_failed` with what is wrong with the address, as far as that is known without connecting to it. */
  check(url: URL): void
  /** Throws `file_fetch_failed` where nothing was answered. */
  post(url: URL, message: OutgoingMessage): Promise<Answered>
}

interface OutgoingMessage {
  headers: Readonly<Record<string, string>>
  body: string
  signal: AbortSignal
}

export interface Answered {
  status: number
  retryAfterMs: number | undefined
}

export const forWebhooks: GuardPurpose = {
  wording: webhookEgressWording,
  schemes: ['https:'],
  ports: [443, 8443],
}

export function createSender(origins: readonly string[], options: EgressOptions = {}): Sender {
  const { timeoutMs = 10_000 } = options
  const { wording } = forWebhooks
  const guard = createGuard(options, forWebhooks, origins)
  return {
    check: (url) => void guard.check(url),
    async post(url, { headers, body, signal }) {
      const deadline = AbortSignal.timeout(timeoutMs)
      try {
        const response = await guard.open(url, {
          method: 'POST',
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          body,
          signal: AbortSignal.any([signal, deadline]),
        })
        const { statusCode: status = 0, headers: answered } = response
        response.destroy()
        return { status, retryAfterMs: readRetryAfter(answered['retry-after']) }
      } catch (thrown) {
        signal.throwIfAborted()
        const sentence = deadline.aborted ? wording.slow(timeoutMs / 1000) : wording.unreachable
        throw guard.refusalOf(thrown) ?? new ParleyError('file_fetch_failed', sentence, { cause: thrown })
      }
    },
  }
}
