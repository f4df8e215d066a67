/**
 * How fast Discord lets Parley write, learnt from the headers of its answers and kept to by all processes together.
 *
 * A bucket allows `limit` requests in a window that begins with the first of them. The shared line (src/core/platform-state.ts)
 * gives places that are `everyMs` apart, some of them at once; the two fit when in no window there are more places than
 * `limit`, wherever it begins: burst + window / every ≤ limit.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Quota } from '../../src/core/platform-state.ts'
import { createSemaphore } from '../../src/core/semaphore.ts'

export interface Pacer {
  /** Sends the request when it may be made. */
  run<T>(method: string, path: string, send: () => Promise<T>, signal?: AbortSignal): Promise<T>
  learn(method: string, path: string, headers: { get(name: string): string | null }): void
  /** Discord said to wait; `global`: with everything. */
  hold(method: string, path: string, ms: number, global: boolean): Promise<void>
}

interface Allowance {
  limit: number
  windowMs: number
}

/** Fifty requests a second for a bot as a whole: https://discord.com/developers/docs/topics/rate-limits#global-rate-limit */
const global: Allowance = { limit: 50, windowMs: 1000 }
const everything = { key: 'discord/all', ...spread(global, 0.1) }
/** Of a route that has not been used yet: what posting and editing have had for years. */
const assumed: Allowance = { limit: 5, windowMs: 5000 }
/** Reads, such as looking up a channel, have separate, generous limits. */
const assumedOfReading: Allowance = { limit: 20, windowMs: 1000 }

/** Edits come one after the other as a text grows; posts come together, as the parts of a finished one. */
const steady = 0
const sudden = 0.4

export function createPacer(quota: Quota): Pacer {
  const known = new Map<string, Allowance>()
  /**
   * Requests on their way and those of the last second, of this process. Places in the shared line say when a request
   * starts. On a busy machine or network, requests arrive in bursts, and Discord counts arrivals.
   */
  const underWay = createSemaphore(global.limit - 2)

  return {
    async run(method, path, send, signal) {
      const { key, route } = lineOf(method, path)
      const allowance = known.get(route) ?? (method === 'GET' ? assumedOfReading : assumed)
      const { everyMs, burst } = spread(allowance, method === 'PATCH' ? steady : sudden)
      await rest(await quota.take(key, everyMs, burst), signal)
      // What an interaction's token allows does not count.
      if (path.startsWith('/webhooks/') || path.startsWith('/interactions/')) return send()
      await rest(await quota.take(everything.key, everything.everyMs, everything.burst), signal)
      const leave = await underWay.enter(signal)
      try {
        return await send()
      } finally {
        setTimeout(leave, global.windowMs)
      }
    },
    learn(method, path, headers) {
      const limit = Number(headers.get('x-ratelimit-limit') ?? Number.NaN)
      const remaining = Number(headers.get('x-ratelimit-remaining') ?? Number.NaN)
      const resetMs = Number(headers.get('x-ratelimit-reset-after') ?? Number.NaN) * 1000
      if (!(limit >= 1) || !(resetMs >= 0)) return
      const { key, route } = lineOf(method, path)
      const before = known.get(route)
      const windowMs = before?.limit === limit ? Math.max(before.windowMs, resetMs) : resetMs
      // Late in a window, what is left of it says little of its length.
      if (before?.limit === limit || remaining >= limit - 1)
        known.set(route, { limit, windowMs: Math.max(windowMs, 100) })
      if (remaining <= 0) void quota.hold(key, resetMs).catch(() => undefined)
    },
    async hold(method, path, ms, global) {
      await quota.hold(global ? everything.key : lineOf(method, path).key, ms)
    },
  }
}

async function rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms >= 1) await sleep(ms, undefined, { signal })
}

/** Places so that no window holds more of them than it may; `atOnce` is the share of them that may come together. */
export function spread({ limit, windowMs }: Allowance, atOnce: number): { everyMs: number; burst: number } {
  const burst = Math.max(1, Math.floor(limit * atOnce))
  return { burst, everyMs: Math.ceil(windowMs / Math.max(1, limit - burst)) }
}

/** The line of a request, by its route and the channel, server or interaction that its limit is counted for. */
function lineOf(method: string, path: string): { key: string; route: string } {
  const [, ground = '', major = '', ...others] = path.split('?', 1)[0]?.split('/') ?? []
  const token = ground === 'webhooks' || ground === 'interactions' ? (others.shift() ?? '') : ''
  const tail = others.map((part) => (/^\d{16,20}$/.test(part) ? ':id' : part)).join('/')
  const route = `${method} /${ground}/:id/${tail}`
  // The token is a credential: the line is called by its hash.
  const whose = token === '' ? major : createHash('sha256').update(token).digest('base64url').slice(0, 16)
  return { route, key: `discord/${method} /${ground}/${whose}/${tail}` }
}
