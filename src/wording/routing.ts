/** Sentences about the choice of a model: why this one, what rules out others, and what budgets refuse. */
import type { ConversationRef } from '../core/message.ts'
import { formatUsd, type NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import { localTime, type Period } from '../core/window.ts'
import { type ScopeNames, scopeName } from './commands.ts'

type Tier = 'small' | 'medium' | 'large'

const count = new Intl.NumberFormat('en')
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

/** What a question holds, as a reason for a larger model. */
export const shapeWording = {
  fileTokens: (value: number) => `about ${count.format(value)} tokens of files`,
  pages: (value: number) => `${count.format(value)} pages`,
  images: (value: number) => (value === 1 ? 'a picture' : `${value} pictures`),
  files: (value: number) => `${value} files to compare`,
  asks: (value: number) => `${value} questions at once`,
  code: 'code',
  wording: 'worded like questions that small models get wrong',
}

/** Kinds of task, as a reason for a larger or smaller model. */
export const taskWording = {
  proof: 'a proof',
  mathematics: 'mathematics',
  trace: 'an error trace',
  debugging: 'a problem to find',
  design: 'a system to design',
  law: 'law',
  medicine: 'medicine',
  analysis: 'an analysis',
  thinking: 'careful thinking is asked for',
  plain: 'a plain task',
}

/** Why this model answers. */
export const reasonWording = {
  isDefault: (model: string) => `${model} is the default model.`,
  /** With `how` of `howWording`. */
  requested: (model: string, how: string) => `${model} ${how}.`,
  instead: (why: string, model: string) => `${why} ${model} answers instead.`,
  unavailable: (model: string) => `${model} is not available.`,
  /** With `because` of a gate. */
  ruledOut: (model: string, because: string) => `${model} ${because}.`,
  narrow: (model: string, contextWindow: number) =>
    `${model} reads at most ${count.format(contextWindow)} tokens, which is less than the files have.`,
  withoutPictures: 'No available model can see pictures, so they were left out.',
  quotesRequested: 'Quotes were requested.',
  quotesByDefault: 'Quoting is the default.',
  nothingConfigured: 'No language model is configured, so Parley quotes the best matches in the shared files.',
  quotesInstead: (why: string) => `${why} Parley quotes the best matches in the shared files instead.`,
  /** `parts` of `shapeWording`, here and below. */
  bySize: (tier: Tier, parts: readonly string[], model: string, comparison: string) => {
    const why = parts.length === 0 ? '' : ` (${parts.join(', ')})`
    if (tier === 'small') return `Simple question${why}, so a small model is enough: ${model} is ${comparison}.`
    return `This question ${why === '' ? 'gets' : 'needs'} a ${tier} model${why}: ${model} is ${comparison}.`
  },
  nearestSize: (wanted: Tier, parts: readonly string[], model: string, tier: Tier) => {
    const closest = `${model} (${tier}) comes closest.`
    if (wanted === 'small') return `A small model would be enough, but none is available. ${closest}`
    if (parts.length === 0) return `No ${wanted} model is available. ${closest}`
    return `This question needs a ${wanted} model (${parts.join(', ')}), but none is available. ${closest}`
  },
}

/** Who or what requested a model, after its name. */
export const howWording = {
  request: 'was requested',
  /** `by`: `for you`, `for this channel`. */
  pin: (by: string) => `is pinned ${by}`,
  conversation: 'already answered in this thread',
  button: (towards: 'cheaper' | 'better') => `is the next ${towards} model`,
  noneTowards: (towards: 'cheaper' | 'better') => `answers again because no ${towards} model is available`,
}

/** A model among those of its size, after "X is". */
export const comparisonWording = {
  only: 'the only one',
  cheapest: (of: number) => `the cheapest of ${of}`,
  best: (of: number) => `the best of ${of} by price and speed`,
  fastest: (of: number) => `the fastest of ${of}`,
  first: (of: number) => `the first of ${of} at the same price`,
  withCost: (comparison: string, cost: NanoUsd | null) =>
    cost === null ? comparison : `${comparison}, at about ${formatUsd(cost)}`,
}

/** `because` follows the model's name; `none` and `remedy` are said when no model is left. */
export const gateWording = {
  disabled: {
    because: 'is disabled',
    none: 'All language models are disabled.',
    remedy: 'Ask an admin to enable one.',
  },
  allowed: {
    because: 'is not allowed here',
    none: 'None of the models allowed here is available.',
    remedy: 'Ask an admin to allow another one.',
  },
  local: {
    because: 'is not a local model, and only local models are allowed here',
    none: 'Only local models are allowed here, and none is connected.',
    remedy: 'Ask an admin to connect one.',
  },
  price: {
    because: 'has no price set, so Parley does not use it',
    none: 'No model has a price set, so Parley uses none of them.',
    remedy: 'Ask an admin to set prices: models price.',
  },
  window: {
    because: (contextWindow: number, needed: number) =>
      `reads at most ${count.format(contextWindow)} tokens, but the question needs ${count.format(needed)}`,
    none: 'The question is too long for every model.',
    remedy: 'Ask a shorter one.',
  },
  budget: {
    /** Without amounts, because its reader may not be allowed to see what others spend. */
    because: 'could cost more than what is left of a budget',
    none: 'The rest of the budget is too small for any model.',
    remedy: 'Ask an admin to raise it, or wait until it resets.',
  },
  images: {
    because: 'cannot see pictures',
    none: 'No available model can see pictures.',
    remedy: 'Ask an admin to connect one that can.',
  },
  health: {
    /** With `healthWording`. */
    because: (unhealthy: string) => `is unavailable because it ${unhealthy}`,
    none: 'No model is available right now.',
    remedy: 'Try again in a minute.',
  },
  refusal: (none: string, remedy: string) => `${none} ${remedy}`,
  requestRefused: (model: string, because: string) =>
    `${model} ${because}. Choose another model, or ask an admin to change this.`,
}

/** What is wrong with a model, after "it". */
export const healthWording = {
  /** By the code of the last error. */
  reasons: {
    model_unreachable: 'could not be reached',
    model_busy: 'is busy',
    model_refused_key: "rejected Parley's API key",
    model_out_of_memory: 'does not have enough memory',
    model_stalled: 'stopped responding',
    model_empty: 'returned no text',
    model_truncated: 'stopped mid-answer',
  },
  failed: 'failed several times',
  tryingNow: (what: string) => `${what} (trying again now)`,
  nextTry: (what: string, ms: number) => `${what} (next try in ${duration(ms)})`,
}

function duration(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms / 1_000))
  return whole < 90 ? `${whole} s` : `${Math.ceil(whole / 60)} minutes`
}

