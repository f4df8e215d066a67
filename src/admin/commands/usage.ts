/** Questions, costs and times: `usage`, with a chart. */
import type { OutgoingFile } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd, formatUsd, type NanoUsd } from '../../core/money.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { type Scope, scopeOf } from '../../core/scope.ts'
import { csvCell } from '../../core/text/csv.ts'
import { windowOf } from '../../core/window.ts'
import { everyThread, type Usage, type UsagePoint, type UsageRow, type UsageWithin } from '../../store/usage.ts'
import { modelName, scopeName, scopeWording } from '../../wording/commands.ts'
import { usageWording } from '../../wording/commands-money.ts'
import type { Chart } from '../chart.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import type { Grants } from '../grants.ts'
import { demand, type Place, scopeOfPlace, widest } from '../place.ts'

export const spans = ['today', 'yesterday', 'week', 'month', 'last-month', '30d'] as const
export type Span = (typeof spans)[number]

export interface SpanWindow {
  from: Date
  to: Date
  bucket: 'hour' | 'day'
  /** `this month`. */
  name: string
}

export interface UsageDeps extends ZoneDeps {
  usage: Usage
  /** Draws a PNG. */
  draw(chart: Chart): Promise<Uint8Array>
  now?: () => Date
}

const shownBars = 8
const wording = usageWording.chart

export function usageCommands(deps: UsageDeps): Command[] {
  const { usage, draw, now = () => new Date() } = deps
  return [
    define({
      name: 'usage',
      summary: 'Shows questions, costs and times, with a chart',
      role: 'member',
      args: {
        by: arg.optional(arg.choice('How to split it', ['user', 'channel', 'model'])),
        period: arg.optional(arg.choice('Which period', spans)),
        for: arg.optional(arg.place('Whose usage; by default, everything you can see')),
        csv: arg.flag('Adds a CSV file'),
        json: arg.flag('Adds a JSON file'),
      },
      examples: [
        'usage',
        'usage by model',
        'usage by user month',
        'usage week for channel',
        'usage by channel 30d --csv',
      ],
      async run({ by, period: span = 'month', for: place, csv, json }, caller) {
        const { spender, grants, names } = caller
        const timeZone = await timeZoneFor(deps, spender)
        const scope = await scopeOfPlace(place ?? whatTheySee(grants), caller)
        if (!grants.amounts) demand(caller, scope, { own: true })
        const within = withinOf(scope)
        if (within === undefined) throw new ParleyError('command_invalid', usageWording.notOf)
        const window = windowOfSpan(span, timeZone, now())
        const filter = { within, from: window.from, to: window.to }
        const [all, rows, points] = await Promise.all([
          usage.rows(filter),
          by === undefined ? [] : usage.rows({ ...filter, by }),
          by === undefined ? usage.series({ ...filter, bucket: window.bucket, timeZone }) : [],
        ])
        const title = usageWording.title(window.name, scope === 'all' ? null : scopeName(scope, spender, names))
        const sum = all[0]
        if (sum === undefined || sum.done + sum.failed + sum.stopped + sum.calls === 0)
          return { text: usageWording.nothing(title) }
        const name = (row: UsageRow) => (by === undefined ? '' : labelOf(by, row, caller))
        const file = { window, timeZone, by: by ?? 'all', rows: by === undefined ? all : rows }
        const chart = by === undefined ? overTime(points, sum, window, timeZone) : byName(rows, by, window, caller)
        const files: OutgoingFile[] = [
          ...(chart === null ? [] : [await picture(chart)]),
          ...(csv ? [usageCsv(file)] : []),
          ...(json ? [usageJson(file)] : []),
        ]
        const lines =
          by === undefined
            ? usageWording.summary(sum, projected(sum.cost, window, now()))
            : rows.map((row) => usageWording.row(name(row), row))
        return { text: usageWording.answer(title, lines), files }
      },
    }),
  ]

  async function picture(chart: Chart): Promise<OutgoingFile> {
    const points = chart.points.map(({ label, value }) => ({ label, value: chart.format(value) }))
    const alt = usageWording.chart.alt(chart.title, points)
    return { name: 'usage.png', mediaType: 'image/png', data: await draw(chart), alt: alt.slice(0, 1000) }
  }
}

