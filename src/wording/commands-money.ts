/** Answers and refusals of the commands about money: budgets, API keys, usage, and why an answer cost what it did. */

import { escapeMarkdown } from '../core/markdown/escape.ts'
import { formatUsd, type NanoUsd } from '../core/money.ts'
import type { Period } from '../core/window.ts'
import { bulleted, capitalized, code, listed, many, seconds } from './phrases.ts'

const adjective: Record<Period, string> = { day: 'daily', week: 'weekly', month: 'monthly' }
const current: Record<Period, string> = { day: 'today', week: 'this week', month: 'this month' }

interface Spending {
  amount: NanoUsd
  period: Period
  extra: NanoUsd
  spent: NanoUsd
  reserved: NanoUsd
  left: NanoUsd
}

interface Booked {
  id: string
  cost: NanoUsd
  estimated: boolean
}

export const budgetWording = {
  none: 'No budgets are set. Set one with `/parley budget set 100 month for workspace`.',
  noneForYou: 'No budget is set for you. Admins and managers see the budgets that they manage.',
  listAll: '`/parley budget list` in that channel',
  /** `$20.00 a month`. */
  rate: (amount: NanoUsd, period: Period) => `${formatUsd(amount)} a ${period}`,
  line: (who: string, budget: Spending, resets: string) => {
    const { amount, period, extra } = budget
    const granted = extra === 0n ? '' : ` plus ${formatUsd(extra)} granted`
    return `${capitalized(who)}: ${budgetWording.rate(amount, period)}${granted}. ${budgetWording.left(budget, resets)}`
  },
  left: ({ spent, reserved, left }: Pick<Spending, 'spent' | 'reserved' | 'left'>, resets: string) => {
    const held = reserved === 0n ? '' : `, ${formatUsd(reserved)} reserved for answers in progress`
    return `Spent ${formatUsd(spent)}${held}, ${formatUsd(left < 0n ? 0n : left)} left; resets on ${resets}`
  },
  set: (who: string, budget: Spending, before: NanoUsd | null, resets: string) =>
    `${capitalized(who)}: ${budgetWording.rate(budget.amount, budget.period)}${before === null ? '' : ` (was ${formatUsd(before)})`}. ${budgetWording.left(budget, resets)}`,
  removed: (who: string, period: Period, amount: NanoUsd) =>
    `Removed the ${adjective[period]} budget for ${who} (${formatUsd(amount)}).`,
  missing: (who: string, period: Period) =>
    `There is no ${adjective[period]} budget for ${who}. \`/parley budget list\` lists all budgets.`,
  granted: (who: string, amount: NanoUsd, budget: Spending, resets: string) =>
    `Added ${formatUsd(amount)} to the ${adjective[budget.period]} budget for ${who}, only for ${current[budget.period]}. ${budgetWording.left(budget, resets)}`,
  changeOfKeys: 'change the budgets of API keys',
  seeBookings: 'see bookings',
  correctBookings: 'correct bookings',
  noBookings: 'No paid calls in the last 31 days.',
  /** `model`: a `modelName`, here and below. `whose`: a `scopeName`. */
  booking: (of: Booked, model: string, whose: string, time: string) =>
    `${code(of.id.slice(0, 8))}: ${formatUsd(of.cost)}${of.estimated ? ' (estimated)' : ''}, ${model}, ${time}, for ${whose}`,
  noBooking: (id: string) => `There is no booking ${code(id)}. \`/parley budget bookings\` lists them.`,
  severalBookings: (id: string) => `Several bookings begin with ${code(id)}. Type more of the id.`,
  corrected: (of: Booked, model: string, amount: NanoUsd) =>
    `${code(of.id.slice(0, 8))} (${model}) is now booked at ${formatUsd(amount)} (was ${formatUsd(of.cost)}), in all of its budgets.`,
  grantNothing: 'Grant more than $0. For example: `/parley budget grant 5 month for channel`',
}