/** The rules of a place that restrict the choice. */
export const policyWording = {
  localOnly: 'Only local models may answer here.',
  allowed: (models: readonly string[]) => `Only these models may answer here: ${namesOrNone(models)}.`,
  disabled: (models: readonly string[]) => `Disabled here: ${namesOrNone(models)}.`,
  refuseAtLimit: 'Questions that would exceed a budget are refused.',
}

function namesOrNone(names: readonly string[]): string {
  return names.length > 20
    ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more`
    : names.join(', ') || 'none'
}

/** The whole decision: what "why" and `parley route` show. Markdown. */
export const whyWording = {
  summary: (model: string, how: string, reason: string) => `**${model}** ${how}. ${reason}`,
  by: {
    request: 'was requested',
    button: 'was chosen with a button',
    pin: 'is pinned',
    conversation: 'already answered in this thread',
    default: 'is the default',
    tier: 'was chosen by size, price and speed',
    nobody: 'is the only option left',
  },
  simple: (tier: Tier) =>
    tier === 'small'
      ? '**Simple question**, so a small model is enough.'
      : `**Simple question** that gets a ${tier} model.`,
  complexity: (score: number, tier: Tier, parts: readonly { points: number; says: string }[]) =>
    [
      `**Complexity ${score}**, so a ${tier} model fits.`,
      ...parts.map(({ points, says }) => `- ${says}: +${points}`),
    ].join('\n'),
  rules: (rules: readonly string[]) => section('Rules', rules),
  available: (of: number, lines: readonly string[]) => section(`Available models (${of})`, lines, { numbered: true }),
  ruledOut: (groups: readonly { because: string; models: readonly string[]; more: number }[]) =>
    section(
      'Ruled out',
      groups.map(
        ({ because, models, more }) => `${models.join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${because}`,
      ),
    ),
  fallbacks: (models: readonly string[]) => `**Fallbacks** ${models.join(', ')}`,
  calls: (lines: readonly string[]) => section('Calls', lines),
  candidate: (of: {
    model: string
    tier: Tier
    cost: NanoUsd | null
    firstTokenMs: number | null
    tokensPerSecond: number | null
  }) => {
    const facts = [
      of.tier,
      of.cost === null ? 'no price' : `about ${formatUsd(of.cost)}`,
      ...(of.firstTokenMs === null ? [] : [`first word after ${seconds(of.firstTokenMs)}`]),
      ...(of.tokensPerSecond === null ? [] : [`${Math.round(of.tokensPerSecond)} tokens/s`]),
    ]
    return `${of.model}: ${facts.join(', ')}`
  },
  call: (of: {
    model: string
    outcome: 'answered' | 'failed' | 'stopped' | 'not asked'
    because: string | undefined
    cost: NanoUsd | null
    ms: number
  }) => {
    const cost = of.cost === null ? '' : `, ${formatUsd(of.cost)}`
    const ended = of.outcome === 'not asked' ? 'not called' : `${of.outcome} after ${seconds(of.ms)}${cost}`
    return `${of.model}: ${ended}${of.because === undefined ? '' : ` (${of.because})`}`
  },
}

function section(title: string, lines: readonly string[], { numbered = false } = {}): string {
  return [`**${title}**`, ...lines.map((line, at) => `${numbered ? `${at + 1}.` : '-'} ${line}`)].join('\n')
}

/** `parley route --channel`. */
export const dryRunWording = {
  badChannel: 'Name the channel as platform/workspace/channel, such as slack/T0123/C0456.',
}

/** The conversation in which something is read; `undefined` for the log. */
type Reader = ConversationRef | undefined

interface BudgetInWords {
  scope: Scope
  period: Period
  limit: NanoUsd
  spent: NanoUsd
  /** For admins, who know keys, people and teams by name. */
  names?: ScopeNames | undefined
}

export const budgetWording = {
  /** For the person or program that asked. It has amounts only for their own budget, because others spend from the rest. */
  exceeded: (of: BudgetInWords & { reserved: NanoUsd; worst: NanoUsd; resetsAt: Date; timeZone: string }) => {
    const wait = `Wait until the budget resets on ${localTime(of.resetsAt, of.timeZone)}. An admin can raise it.`
    if (!isOwn(of)) return `Your question would exceed ${yourBudget(of)}. ${wait}`
    const reserved = of.reserved > 0n ? `, ${formatUsd(of.reserved)} is reserved for answers in progress` : ''
    const sums = `${formatUsd(of.spent)} is spent${reserved}, and this answer could cost up to ${formatUsd(of.worst)}`
    return `Your question would exceed ${yourBudget(of)} (${formatUsd(of.limit)}): ${sums}. ${wait}`
  },
  /** Only answers in progress are in the way. */
  held: (of: BudgetInWords) =>
    `The rest of ${yourBudget(of)} is set aside for answers in progress. Try again in a few seconds.`,
  /** For admins, before and at the limit. `at`: where they read it. */
  alert: (of: BudgetInWords & { at: Reader; threshold: number; resetsAt: Date; timeZone: string }) => {
    const title = of.threshold >= 100 ? 'Limit reached' : `${of.threshold}% used`
    return `**${title}:** ${formatUsd(of.spent)} of ${budgetFor(of)} (${formatUsd(of.limit)}) is spent. It resets on ${localTime(of.resetsAt, of.timeZone)}.`
  },
  /** Asks admins. `asker` is a mention. */
  approval: (of: BudgetInWords & { at: Reader; worst: NanoUsd; asker: string }) =>
    `A question from ${of.asker} would exceed ${budgetFor(of)} (${formatUsd(of.limit)}): ${formatUsd(of.spent)} is spent, and the answer could cost up to ${formatUsd(of.worst)}. Allow it once?`,
}

const perPeriod = { day: 'daily', week: 'weekly', month: 'monthly' } satisfies Record<Period, string>

/** Whether only the asker spends from it. */
const isOwn = ({ scope }: BudgetInWords) => /^(?:user|person|key):/.test(scope)

function yourBudget({ scope, period }: BudgetInWords): string {
  const [kind] = scope.split(':', 1)
  if (kind === 'user' || kind === 'person') return `your ${perPeriod[period]} budget`
  if (kind === 'team') return `the ${perPeriod[period]} budget of your team`
  if (kind === 'channel' || kind === 'workspace') return `the ${perPeriod[period]} budget of this ${kind}`
  if (kind === 'key') return `the ${perPeriod[period]} budget of this API key`
  return budgetFor({ scope, period, at: undefined })
}

/** As it is named where it is read: `the daily budget for <#C1>`, `the daily budget for this channel`. */
function budgetFor({
  scope,
  period,
  at,
  names = new Map(),
}: Pick<BudgetInWords, 'scope' | 'period' | 'names'> & { at: Reader }): string {
  const { platform, workspaceId, channelId } = at ?? { platform: '', workspaceId: '', channelId: '' }
  return `the ${perPeriod[period]} budget for ${scopeName(scope, { platform, workspaceId, channelId, userId: '' }, names)}`
}