function whatTheySee(grants: Grants): Place {
  if (grants.amounts) return { kind: 'all' }
  return grants.channel ? widest(grants) : { kind: 'me' }
}

/** Reads the ids of a workspace, a channel, an account or a person from their scope; `undefined` for others. */
function withinOf(scope: Scope): UsageWithin | undefined {
  if (scope === 'all') return {}
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const [platform = '', workspaceId = '', third] = rest.split('/').map(decodeURIComponent)
  if (kind === 'person') return { personId: platform }
  if (kind !== 'workspace' && kind !== 'channel' && kind !== 'user') return undefined
  const [userId, channelId] = kind === 'user' ? [third, undefined] : [undefined, third]
  return omitUndefined({ platform, workspaceId, userId, channelId })
}

function labelOf(
  by: 'user' | 'channel' | 'model',
  { key, name }: UsageRow,
  { spender, names }: Pick<Caller, 'spender' | 'names'>,
): string {
  if (key === null || key === '') return usageWording.noModel
  if (by === 'model') {
    const [provider = '', model = ''] = key.split(/\/(.*)/s)
    return modelName(provider, model, names)
  }
  const [platform = '', workspaceId = '', id = ''] = key.split('/').map(decodeURIComponent)
  if (by === 'channel' && id === everyThread) return usageWording.page
  const place = { platform, workspaceId }
  if (by === 'channel') return scopeName(scopeOf.channel({ ...place, channelId: id }), spender, names)
  const where = scopeName(scopeOf.user({ ...place, userId: id }), spender, names)
  // A mention already shows the name.
  return name === null || where === scopeWording.you || where.startsWith('<@') || hasNames(platform)
    ? where
    : usageWording.personElsewhere(name, platform, workspaceId)
}

/** Keys and the people of the page have names of their own. */
const hasNames = (platform: string) => platform === 'api' || platform === 'console'

/** Sums of money are exact; only the height of a column is rounded. */
function overTime(points: UsagePoint[], sum: UsageRow, { bucket, name }: SpanWindow, timeZone: string): Chart {
  const form =
    bucket === 'hour' ? ({ hour: '2-digit', hourCycle: 'h23' } as const) : ({ day: 'numeric', month: 'short' } as const)
  const label = new Intl.DateTimeFormat('en-GB', { timeZone, ...form })
  const paid = sum.cost > 0n
  return {
    kind: 'columns',
    title: paid ? wording.costOverTime(bucket, name, sum.cost) : wording.questionsOverTime(bucket, name),
    format: paid ? (value) => formatUsd(BigInt(Math.round(value))) : (value) => String(value),
    points: points.map(({ at, cost, questions }) => ({
      label: label.format(at),
      value: paid ? Number(cost) : questions,
    })),
  }
}

