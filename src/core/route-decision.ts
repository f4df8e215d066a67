/** How a question was routed, kept with its turn: everything that `why` and `parley route --dry-run` show. */
import { z } from 'zod'
import { formatUsd } from './money.ts'

/** What made the choice. */
export const choosers = ['request', 'button', 'pin', 'conversation', 'default', 'tier', 'nobody'] as const

/** A decimal number of nano-USD; `null`: not known. */
const Nanos = z.string().regex(/^\d+$/).nullable()
const Tier = z.enum(['small', 'medium', 'large'])

export type RouteDecision = z.infer<typeof RouteDecision>
export const RouteDecision = z.object({
  /** `provider/id`, as everywhere here. */
  model: z.string(),
  by: z.enum(choosers),
  /** Why this model, as a sentence. */
  reason: z.string(),
  complexity: z.object({
    score: z.number(),
    tier: Tier,
    parts: z.array(z.object({ points: z.number(), says: z.string() })),
  }),
  /** The rules that restricted the choice, as sentences. */
  policy: z.array(z.string()),
  /** Who was stopped, by which gate and why; many with the same reason are one entry. */
  gated: z.array(
    z.object({ gate: z.string(), because: z.string(), models: z.array(z.string()), more: z.number().int() }),
  ),
  /** The best that could answer, in the order of preference. */
  ranking: z.array(
    z.object({
      model: z.string(),
      tier: Tier,
      /** Of a typical answer. */
      costNanoUsd: Nanos,
      firstTokenMs: z.number().nullable(),
      tokensPerSecond: z.number().nullable(),
    }),
  ),
  /** How many could answer. */
  eligible: z.number().int(),
  fallbacks: z.array(z.string()),
  /** What came of it, one entry for each call. */
  attempts: z
    .array(
      z.object({
        model: z.string(),
        outcome: z.enum(['answered', 'failed', 'stopped', 'not asked']),
        because: z.string().optional(),
        costNanoUsd: Nanos,
        ms: z.number(),
      }),
    )
    .optional(),
})

/** The whole decision in Markdown. */
export function describeDecision(decision: RouteDecision): string {
  const { complexity, policy, gated, ranking, eligible, fallbacks, attempts = [] } = decision
  const parts = complexity.parts.map(({ points, says }) => `- ${says}: ${points}`)
  return [
    `**${decision.model}** ${byWords[decision.by]}. ${decision.reason}`,
    `**Complexity** ${complexity.score}, which wants a ${complexity.tier} model${parts.length === 0 ? ': nothing about the question asks for more' : `\n${parts.join('\n')}`}`,
    policy.length === 0 ? '' : `**Rules**\n${policy.map((rule) => `- ${rule}`).join('\n')}`,
    ranking.length === 0 ? '' : `**Could answer** (${eligible})\n${ranking.map(rankLine).join('\n')}`,
    gated.length === 0
      ? ''
      : `**Could not**\n${gated.map(({ because, models, more }) => `- ${models.join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${because}`).join('\n')}`,
    fallbacks.length === 0 ? '' : `**Stand by** ${fallbacks.join(', ')}`,
    attempts.length === 0 ? '' : `**What came of it**\n${attempts.map(attemptLine).join('\n')}`,
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

const byWords: Record<RouteDecision['by'], string> = {
  request: 'was asked for',
  button: 'was asked for by a button',
  pin: 'is pinned',
  conversation: 'stays with its conversation',
  default: 'is the default',
  tier: 'was chosen by tier, price and speed',
  nobody: 'is what is left',
}

function rankLine(entry: RouteDecision['ranking'][number], at: number): string {
  const { model, tier, costNanoUsd, firstTokenMs, tokensPerSecond } = entry
  const facts = [
    tier,
    costNanoUsd === null ? 'price not known' : `about ${formatUsd(BigInt(costNanoUsd))}`,
    ...(firstTokenMs === null ? [] : [`first word after ${seconds(firstTokenMs)}`]),
    ...(tokensPerSecond === null ? [] : [`${Math.round(tokensPerSecond)} tokens/s`]),
  ]
  return `${at + 1}. ${model}: ${facts.join(', ')}`
}

function attemptLine(attempt: NonNullable<RouteDecision['attempts']>[number]): string {
  const { model, outcome, because, costNanoUsd, ms } = attempt
  const cost = costNanoUsd === null ? '' : `, ${formatUsd(BigInt(costNanoUsd))}`
  return `- ${model}: ${outcome}${outcome === 'not asked' ? '' : ` after ${seconds(ms)}${cost}`}${because === undefined ? '' : ` (${because})`}`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
