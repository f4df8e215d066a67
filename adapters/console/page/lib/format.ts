/** How the page writes sizes, times and progress. Pure. */
import { pageWording } from '../../../../src/wording/page.ts'

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['KB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${units[unit]}`
}

export function formatCount(count: number): string {
  return count.toLocaleString('en')
}

/** `0.4 s`, `12 s`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const rest = seconds % 60
  return rest === 0 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 60)} min ${rest} s`
}

/** `now`, `5 min`, `3 h`, `yesterday`, `4 days`, then the date. */
export function formatAge(iso: string, now: number): string {
  const then = new Date(iso)
  const minutes = Math.floor((now - then.getTime()) / 60_000)
  if (minutes < 1) return pageWording.time.now
  if (minutes < 60) return pageWording.time.minutes(minutes)
  if (minutes < 24 * 60) return pageWording.time.hours(Math.floor(minutes / 60))
  const days = Math.floor(minutes / (24 * 60))
  if (days === 1) return pageWording.time.yesterday
  if (days < 7) return pageWording.time.days(days)
  const sameYear = then.getFullYear() === new Date(now).getFullYear()
  return then.toLocaleDateString('en', { day: 'numeric', month: 'short', year: sameYear ? undefined : 'numeric' })
}

/** The "N of M" of a status line as a fraction, if it has one. */
export function progressOf(text: string): { value: number; max: number } | null {
  const clock = /(\d+(?::\d\d)+) of (\d+(?::\d\d)+)$/.exec(text)
  if (clock !== null) {
    const [value = 0, max = 0] = clock
      .slice(1)
      .map((time) => time.split(':').reduce((sum, each) => sum * 60 + Number(each), 0))
    return max > 0 && value <= max ? { value, max } : null
  }
  const match = /(\d[\d,. ]*) of (\d[\d,. ]*)/.exec(text)
  if (match === null) return null
  const [value, max] = [match[1], match[2]].map((digits) => Number((digits ?? '').replace(/\D/g, '')))
  return value !== undefined && max !== undefined && max > 0 && value <= max ? { value, max } : null
}

/** The first letters of the first and the last word of a name. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '')
  return letters.join('').toUpperCase() || '?'
}

/** An answer as a screen reader reads it: without Markdown. */
export function plainText(markdown: string, limit: number): string {
  const text = markdown
    .replace(/```[^\n]*\n[\s\S]*?(```|$)/g, ` ${pageWording.message.code} `)
    .replace(/\[(\d+)\]/g, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[*_`#>|~]+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return text.length <= limit ? text : `${text.slice(0, text.lastIndexOf(' ', limit))} …`
}
