/** Discord's rate limits as the stand-in keeps them: buckets with a window each, and fifty requests a second for the bot. */

export interface Verdict {
  allowed: boolean
  headers: Record<string, string>
  retryAfterMs: number
  global: boolean
}

interface Rule {
  pattern: RegExp
  limit: number
  windowMs: number
}

/** As they have been observed; Discord does not publish them and says to go by the headers. */
const rules: Rule[] = [
  { pattern: /^POST \/channels\/\d+\/messages$/, limit: 5, windowMs: 5000 },
  { pattern: /^PATCH \/channels\/\d+\/messages\/\d+$/, limit: 5, windowMs: 5000 },
  { pattern: /^POST \/channels\/\d+\/typing$/, limit: 5, windowMs: 5000 },
  { pattern: /^POST \/channels\/\d+\/messages\/\d+\/threads$/, limit: 10, windowMs: 10_000 },
  { pattern: /^DELETE \/channels\/\d+\/messages\/\d+$/, limit: 5, windowMs: 1000 },
  { pattern: /^(?:POST|PATCH|DELETE) \/webhooks\//, limit: 5, windowMs: 2000 },
  { pattern: /^POST \/users\/@me\/channels$/, limit: 10, windowMs: 10_000 },
  { pattern: /^GET /, limit: 30, windowMs: 1000 },
]

export interface Limits {
  /** Counts a request, or refuses it. `undefined` for what has no limit. */
  check(method: string, path: string, authorized: boolean): Verdict | undefined
}

export function createLimits(scale = 1, now: () => number = Date.now): Limits {
  const windows = new Map<string, { endsAt: number; left: number }>()

  function use(key: string, limit: number, windowMs: number) {
    const moment = now()
    const before = windows.get(key)
    const window = before === undefined || before.endsAt <= moment ? { endsAt: moment + windowMs, left: limit } : before
    windows.set(key, window)
    const allowed = window.left > 0
    if (allowed) window.left -= 1
    return { allowed, left: window.left, resetMs: window.endsAt - moment }
  }

  return {
    check(method, path, authorized) {
      if (path.startsWith('/interactions/')) return undefined
      const rule = rules.find(({ pattern }) => pattern.test(`${method} ${path}`))
      if (rule === undefined) return undefined
      const [, ground, major, token] = path.split('/')
      const whose =
        ground === 'webhooks' ? `${major}/${token}` : ground === 'channels' || ground === 'guilds' ? major : ''
      const bucket = `b${rules.indexOf(rule)}`
      const { allowed, left, resetMs } = use(`${bucket} ${whose}`, rule.limit, rule.windowMs * scale)
      const headers = {
        'x-ratelimit-limit': String(rule.limit),
        'x-ratelimit-remaining': String(left),
        'x-ratelimit-reset': ((now() + resetMs) / 1000).toFixed(3),
        'x-ratelimit-reset-after': (resetMs / 1000).toFixed(3),
        'x-ratelimit-bucket': bucket,
      }
      if (!allowed) return { allowed, headers, retryAfterMs: resetMs, global: false }
      const whole = authorized && ground !== 'webhooks' ? use('everything', 50, 1000) : undefined
      if (whole !== undefined && !whole.allowed)
        return { allowed: false, headers: { 'x-ratelimit-global': 'true' }, retryAfterMs: whole.resetMs, global: true }
      return { allowed, headers, retryAfterMs: 0, global: false }
    },
  }
}