function byName(
  rows: UsageRow[],
  by: 'user' | 'channel' | 'model',
  { name }: SpanWindow,
  caller: Pick<Caller, 'spender' | 'names'>,
): Chart | null {
  if (rows.length === 0) return null
  const paid = rows.some(({ cost }) => cost > 0n)
  const value = (row: UsageRow) => (paid ? Number(row.cost) : row.done + row.failed + row.stopped)
  const plain = (row: UsageRow) => row.name ?? labelOf(by, row, caller).replaceAll(/[`<>@#]/g, '')
  const sorted = rows.toSorted((a, b) => value(b) - value(a))
  const rest = sorted.slice(shownBars).reduce((sum, row) => sum + value(row), 0)
  return {
    kind: 'bars',
    title: paid ? wording.costBy(by, name) : wording.questionsBy(by, name),
    format: paid ? (each) => formatUsd(BigInt(Math.round(each))) : (each) => String(each),
    points: [
      ...sorted.slice(0, shownBars).map((row) => ({ label: plain(row), value: value(row) })),
      ...(sorted.length > shownBars ? [{ label: wording.others(sorted.length - shownBars), value: rest }] : []),
    ],
  }
}

const dayMs = 86_400_000

export function windowOfSpan(span: Span, timeZone: string, now: Date): SpanWindow {
  const until = (period: 'day' | 'week' | 'month') => {
    const { startsAt, endsAt } = windowOf(period, timeZone, now)
    return { from: startsAt, to: endsAt }
  }
  const before = (period: 'day' | 'month') => {
    const { startsAt } = windowOf(period, timeZone, now)
    const earlier = windowOf(period, timeZone, new Date(startsAt.getTime() - 1))
    return { from: earlier.startsAt, to: startsAt }
  }
  switch (span) {
    case 'today':
      return { ...until('day'), bucket: 'hour', name: usageWording.spans.today }
    case 'yesterday':
      return { ...before('day'), bucket: 'hour', name: usageWording.spans.yesterday }
    case 'week':
      return { ...until('week'), bucket: 'day', name: usageWording.spans.week }
    case 'month':
      return { ...until('month'), bucket: 'day', name: usageWording.spans.month }
    case 'last-month':
      return { ...before('month'), bucket: 'day', name: usageWording.spans['last-month'] }
    case '30d': {
      const { endsAt } = windowOf('day', timeZone, now)
      const first = windowOf('day', timeZone, new Date(now.getTime() - 29 * dayMs))
      return { from: first.startsAt, to: endsAt, bucket: 'day', name: usageWording.spans['30d'] }
    }
  }
}

/** The cost of the whole window at the present pace. `null` before a tenth of it has passed, because that would be a guess. */
export function projected(spent: NanoUsd, { from, to }: Pick<SpanWindow, 'from' | 'to'>, now: Date): NanoUsd | null {
  const [whole, passed] = [to.getTime() - from.getTime(), now.getTime() - from.getTime()]
  if (passed < whole / 10 || passed >= whole) return null
  return (spent * BigInt(whole)) / BigInt(passed)
}

interface UsageExport {
  window: Pick<SpanWindow, 'from' | 'to'>
  timeZone: string
  by: string
  rows: readonly UsageRow[]
}

function exportedRow({ window, by }: UsageExport, row: UsageRow) {
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    by,
    key: row.key ?? 'all',
    name: row.name ?? '',
    done: row.done,
    failed: row.failed,
    stopped: row.stopped,
    calls: row.calls,
    callsAnswered: row.answered,
    costUsd: decimalUsd(row.cost),
    estimatedUsd: decimalUsd(row.estimated),
    inputTokens: row.inputTokens.toString(),
    outputTokens: row.outputTokens.toString(),
    totalMsMedian: row.total.median,
    totalMsP95: row.total.p95,
    firstTextMsMedian: row.firstText.median,
    firstTextMsP95: row.firstText.p95,
    firstTokenMsMedian: row.firstToken.median,
    firstTokenMsP95: row.firstToken.p95,
    good: row.good,
    bad: row.bad,
  }
}

function usageJson(usage: UsageExport): OutgoingFile {
  const { window, timeZone, by } = usage
  const rows = usage.rows.map((row) => {
    const { from: _from, to: _to, by: _by, ...rest } = exportedRow(usage, row)
    return rest
  })
  const body = { from: window.from, to: window.to, timeZone, by, rows }
  const data = new TextEncoder().encode(`${JSON.stringify(body, null, 2)}\n`)
  return { name: 'usage.json', mediaType: 'application/json', data }
}

function usageCsv(usage: UsageExport): OutgoingFile {
  const exported = usage.rows.map((row) => exportedRow(usage, row))
  const names = Object.keys(exportedRow(usage, emptyRow))
  const lines = [names.join(','), ...exported.map((each) => Object.values(each).map(cell).join(','))]
  return { name: 'usage.csv', mediaType: 'text/csv', data: new TextEncoder().encode(`${lines.join('\r\n')}\r\n`) }
}

function cell(value: string | number | null): string {
  return typeof value === 'number' ? String(Math.round(value)) : csvCell(value ?? '')
}

const noTimes = { median: null, p95: null }
const emptyRow: UsageRow = {
  key: null,
  name: null,
  done: 0,
  failed: 0,
  stopped: 0,
  calls: 0,
  answered: 0,
  cost: 0n,
  estimated: 0n,
  inputTokens: 0n,
  outputTokens: 0n,
  total: noTimes,
  firstText: noTimes,
  firstToken: noTimes,
  good: 0,
  bad: 0,
}
