/** Shows a spreadsheet number by its format: a date, a time, a percentage or a plain number. */

/** Excel counts days from 1899-12-30 (so that its wrong leap year 1900 does no harm later), or from 1904-01-01. */
const epoch1900 = Date.UTC(1899, 11, 30)
const epoch1904 = Date.UTC(1904, 0, 1)
const dayMs = 86_400_000

export type NumberKind = 'number' | 'date' | 'time' | 'datetime' | 'duration' | 'percent'

/** The built-in formats, which a file does not spell out (ECMA-376, 18.8.30). */
export function builtinKind(id: number): NumberKind {
  if (id === 9 || id === 10) return 'percent'
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)) return 'date'
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id === 45 || id === 47) return 'time'
  if (id === 22) return 'datetime'
  if (id === 46) return 'duration'
  return 'number'
}

export function kindOfFormat(code: string): NumberKind {
  const first = code.split(';')[0] ?? ''
  if (/\[(?:h+|m+|s+)\]/i.test(first)) return 'duration'
  // Quoted text, escaped characters, colors and currencies are not part of the pattern.
  const pattern = first.replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '').toLowerCase()
  if (/general|standard/.test(pattern)) return 'number'
  if (pattern.includes('%')) return 'percent'
  const day = /[yd]|m(?!.*[hs]).*/.test(pattern.replace(/am\/pm|a\/p/g, '')) && /[ydm]/.test(pattern)
  const time = /[hs]/.test(pattern)
  if (day && time && /[yd]/.test(pattern)) return 'datetime'
  if (time) return 'time'
  return day ? 'date' : 'number'
}

export function showNumber(raw: string, kind: NumberKind, since1904: boolean): string {
  const value = Number(raw)
  if (raw.trim() === '' || !Number.isFinite(value)) return raw
  if (kind === 'percent') return `${plain(value * 100)}%`
  if (kind === 'number') return plain(value)
  if (kind === 'duration') return clock(value, true)
  if (kind === 'time' && value >= 0 && value < 1) return clock(value, false)
  const ms = Math.round(((since1904 ? epoch1904 : epoch1900) + value * dayMs) / 1000) * 1000
  const at = new Date(ms)
  if (value < 0 || Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999) return plain(value)
  const [date = '', time = ''] = at.toISOString().split('T')
  const whole = time.startsWith('00:00:00')
  return kind === 'date' && whole
    ? date
    : kind === 'datetime' || !whole
      ? `${date} ${time.slice(0, 8).replace(/:00$/, '')}`
      : date
}

/** As many digits as a spreadsheet keeps: 0.1 + 0.2 is 0.3. */
function plain(value: number): string {
  return String(Number(value.toPrecision(15)))
}

function clock(days: number, long: boolean): string {
  const seconds = Math.round(Math.abs(days) * 86_400)
  const hours = Math.floor(seconds / 3600)
  const two = (value: number) => String(value).padStart(2, '0')
  const shown = `${long ? hours : two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return days < 0 ? `-${shown}` : shown.replace(long ? /$^/ : /:00$/, '')
}
