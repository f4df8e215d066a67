/**
 * Slack's Web API within Slack's rate limits: one queue per method and workspace, and per channel for posts, shared by all
 * processes. `Retry-After` pauses the queue in every process. Callers retry.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { webApi } from '@slack/bolt'
import { orAborted } from '../../src/core/abort.ts'
import { monotonic } from '../../src/core/clock.ts'
import type { Log } from '../../src/core/log.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Quota } from '../../src/core/platform-state.ts'
import { boltLogger, rateLimited, translate } from './sdk.ts'

export interface CallOptions {
  signal?: AbortSignal
  /** If the call would wait longer than this, it fails with `platform_rate_limited`. Default: no limit. */
  patienceMs?: number
  /**
   * The call is optional. It may use only half of the method's rate, so that it never delays calls that must happen. If it
   * cannot be sent at once, it fails with `platform_rate_limited`.
   */
  courtesy?: boolean
}

export interface Api {
  /** Throws `platform_*`. */
  call(method: string, args: Record<string, unknown>, options?: CallOptions): Promise<Answer>
  /** About how long a call would wait now, as far as this process knows. */
  waitFor(method: string, channel?: string): number
  /** Whether an optional call would be sent now. */
  spare(method: string): boolean
  token: string
}

/** Slack's answer; callers parse the parts that they use. */
export type Answer = Record<string, unknown>

export interface ApiDeps {
  quota: Quota
  apiUrl?: string
  log: Log
}

interface Rate {
  everyMs: number
  burst: number
}

/** Slack's tiers are calls per minute, with some room for bursts: https://docs.slack.dev/apis/web-api/rate-limits */
const tiers = {
  2: { everyMs: 3000, burst: 10 },
  3: { everyMs: 1200, burst: 25 },
  4: { everyMs: 600, burst: 50 },
} satisfies Record<number, Rate>

const tierOf: Record<string, keyof typeof tiers> = {
  'chat.startStream': 2,
  'chat.stopStream': 2,
  'chat.update': 3,
  'chat.delete': 3,
  'conversations.history': 3,
  'conversations.info': 3,
  'conversations.replies': 3,
  'agents.sessions.setStatus': 3,
  'assistant.threads.setTitle': 3,
  'assistant.threads.setSuggestedPrompts': 3,
  'reactions.add': 3,
  'reactions.remove': 3,
  'conversations.open': 3,
  'usergroups.list': 2,
  'users.list': 2,
  'users.conversations': 3,
  'files.list': 3,
  'pins.list': 2,
}

/** About one message per second and channel, with short bursts. */
const posts: Rate = { everyMs: 1000, burst: 3 }

function lineOf(team: string, method: string, channel?: string): { key: string } & Rate {
  if (method === 'chat.postMessage') return { key: `slack/${team}/post/${channel ?? ''}`, ...posts }
  return { key: `slack/${team}/${method}`, ...tiers[tierOf[method] ?? 4] }
}

export function createApi(token: string, team: string, { quota, apiUrl, log }: ApiDeps): Api {
  const client = new webApi.WebClient(token, {
    ...omitUndefined({ slackApiUrl: apiUrl }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 15_000,
    allowAbsoluteUrls: false,
    logger: boltLogger(log),
  })
  /** When each queue is free again, as far as this process knows. */
  const busyUntil = new Map<string, number>()

  function waitFor(method: string, channel?: string): number {
    const { key } = lineOf(team, method, channel)
    return Math.max(0, (busyUntil.get(key) ?? 0) - monotonic())
  }

  const courtesyLine = (method: string) => `${lineOf(team, method).key}/courtesy`
  const spare = (method: string) => (busyUntil.get(courtesyLine(method)) ?? 0) <= monotonic() && waitFor(method) === 0

  async function takeCourtesy(method: string): Promise<void> {
    if (!spare(method)) throw rateLimited(waitFor(method))
    const { everyMs, burst } = lineOf(team, method)
    const wait = await quota.take(courtesyLine(method), everyMs * 2, Math.ceil(burst / 3))
    if (wait === 0) return
    busyUntil.set(courtesyLine(method), monotonic() + wait)
    throw rateLimited(wait)
  }

  return {
    token,
    waitFor,
    spare,
    async call(method, args, { signal, courtesy = false, patienceMs = Number.POSITIVE_INFINITY } = {}) {
      signal?.throwIfAborted()
      const channel = typeof args.channel === 'string' ? args.channel : undefined
      const { key, everyMs, burst } = lineOf(team, method, channel)
      if (courtesy) await takeCourtesy(method)
      const expected = waitFor(method, channel)
      if (expected > patienceMs) throw rateLimited(expected)
      const wait = await quota.take(key, everyMs, burst)
      if (busyUntil.size > 5000) busyUntil.clear()
      if (wait > 0) {
        busyUntil.set(key, monotonic() + wait)
        await sleep(wait, undefined, signal === undefined ? {} : { signal })
      }
      try {
        return { ...(await orAborted(client.apiCall(method, args), signal)) }
      } catch (thrown) {
        if (signal?.aborted) throw thrown
        const error = translate(thrown, method)
        if (error.code === 'platform_rate_limited') {
          const ms = error.retryAfterMs ?? 1000
          busyUntil.set(key, monotonic() + ms)
          await quota.hold(key, ms)
        }
        throw error
      }
    },
  }
}
