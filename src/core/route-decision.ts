/** How a question was routed, kept with its turn: everything that `why` and `parley route --dry-run` show. */
import { z } from 'zod'
import { whyWording } from '../wording/routing.ts'

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
  const { score, tier, parts } = complexity
  return [
    whyWording.summary(decision.model, whyWording.by[decision.by], decision.reason),
    parts.length === 0 ? whyWording.simple(tier) : whyWording.complexity(score, tier, parts),
    policy.length === 0 ? '' : whyWording.rules(policy),
    ranking.length === 0 ? '' : whyWording.available(eligible, ranking.map(candidateLine)),
    gated.length === 0 ? '' : whyWording.ruledOut(gated),
    fallbacks.length === 0 ? '' : whyWording.fallbacks(fallbacks),
    attempts.length === 0 ? '' : whyWording.calls(attempts.map(callLine)),
  ]
    .filter((section) => section !== '')
    .join('\n\n')
}

function candidateLine({ costNanoUsd, ...entry }: RouteDecision['ranking'][number]): string {
  return whyWording.candidate({ ...entry, cost: costNanoUsd === null ? null : BigInt(costNanoUsd) })
}

function callLine({ costNanoUsd, because, ...call }: NonNullable<RouteDecision['attempts']>[number]): string {
  return whyWording.call({ ...call, because, cost: costNanoUsd === null ? null : BigInt(costNanoUsd) })
}

/** As the default model: none, whatever parley.yaml or a wider setting says, so the question decides. Programs name it too. */
export const chosenByQuestion = 'auto'
/** Names that leave the choice to Parley, so no model can be called so. */
export const routedNames: readonly string[] = ['parley', chosenByQuestion]