export const keyWording = {
  manage: 'manage API keys',
  line: (
    key: { name: string; id: string; owner?: string | undefined; createdBy: string; created: string },
    status: string,
  ) =>
    `${code(key.name)} (${key.id})${key.owner === undefined ? '' : ` of ${key.owner}`}: created by ${key.createdBy} on ${key.created}, ${status}`,
  ends: (time: string, ended: boolean) => (ended ? `ended on ${time}` : `ends on ${time}`),
  mayDo: (scopes: readonly string[]) => `may do: ${scopes.join(', ')}`,
  daysWanted: 'a time from 1d to 2y, such as 30d, 8w, 6m or 1y',
  scopesWanted: (scopes: readonly string[]) => `some of ${scopes.join(', ')}, separated by commas`,
  personNeeded:
    'Only people with an account of Parley have API keys of their own. Sign in on the page, or type `/parley link`, and try again.',
  adminNeedsOwner: 'A key with the scope `admin` acts as its owner. Add `--mine` to make it yours.',
  neverUsed: 'never used',
  lastUsed: (time: string) => `last used on ${time}`,
  revokedOn: (time: string) => `revoked on ${time}`,
  none: 'There are no API keys. Create one with `/parley keys create website 20 month`.',
  notOneWord: (typed: string) => `The name of a key is one word, such as \`website\`, not ${code(typed)}.`,
  taken: (name: string) => `There is already a key named ${code(name)}. Choose another name, or revoke that key first.`,
  created: (
    name: string,
    amount: NanoUsd,
    period: Period,
    { mine = false, until }: { mine?: boolean; until?: string | undefined } = {},
  ) =>
    `${mine ? 'Your' : 'The'} key ${code(name)} can spend ${budgetWording.rate(amount, period)}${until === undefined ? '' : ` until ${until}`}.`,
  secret: (secret: string) =>
    ` Copy it now, because it is not shown again:\n\n\`${secret}\`\n\nEnter it as the API key of an OpenAI client, with Parley's address and \`/v1\` as the base URL.`,
  shownOnce: ' Parley shows a key only once, when it is created. If you lost it, revoke it and create another one.',
  unknown: (name: string) => `There is no active key named ${code(name)}. \`/parley keys list\` lists all keys.`,
  revoked: (name: string) => `Revoked the key ${code(name)}. \`/parley usage\` still counts what it spent.`,
}

interface Times {
  median: number | null
  p95: number | null
}

export interface UsageFigures {
  done: number
  failed: number
  stopped: number
  calls: number
  cost: NanoUsd
  estimated: NanoUsd
  inputTokens: bigint
  outputTokens: bigint
  total: Times
  firstText: Times
  good: number
  bad: number
}

const shortSeconds = (ms: number) => seconds(ms, ms < 10_000 ? 1 : 0)
const percent = (part: number, whole: number) => (whole === 0 ? 'none' : `${Math.floor((100 * part) / whole)}%`)
const times = ({ median, p95 }: Times) =>
  `usually ${shortSeconds(median ?? 0)}, seldom more than ${shortSeconds(p95 ?? 0)}`
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const ratings = ({ good, bad }: UsageFigures) =>
  good + bad === 0 ? [] : [`${good} of ${many(good + bad, 'rating')} positive`]

export const usageWording = {
  notOf:
    'Usage is counted for everyone, a workspace, a channel or a person. For a model, type `/parley usage by model`.',
  spans: {
    today: 'today',
    yesterday: 'yesterday',
    week: 'this week',
    month: 'this month',
    'last-month': 'last month',
    '30d': 'last 30 days',
  },
  title: (span: string, who: string | null) => `Usage: ${span}${who === null ? '' : `, ${who}`}`,
  nothing: (title: string) => `${title}. No questions were asked.`,
  answer: (title: string, lines: string[]) => `**${title}**\n\n${bulleted(lines, 'add `--csv` to get all of them')}`,
  cost: (cost: NanoUsd) => `**${formatUsd(cost)}**`,
  summary: (figures: UsageFigures, projected: NanoUsd | null): string[] => {
    const { done, failed, stopped, cost, estimated, inputTokens, outputTokens, total, firstText } = figures
    return [
      `Cost: ${usageWording.cost(cost)}${estimated === 0n ? '' : `, ${formatUsd(estimated)} of it estimated`}${projected === null || cost === 0n ? '' : `; at this pace ${formatUsd(projected)} in total`}`,
      `${usageWording.questions(done + failed + stopped)}: ${percent(done, done + failed)} answered${failed === 0 ? '' : `, ${failed} failed`}${stopped === 0 ? '' : `, ${stopped} stopped`}`,
      `Tokens: ${usageWording.tokens(inputTokens, outputTokens)}`,
      ...(total.median === null ? [] : [usageWording.fullAnswer(total)]),
      ...(firstText.median === null ? [] : [usageWording.firstWords(firstText)]),
      ...ratings(figures),
    ]
  },
  questions: (count: number) => many(count, 'question'),
  tokens: (input: bigint, output: bigint) => `${compact.format(input)} in, ${compact.format(output)} out`,
  fullAnswer: (total: Times) => `Full answer: ${times(total)}`,
  firstWords: (first: Times) => `First words: ${times(first)}`,
  row: (name: string, figures: UsageFigures) => {
    const { done, failed, stopped, calls, cost, inputTokens, outputTokens, total, firstText } = figures
    const questions = done + failed + stopped
    return `${name}: ${[
      usageWording.cost(cost),
      questions === 0 ? many(calls, 'call') : usageWording.questions(questions),
      ...(done + failed === 0 ? [] : [`${percent(done, done + failed)} answered`]),
      usageWording.tokens(inputTokens, outputTokens),
      ...(total.median === null ? [] : [`full answer ${shortSeconds(total.median)}`]),
      ...(firstText.median === null ? [] : [`first words ${shortSeconds(firstText.median)}`]),
      ...ratings(figures),
    ].join(', ')}`
  },
  noModel: 'No model',
  page: 'The page and the terminal',
  personElsewhere: (name: string, platform: string, workspaceId: string) => `${name} (${platform}/${workspaceId})`,
  chart: {
    costOverTime: (bucket: 'hour' | 'day', span: string, cost: NanoUsd) =>
      `Cost per ${bucket}, ${span}: ${formatUsd(cost)}`,
    questionsOverTime: (bucket: 'hour' | 'day', span: string) => `Questions per ${bucket}, ${span}`,
    costBy: (by: string, span: string) => `Cost by ${by}, ${span}`,
    questionsBy: (by: string, span: string) => `Questions by ${by}, ${span}`,
    others: (count: number) => many(count, 'other'),
    /** What the picture shows, for people who do not see it. */
    alt: (title: string, points: { label: string; value: string }[]) =>
      `${title}. ${points.map(({ label, value }) => `${label}: ${value}`).join(', ')}`,
  },
}

