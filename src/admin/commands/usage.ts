/** What was asked, what it cost and how it went: `usage`, with a picture. */
import type { OutgoingFile } from '../../core/command.ts'
import { formatUsd, type NanoUsd } from '../../core/money.ts'
import { type Scope, type Spender, scopeOf } from '../../core/scope.ts'
import type { Times, Usage, UsagePoint, UsageRow, UsageWithin } from '../../store/usage.ts'
import type { Chart } from '../chart.ts'
import { arg, type Command, define } from '../define.ts'
import { projected, type SpanWindow, spans, windowOfSpan } from '../period.ts'
import { demand, nameOf, scopeOfPlace, widest } from '../place.ts'
import { bulleted, code, many } from '../text.ts'
import { timeZoneFor, type ZoneDeps } from '../time-zone.ts'
import { usageCsv, usageJson } from '../usage-files.ts'

export interface UsageDeps extends ZoneDeps {
  usage: Usage
  /** Draws a PNG. */
  draw(chart: Chart): Promise<Uint8Array>
  now?: () => Date
}

const shownBars = 8

export function usageCommands(deps: UsageDeps): Command[] {
  const { usage, draw, now = () => new Date() } = deps
  return [
    define({
      name: 'usage',
      summary: 'What was asked, what it cost and how it went',
      role: 'member',
      args: {
        by: arg.optional(arg.choice('Split by what', ['user', 'channel', 'model'])),
        period: arg.optional(arg.choice('When', spans)),
        for: arg.optional(arg.place('Whose; without it, all that you may see')),
        csv: arg.flag('As a CSV file too'),
        json: arg.flag('As a JSON file too'),
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
        const title = `Usage ${window.name}${scope === 'all' ? '' : `, ${nameOf(scope, spender)}`}`
        const sum = all[0]
        if (sum === undefined || sum.done + sum.failed + sum.stopped + sum.calls === 0)
          return { text: `${title}: nothing was asked.` }
        const name = (row: UsageRow) => (by === undefined ? '' : labelOf(by, row, spender))
        const file = { window, timeZone, by: by ?? 'all', rows: by === undefined ? all : rows }
        const chart = by === undefined ? overTime(points, sum, window, timeZone) : byName(rows, by, window, spender)
        const files: OutgoingFile[] = [
          ...(chart === null ? [] : [await picture(chart)]),
          ...(csv ? [usageCsv(file)] : []),
          ...(json ? [usageJson(file)] : []),
        ]
        const lines =
          by === undefined ? describe(sum, window, now()) : rows.map((row) => `${name(row)}: ${inBrief(row)}`)
        return { text: `**${title}**\n\n${bulleted(lines, '`--csv` has all of them')}`, files }
      },
    }),
  ]

  async function picture(chart: Chart): Promise<OutgoingFile> {
    const alt = `${chart.title}. ${chart.points.map(({ label, value }) => `${label}: ${chart.format(value)}`).join(', ')}`
    return { name: 'usage.png', mediaType: 'image/png', data: await draw(chart), alt: alt.slice(0, 1000) }
  }
}

/** Of a workspace, a channel or a person: their scopes name them. */
function withinOf(scope: Scope): UsageWithin {
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const [platform, workspaceId, third] = rest.split('/').map(decodeURIComponent)
  if (scope === 'all' || platform === undefined || workspaceId === undefined) return {}
  const one = third === undefined ? {} : kind === 'user' ? { userId: third } : { channelId: third }
  return { platform, workspaceId, ...one }
}

function describe(sum: UsageRow, window: SpanWindow, now: Date): string[] {
  const { done, failed, stopped, cost, estimated, inputTokens, outputTokens, total, firstText, good, bad } = sum
  const ended = done + failed
  const month = projected(cost, window, now)
  const rough = estimated === 0n ? '' : `, ${formatUsd(estimated)} of it estimated`
  return [
    `Cost: **${formatUsd(cost)}**${rough}${month === null || cost === 0n ? '' : `; at this pace ${formatUsd(month)} by the end`}`,
    `${many(done + failed + stopped, 'question')}: ${share(done, ended)} answered${failed === 0 ? '' : `, ${failed} failed`}${stopped === 0 ? '' : `, ${stopped} stopped`}`,
    `Tokens: ${count(inputTokens)} in, ${count(outputTokens)} out`,
    ...(total.median === null ? [] : [`Whole answer: ${times(total)}`]),
    ...(firstText.median === null ? [] : [`First words: ${times(firstText)}`]),
    ...(good + bad === 0 ? [] : [`Opinions: ${good} good, ${bad} bad`]),
  ]
}

function inBrief({
  done,
  failed,
  stopped,
  calls,
  cost,
  inputTokens,
  outputTokens,
  total,
  firstText,
  ...row
}: UsageRow): string {
  const questions = done + failed + stopped
  return [
    `**${formatUsd(cost)}**`,
    ...(questions === 0 ? [many(calls, 'call')] : [many(questions, 'question')]),
    ...(done + failed === 0 ? [] : [`${share(done, done + failed)} answered`]),
    `${count(inputTokens)} in, ${count(outputTokens)} out`,
    ...(total.median === null ? [] : [`${seconds(total.median)} an answer`]),
    ...(firstText.median === null ? [] : [`${seconds(firstText.median)} to the first words`]),
    ...(row.good + row.bad === 0 ? [] : [`${share(row.good, row.good + row.bad)} of opinions good`]),
  ].join(', ')
}

function labelOf(by: 'user' | 'channel' | 'model', { key, name }: UsageRow, spender: Spender): string {
  if (key === null || key === '') return 'No model'
  if (by === 'model') return code(key)
  const [platform = '', workspaceId = '', id = ''] = key.split('/').map(decodeURIComponent)
  const place = { platform, workspaceId }
  if (by === 'channel') return nameOf(scopeOf.channel({ ...place, channelId: id }), spender)
  const where = nameOf(scopeOf.user({ ...place, userId: id }), spender)
  // A mention shows the name by itself.
  return name === null || where === 'you' || where.startsWith('<@') ? where : `${name} (${platform}/${workspaceId})`
}

/** Money by its exact sum: only the height of a column is rounded. */
function overTime(points: UsagePoint[], sum: UsageRow, { bucket, name }: SpanWindow, timeZone: string): Chart {
  const form =
    bucket === 'hour' ? ({ hour: '2-digit', hourCycle: 'h23' } as const) : ({ day: 'numeric', month: 'short' } as const)
  const label = new Intl.DateTimeFormat('en-GB', { timeZone, ...form })
  const paid = sum.cost > 0n
  const unit = bucket === 'hour' ? 'an hour' : 'a day'
  return {
    kind: 'columns',
    title: paid ? `Cost ${unit}, ${name}: ${formatUsd(sum.cost)}` : `Questions ${unit}, ${name}`,
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
    title: `${paid ? 'Cost' : 'Questions'} by ${by}, ${name}`,
    format: paid ? (each) => formatUsd(BigInt(Math.round(each))) : (each) => String(each),
    points: [
      ...sorted.slice(0, shownBars).map((row) => ({ label: plain(row), value: value(row) })),
      ...(sorted.length > shownBars ? [{ label: `${sorted.length - shownBars} others`, value: rest }] : []),
    ],
  }
}

const share = (part: number, whole: number) => (whole === 0 ? 'none' : `${Math.floor((100 * part) / whole)} %`)
const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
const times = ({ median, p95 }: Times) =>
  `${seconds(median ?? 0)} half of the time, ${seconds(p95 ?? 0)} at most for 95 of 100`
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const count = (tokens: NanoUsd) => compact.format(tokens)
