/** Who may answer a turn, in which order, and what each is given: route, content, prompt. Nothing is asked and nothing is spent. */
import { ParleyError } from '../core/errors.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import type { ModelRequest } from '../models/model.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { compose } from '../prompt/compose.ts'
import { type Content, chooseContent } from '../prompt/content.ts'
import { imageTokens, loadImages, type ShownImage } from '../prompt/images.ts'
import { countQuestion } from '../routing/complexity.ts'
import type { RouteRequest } from '../routing/requested.ts'
import { type Route, type RouteInput, route } from '../routing/router.ts'
import type { TurnRules } from '../routing/rules.ts'
import type { TurnWork } from '../store/turns.ts'
import type { AnswerDeps } from './deps.ts'
import type { Gathered } from './gather.ts'
import { type Question, roomOf } from './question.ts'

export interface Prepared {
  request: ModelRequest
  content: Content
  shown: ShownImage[]
}

export interface Plan {
  chosen: Route
  /** In the order in which they may be asked. */
  models: Model[]
  prepare(model: Model): Promise<Prepared>
  /** Who may be asked where a budget did not hold the first: what is left over decides, and the policy whether at all. */
  cheaper(): Promise<Model[]>
}

/** Throws `model_unknown` and `model_not_allowed` for what the message itself asks for, and what forbids every model. */
export function planAnswer(
  { models: { health }, money, storage, limits }: Pick<AnswerDeps, 'models' | 'money' | 'storage' | 'limits'>,
  question: Question,
  gathered: Gathered,
): Plan {
  const { work, text, wanted, instructions, files, spender, rules, models } = question
  const { images } = gathered
  const counted = countQuestion({
    text,
    instructions,
    files: files.map(({ source, tokens, pages }) => ({ title: source.title, tokens, pages })),
    images: images.length,
    promptTokens: limits.promptTokens,
  })
  const request = { ...counted, ...requestedBy(work, models, rules) }
  const input: RouteInput = {
    models,
    request,
    policy: rules.policy,
    defaultModel: rules.defaultModel,
    health: (model) => health.because(model),
    speed: (model) => health.speed(model),
  }
  const chosen = route(input)
  const refused = chosen.forbidden ?? (files.length === 0 ? chosen.refusal : undefined)
  if (refused !== undefined) throw new ParleyError(refused.code, refused.userMessage)

  return {
    chosen,
    models: inOrder(chosen, files.length > 0),
    async prepare(model) {
      const { maxOutputTokens, historyTokens, left: room } = roomOf(model, question)
      // Half of the room for pictures: the passages hold what is written on them, and more.
      const shown = sees(model) ? await loadImages(images, room / 2, storage) : []
      const left = room - shown.reduce((sum, image) => sum + imageTokens(image), 0)
      const budget = Math.max(0, Math.min(left, limits.promptTokens))
      const content = await chooseContent(gathered, budget, wanted)
      const composed = compose({
        work,
        content,
        images: shown,
        unseen: model.kind === 'extractive' ? 0 : images.length - shown.length,
        model: { ...model, maxOutputTokens },
        persona: rules.persona,
        historyTokens,
        today: new Date(),
      })
      return { content, shown, request: composed }
    },
    async cheaper() {
      if (rules.policy.atLimit === 'refuse')
        return inOrder(chosen, files.length > 0).filter(({ kind }) => kind === 'extractive')
      const amounts = await money.budget.left(spender, [...models], work.id)
      const left = new Map(models.map((model, at) => [modelKey(model), amounts[at] ?? null]))
      return inOrder(route({ ...input, left }), files.length > 0)
    },
  }
}

/** Without files there is nothing to quote: a model's error says more than an empty search. */
function inOrder({ model, fallbacks, refusal }: Route, hasFiles: boolean): Model[] {
  return [model, ...fallbacks].filter(
    (each) => each.kind !== 'extractive' || hasFiles || (each === model && refusal === undefined),
  )
}

/** By the message, its sender's settings, the conversation so far, and a button. Throws `model_unknown`. */
function requestedBy(
  work: TurnWork,
  models: readonly Model[],
  rules: TurnRules,
): Pick<RouteRequest, 'requested' | 'pinned' | 'sticky' | 'button'> {
  const named = work.overrides?.model ?? work.messages.at(-1)?.overrides?.model
  const requested = named !== undefined && Object.hasOwn(rules.aliases, named) ? rules.aliases[named] : named
  const { tier, from } = work.overrides ?? {}
  const last = work.history.at(-1)
  return {
    requested: requested === undefined ? undefined : modelKey(resolveModel(models, requested)),
    pinned: rules.pinned,
    sticky: last?.provider == null || last.model == null ? undefined : { provider: last.provider, id: last.model },
    button:
      tier === undefined || from === undefined
        ? undefined
        : { towards: tier, from: { provider: from.provider, id: from.model } },
  }
}

/** Unless it is known not to. */
export function sees(model: Model): boolean {
  return model.vision !== false && model.kind !== 'extractive'
}
