import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { silentLog } from './log.ts'
import { isTimeZone, localDay, localTime, type Period, periods, windowOf } from './window.ts'

const hour = 3_600_000
const window = (period: Period, zone: string, at: string) => {
  const { startsAt, endsAt } = windowOf(period, zone, new Date(at))
  return [startsAt.toISOString(), endsAt.toISOString()]
}
const hours = (period: Period, zone: string, at: string) => {
  const { startsAt, endsAt } = windowOf(period, zone, new Date(at))
  return (endsAt.getTime() - startsAt.getTime()) / hour
}

describe('windows of budgets', () => {
  it('a day begins at local midnight', () => {
    expect(window('day', 'Europe/Berlin', '2026-07-01T12:00:00Z')).toEqual([
      '2026-06-30T22:00:00.000Z',
      '2026-07-01T22:00:00.000Z',
    ])
    expect(window('day', 'America/New_York', '2026-01-01T04:59:59.999Z')).toEqual([
      '2025-12-31T05:00:00.000Z',
      '2026-01-01T05:00:00.000Z',
    ])
  })

  it('its first moment belongs to it and the next window’s does not', () => {
    const [starts = '', ends = ''] = window('day', 'Asia/Kolkata', '2026-05-05T00:00:00Z')
    expect(window('day', 'Asia/Kolkata', starts)).toEqual([starts, ends])
    expect(window('day', 'Asia/Kolkata', ends)[0]).toBe(ends)
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00:00Z', 23, 'north, into summer'],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', 25, 'north, out of it'],
    ['America/New_York', '2026-03-08T12:00:00Z', 23, 'north, into summer'],
    ['America/New_York', '2026-11-01T12:00:00Z', 25, 'north, out of it'],
    ['Australia/Sydney', '2026-10-04T03:00:00Z', 23, 'south, into summer'],
    ['Australia/Sydney', '2026-04-05T03:00:00Z', 25, 'south, out of it'],
    ['Australia/Lord_Howe', '2026-10-04T03:00:00Z', 23.5, 'a change of half an hour'],
    ['Asia/Tokyo', '2026-03-29T12:00:00Z', 24, 'no change at all'],
  ])('%s, the day of %s has %f hours: %s', (zone, at, expected) => {
    expect(hours('day', zone, at)).toBe(expected)
  })

  it('where midnight does not exist, the day begins when the clocks jump', () => {
    // Chile: 24:00 on 5 September 2026 becomes 01:00.
    expect(window('day', 'America/Santiago', '2026-09-06T12:00:00Z')).toEqual([
      '2026-09-06T04:00:00.000Z',
      '2026-09-07T03:00:00.000Z',
    ])
    // Egypt: Friday 24 April 2026, 00:00 becomes 01:00.
    expect(window('day', 'Africa/Cairo', '2026-04-24T12:00:00Z')[0]).toBe('2026-04-23T22:00:00.000Z')
  })

  it('where midnight comes twice, the first one counts, and nothing resets again at the second', () => {
    // Cuba: Sunday 1 November 2026, 01:00 becomes 00:00.
    const first = '2026-11-01T04:00:00.000Z'
    expect(window('day', 'America/Havana', '2026-11-01T04:30:00Z')[0]).toBe(first)
    expect(window('day', 'America/Havana', '2026-11-01T05:30:00Z')[0]).toBe(first)
    expect(hours('day', 'America/Havana', '2026-11-01T12:00:00Z')).toBe(25)
  })

  it('a date that a zone left out has no moment of its own', () => {
    // Samoa went from 29 to 31 December 2011.
    expect(window('day', 'Pacific/Apia', '2011-12-30T10:00:00Z')).toEqual([
      '2011-12-30T10:00:00.000Z',
      '2011-12-31T10:00:00.000Z',
    ])
    expect(window('day', 'Pacific/Apia', '2011-12-30T09:59:59Z')[1]).toBe('2011-12-30T10:00:00.000Z')
  })

  it('a week begins on Monday, a month on its first, with the hours that the clocks give them', () => {
    expect(window('week', 'Europe/Berlin', '2026-03-29T12:00:00Z')).toEqual([
      '2026-03-22T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
    ])
    expect(hours('month', 'Europe/Berlin', '2026-03-15T12:00:00Z')).toBe(31 * 24 - 1)
    expect(window('month', 'Australia/Sydney', '2026-10-15T00:00:00Z')).toEqual([
      '2026-09-30T14:00:00.000Z',
      '2026-10-31T13:00:00.000Z',
    ])
    expect(window('month', 'UTC', '2028-02-29T23:59:59.999Z')[1]).toBe('2028-03-01T00:00:00.000Z')
  })

  it('the zone’s date decides, not UTC’s', () => {
    expect(window('month', 'Pacific/Kiritimati', '2026-01-31T10:00:00Z')[0]).toBe('2026-01-31T10:00:00.000Z')
    expect(window('month', 'Pacific/Pago_Pago', '2026-02-01T10:59:00Z')[0]).toBe('2026-01-01T11:00:00.000Z')
  })

  it('knows zones by their IANA names alone', () => {
    for (const name of ['Europe/Berlin', 'America/Argentina/Buenos_Aires', 'UTC', 'Etc/GMT+5', 'Asia/Kolkata'])
      expect(isTimeZone(name), name).toBe(true)
    for (const name of ['Mars/Olympus', '', '+02:00', '-05:00', 'Berlin', 'Europe/Berlin; drop', '../etc', 'CEST+2'])
      expect(isTimeZone(name), name).toBe(false)
  })

  it('tells a moment in the local time of the zone', () => {
    expect(localDay(new Date('2026-11-21T23:00:00Z'), 'Europe/Berlin')).toBe('2026-11-22')
    expect(localDay(new Date('2026-11-21T23:00:00.9Z'), 'America/New_York')).toBe('2026-11-21')
    expect(localTime(new Date('2026-11-21T23:00:00Z'), 'Europe/Berlin')).toBe(
      'Sunday 22 November 2026 at 00:00 (Europe/Berlin)',
    )
  })
})

