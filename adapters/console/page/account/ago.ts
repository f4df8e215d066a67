/** How long ago, in words: `just now`, `5 minutes ago`, `yesterday`, then the date. Pure. */
import { accountWording as words } from '../../../../src/wording/account.ts'

const steps = [
  { unit: 'minute', ms: 60_000, below: 60 },
  { unit: 'hour', ms: 3_600_000, below: 24 },
  { unit: 'day', ms: 86_400_000, below: 7 },
] as const
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

export function formatAgo(iso: string, now = new Date()): string {
  const passed = now.getTime() - Date.parse(iso)
  if (passed < 60_000) return words.justNow
  for (const { unit, ms, below } of steps) {
    const count = Math.floor(passed / ms)
    if (count < below) return relative.format(-count, unit)
  }
  return words.date(iso)
}