/** Of a model's thoughts; the rest would push everything else out of the message. */
const mostThoughts = 1_200

export const whyWording = {
  /** As a code block, in which nothing mentions anybody or is a link. */
  thoughts: (thoughts: string) => {
    const inert = thoughts.replaceAll('```', "'''")
    const shown = inert.length > mostThoughts ? `${inert.slice(0, mostThoughts)}…` : inert
    return `**Thoughts of the model**\n\`\`\`\n${shown}\n\`\`\``
  },
  nothingYet: 'There is no answer here yet. Ask a question first.',
  gone: 'This answer is no longer stored. Please ask the question again.',
  stillRunning: 'This answer is still being written. Ask again when it is finished.',
  model: (model: string) => `Answered by ${code(model)}.`,
  failedCall: (model: string) => `${code(model)} failed`,
  attempts: (count: number) => `Took ${many(count, 'attempt')}`,
  attachment: (name: string, summary: string) => `${code(name)}: ${summary}`,
  sent: (summary: string) => `Sent to the model: ${summary}`,
  noCost: 'Cost: unknown, because the model has no price',
  query: (engine: string, query: string, found: number, problem: string | undefined) =>
    `Searched ${engine} for ${code(query)}: ${problem ?? (found === 1 ? '1 page found' : `${found} pages found`)}`,
  page: ({
    title,
    address,
    outcome,
    problem,
  }: {
    title: string
    address: string
    outcome: string
    problem?: string | undefined
  }) => {
    const what =
      outcome === 'used'
        ? 'read'
        : outcome === 'unused'
          ? 'read, but nothing in it fits the question'
          : `not read. ${problem ?? ''}`
    return `[${escapeMarkdown(title)}](<${address}>): ${what.trim()}`
  },
  sharedFile: ({ title, where, outcome }: { title: string; where: string; outcome: string }) =>
    `${code(title)} (${escapeMarkdown(where)}): ${outcome === 'used' ? 'given to the model' : 'found, but there was no room for it'}`,
  searchedPlaces: (names: string[], more: boolean) =>
    `Files shared earlier are searched in ${listed([...names.map(escapeMarkdown), ...(more ? ['others'] : [])])}`,
  cost: (cost: NanoUsd, parts: { kind: string; cost: NanoUsd }[]) =>
    `Cost: ${[formatUsd(cost), ...parts.map((part) => `${formatUsd(part.cost)} for ${part.kind}`)].join(', ')}`,
  tokens: (
    { input, output, cacheRead, reasoning }: { input: number; output: number; cacheRead: number; reasoning: number },
    estimated: boolean,
  ) => {
    const cached = cacheRead === 0 ? '' : ` (${cacheRead.toLocaleString('en')} cached)`
    const thought = reasoning === 0 ? '' : ` (${reasoning.toLocaleString('en')} for reasoning)`
    return `Tokens: ${input.toLocaleString('en')} in${cached}, ${output.toLocaleString('en')} out${thought}${estimated ? ', estimated' : ''}`
  },
  time: ({ total, firstText, queued }: { total: number; firstText: number | null; queued: number }) =>
    `Time: ${seconds(total)} total${firstText === null ? '' : `, first words after ${seconds(firstText)}`}, ${seconds(queued)} in the queue`,
}
