import { expect, test } from 'vitest'
import { formatAge, formatBytes, formatDuration, plainText, progressOf } from './format.ts'

test('sizes are rounded to a readable number of digits', () => {
  expect([0, 999, 1_000, 1_540, 99_960, 31_000_000, 999_600_000].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1 KB',
    '1.5 KB',
    '100 KB',
    '31 MB',
    '1 GB',
  ])
})

test('durations and ages are short', () => {
  expect([400, 9_960, 59_400, 200_000, 120_000].map(formatDuration)).toEqual([
    '0.4 s',
    '10 s',
    '59 s',
    '3 min 20 s',
    '2 min',
  ])
  const now = Date.parse('2026-06-15T12:00:00Z')
  const age = (minutes: number) => formatAge(new Date(now - minutes * 60_000).toISOString(), now)
  expect([0, 5, 200, 1_500, 5_000].map(age)).toEqual(['now', '5 min', '3 h', 'yesterday', '3 days'])
})

test('"N of M" in a status is a fraction, other numbers are not', () => {
  expect(progressOf('Reading report.pdf, page 120 of 200')).toEqual({ value: 120, max: 200 })
  expect(progressOf('Reading 1,200 of 4,000 rows')).toEqual({ value: 1_200, max: 4_000 })
  expect(progressOf('Listening to voice.ogg, 2:10 of 6:00')).toEqual({ value: 130, max: 360 })
  expect(progressOf('Reading chapter 3')).toBeNull()
  expect(progressOf('Reading page 7 of 5')).toBeNull()
})

test('a screen reader hears words, not Markdown', () => {
  expect(plainText('## Hi **there** [1]\n\n```js\nlet a\n```\n[docs](https://x.y)', 200)).toBe('Hi there (code) docs')
})
