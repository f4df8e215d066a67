/** How a question would be routed, without asking a model: the same rules, models, health and budgets as for a real one. */
import { z } from 'zod'
import { ParleyError } from '../core/errors.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Spender } from '../core/scope.ts'
import type { Catalogue } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { dryRunWording } from '../wording/routing.ts'
import type { Budget } from './budget.ts'
import { countQuestion } from './complexity.ts'
import type { Health } from './health.ts'
import { route } from './router.ts'
import type { RulesOf } from './rules.ts'

export type DryRun = z.infer<typeof DryRun>
export const DryRun = z.object({
  question: z.string().max(100_000),
  files: z
    .array(
      z.object({
        name: z.string().max(500),
        tokens: z.number().int().nonnegative(),
        pages: z.number().int().nonnegative().optional(),
        images: z.number().int().nonnegative().optional(),
      }),
    )
    .max(100),
  /** Id or alias. */
  model: z.string().max(200).optional(),
  /** `platform/workspace/channel`; absent: the console's. */
  channel: z.string().max(500).optional(),
})

export interface DryRunDeps {
  catalogue: Pick<Catalogue, 'models'>
  rules: RulesOf
  health: Pick<Health, 'because' | 'speed'>
  budget: Pick<Budget, 'left'>
  promptTokens: number
  /** The most pictures that a model is shown. */
  mostImages: number
}

/** Throws `model_unknown`, and `request_invalid` for a channel that is none. */
export async function explainRoute(deps: DryRunDeps, requested: DryRun): Promise<RouteDecision> {
  const spender = spenderOf(requested.channel)
  const [models, rules] = await Promise.all([deps.catalogue.models(), deps.rules(spender)])
  const amounts = await deps.budget.left(spender, [...models])
  const images = requested.files.reduce((sum, file) => sum + (file.images ?? 0), 0)
  const counted = countQuestion({
    text: requested.question,
    instructions: rules.persona.instructions,
    promptTokens: deps.promptTokens,
    files: requested.files.map((file) => ({ title: file.name, ...file })),
    images: Math.min(images, deps.mostImages),
  })
  const { decision } = route({
    models,
    policy: rules.policy,
    defaultModel: rules.defaultModel,
    request: {
      ...counted,
      requested: requested.model === undefined ? undefined : modelKey(resolveModel(models, requested.model)),
      pinned: rules.pinned,
    },
    health: (model) => deps.health.because(model),
    speed: (model) => deps.health.speed(model),
    left: new Map(models.map((model, at) => [modelKey(model), amounts[at] ?? null])),
  })
  return decision
}

function spenderOf(channel = 'console/local/cli'): Spender {
  const [platform, workspaceId, channelId, more] = channel.split('/')
  if (!platform || !workspaceId || !channelId || more !== undefined)
    throw new ParleyError('request_invalid', dryRunWording.badChannel)
  return { platform, workspaceId, channelId, userId: 'cli' }
}
