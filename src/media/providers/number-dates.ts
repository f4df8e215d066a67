/** Numbers of spreadsheets without a format, and their dates and times, which are numbers of days. */

/** Excel counts days from 1899-12-30 (so that its wrong leap year 1900 does no harm later), or from 1904-01-01. */
const epoch1900 = Date.UTC(1899, 11, 30)
const epoch1904 = Date.UTC(1904, 0, 1)
const dayMs = 86_400_000
/** Days below it are durations of more than a day rather than dates. */
const firstYear = 366

export type DateKind = 'date' | 'time' | 'datetime' | 'duration'

/** What the letters of a format show; undefined without letters. `m` is a minute after an hour or before a second. */
export function dateKindOf(letters: readonly string[], elapsed: boolean): DateKind | undefined {
  if (letters.length === 0) return undefined
  if (elapsed) return 'duration'
  const time = letters.some((each) => /[hs]/.test(each))
  const day = letters.some((each) => /[ydbeg]/.test(each)) || (!time && letters.some((each) => each.startsWith('m')))
  const month = letters.some(
    (each, at) => /^m+$/.test(each) && !/[hs]/.test(letters[at - 1] ?? '') && !/s/.test(letters[at + 1] ?? ''),
  )
  if (time) return day || month ? 'datetime' : 'time'
  return 'date'
}

interface DateOptions {
  since1904: boolean
  /** What the format shows of them; seconds that are not zero are shown in any case. */
  seconds: 'none' | 'whole' | 'split'
}

export function showDate(value: number, kind: DateKind, { since1904, seconds }: DateOptions): string {
  const split = seconds === 'split'
  if (kind === 'duration') return clock(value, { split, digits: 1, always: seconds !== 'none' })
  if (kind === 'time' && value >= 0 && value < 1) return clock(value, { split })
  if (kind === 'time' && value >= 1 && value < firstYear)
    return `${clock(value, { split, digits: 1 })} (shown as ${clock(value % 1, { split, digits: 1 })})`
  if (value === 0) return '0'
  // Excel's calendar has a day too many, the 29th of February 1900.
  const early = !since1904 && value < 60 ? 1 : 0
  const unit = split ? 1 : 1000
  const ms = Math.round(((since1904 ? epoch1904 : epoch1900) + (value + early) * dayMs) / unit) * unit
  const at = new Date(ms)
  if (value < 0 || Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999) return plain(value)
  const [date = '', time = ''] = at.toISOString().split('T')
  const whole = time.startsWith('00:00:00.000')
  if (whole && kind !== 'datetime') return date
  const parts = time.slice(0, split ? 12 : 8).replace(/\.000$/, '')
  return `${date} ${parts.replace(/^(\d\d:\d\d):00$/, '$1')}`
}

/** `digits` of the hour at least. Seconds that are zero are left out unless they are wanted `always`. */
function clock(
  days: number,
  { split, digits = 2, always = false }: { split: boolean; digits?: number; always?: boolean },
): string {
  const unit = split ? 1 : 1000
  const ms = Math.round((Math.abs(days) * dayMs) / unit) * unit
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = ms % 1000 === 0 ? '' : `.${String(ms % 1000).padStart(3, '0')}`
  const seconds = Math.floor(ms / 1000) % 60
  const tail = seconds === 0 && rest === '' && !always ? '' : `:${two(seconds)}${rest}`
  const hours = String(Math.floor(ms / 3_600_000)).padStart(digits, '0')
  return `${days < 0 ? '-' : ''}${hours}:${two(Math.floor(ms / 60_000) % 60)}${tail}`
}

/** As many digits as a spreadsheet keeps: 0.1 + 0.2 is 0.3. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(15)))
}