describe('the database and the program', () => {
  let server: TestServer
  let database: Database
  beforeAll(async () => {
    server = await startTestDatabase()
    database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  })
  afterAll(async () => {
    await database.close()
    await server.dispose()
  })

  it('cut time at the same moments, around every change of clocks of ten years', async () => {
    const zones = [
      ...['Europe/Berlin', 'Europe/London', 'America/New_York', 'America/Santiago', 'America/Havana', 'Africa/Cairo'],
      ...['Australia/Sydney', 'Australia/Lord_Howe', 'Asia/Beirut', 'America/St_Johns', 'Asia/Kathmandu', 'UTC'],
      ...['America/Asuncion', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Tehran', 'Africa/Casablanca'],
    ]
    const samples = zones.flatMap((zone) => changesOf(zone).map((at) => ({ zone, at })))
    expect(samples.length).toBeGreaterThan(1500)
    const { rows } = await database.pool.query<{ starts_at: Date; ends_at: Date }>(
      `select made.starts_at, made.ends_at
       from unnest($1::text[], $2::timestamptz[]) with ordinality as sample (zone, at, place)
       cross join unnest($3::text[]) with ordinality as period (name, place)
       cross join lateral budget_window_at(period.name, sample.zone, sample.at) made
       order by sample.place, period.place`,
      [samples.map(({ zone }) => zone), samples.map(({ at }) => at), periods],
    )
    const expected = samples.flatMap(({ zone, at }) =>
      periods.map((period) => ({ zone, at, period, ...windowOf(period, zone, at) })),
    )
    const differing = expected.filter(
      ({ startsAt, endsAt }, place) =>
        startsAt.getTime() !== rows[place]?.starts_at.getTime() || endsAt.getTime() !== rows[place]?.ends_at.getTime(),
    )
    expect(differing).toEqual([])
    for (const { at, startsAt, endsAt, zone } of expected)
      expect(startsAt <= at && at < endsAt, `${zone} ${at.toISOString()}`).toBe(true)
  })
})

/** Moments around each change of the clocks from 2006 to 2015, and through a few plain days. */
function changesOf(zone: string): Date[] {
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  const offset = (at: number) => clock.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value
  const found: Date[] = []
  const from = Date.UTC(2006, 0, 1)
  for (let day = from; day < Date.UTC(2016, 0, 1); day += 24 * hour) {
    if (offset(day) !== offset(day + 24 * hour))
      for (let at = day - 3 * hour; at <= day + 27 * hour; at += hour / 2) found.push(new Date(at + 1))
  }
  for (let at = from; at < from + 40 * 24 * hour; at += 7 * hour) found.push(new Date(at))
  return found
}
