/** Questions, costs and times: `usage`, with a chart. */
import type { OutgoingFile } from '../../core/command.ts'
import { formatUsd } from '../../core/money.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { type Scope, type Spender, scopeOf } from '../../core/scope.ts'
import type { Usage, UsagePoint, UsageRow, UsageWithin } from '../../store/usage.ts'
import { scopeName, scopeWording } from '../../wording/commands.ts'
import { usageWording } from '../../wording/commands-money.ts'
import { code } from '../../wording/phrases.ts'
import type { Chart } from '../chart.ts'
import { arg, type Command, define } from '../define.ts'
import { projected, type SpanWindow, spans, windowOfSpan } from '../period.ts'
import { demand, scopeOfPlace, widest } from '../place.ts'
import { timeZoneFor, type ZoneDeps } from '../time-zone.ts'
import { usageCsv, usageJson } from '../usage-files.ts'

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
      async run({ by, period: span = 'month', for: place, csv, json }, { spender, grants: membership }) {
        const timeZone = await timeZoneFor(deps, spender)
        const scope = await scopeOfPlace(place ?? (membership.channel ? widest(membership) : { kind: 'me' }), spender)
        demand(membership, scope, spender, { own: true })
        const window = windowOfSpan(span, timeZone, now())
        const filter = { within: withinOf(scope), from: window.from, to: window.to }
        const [all, rows, points] = await Promise.all([
          usage.rows(filter),
          by === undefined ? [] : usage.rows({ ...filter, by }),
          by === undefined ? usage.series({ ...filter, bucket: window.bucket, timeZone }) : [],
        ])
        const title = usageWording.title(window.name, scope === 'all' ? null : scopeName(scope, spender))
        const sum = all[0]
        if (sum === undefined || sum.done + sum.failed + sum.stopped + sum.calls === 0)
          return { text: usageWording.nothing(title) }
        const name = (row: UsageRow) => (by === undefined ? '' : labelOf(by, row, spender))
        const file = { window, timeZone, by: by ?? 'all', rows: by === undefined ? all : rows }
        const chart = by === undefined ? overTime(points, sum, window, timeZone) : byName(rows, by, window, spender)
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

/** Reads the ids of a workspace, a channel or a person from their scope. */
function withinOf(scope: Scope): UsageWithin {
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const [platform, workspaceId, third] = rest.split('/').map(decodeURIComponent)
  if (scope === 'all' || platform === undefined || workspaceId === undefined) return {}
  const [userId, channelId] = kind === 'user' ? [third, undefined] : [undefined, third]
  return omitUndefined({ platform, workspaceId, userId, channelId })
}

function labelOf(by: 'user' | 'channel' | 'model', { key, name }: UsageRow, spender: Spender): string {
  if (key === null || key === '') return usageWording.noModel
  if (by === 'model') return code(key)
  const [platform = '', workspaceId = '', id = ''] = key.split('/').map(decodeURIComponent)
  const place = { platform, workspaceId }
  if (by === 'channel') return scopeName(scopeOf.channel({ ...place, channelId: id }), spender)
  const where = scopeName(scopeOf.user({ ...place, userId: id }), spender)
  // A mention already shows the name.
  return name === null || where === scopeWording.you || where.startsWith('<@')
    ? where
    : usageWording.personElsewhere(name, platform, workspaceId)
}

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
  spender: Spender,
): Chart | null {
  if (rows.length === 0) return null
  const paid = rows.some(({ cost }) => cost > 0n)
  const value = (row: UsageRow) => (paid ? Number(row.cost) : row.done + row.failed + row.stopped)
  const plain = (row: UsageRow) => row.name ?? labelOf(by, row, spender).replaceAll(/[`<>@#]/g, '')
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
