/** Who may answer a turn, in which order, and what each is given: rules, route, content. Nothing is asked and nothing is spent. */
import { ParleyError } from '../src/core/errors.ts'
import { type Spender, spenderOf } from '../src/core/scope.ts'
import type { Catalogue, Model } from '../src/models/catalogue.ts'
import { modelKey } from '../src/models/complete-model.ts'
import type { ModelRequest } from '../src/models/model.ts'
import { resolveModel } from '../src/models/resolve-model.ts'
import { compose, plainQuestion } from '../src/prompt/compose.ts'
import { type Content, type ContentDeps, chooseContent, type SourceFile, sourceFiles } from '../src/prompt/content.ts'
import type { HeardQuestion } from '../src/prompt/heard.ts'
import {
  type ImageDeps,
  imageLimits,
  imageTokens,
  loadImages,
  type ShownImage,
  sourceImages,
} from '../src/prompt/images.ts'
import { pagesWanted } from '../src/prompt/page-range.ts'
import type { RouteRequest } from '../src/routing/asked.ts'
import type { Budget } from '../src/routing/budget.ts'
import type { Health } from '../src/routing/health.ts'
import { countQuestion } from '../src/routing/question.ts'
import { type Route, type RouteInput, route } from '../src/routing/router.ts'
import type { RulesOf, TurnRules } from '../src/routing/rules.ts'
import type { TurnWork } from '../src/store/turns.ts'

export interface PlanDeps {
  catalogue: Pick<Catalogue, 'models'>
  content: ContentDeps & ImageDeps
  /** The most tokens of files in a prompt, whatever the model's window. */
  limits: { promptTokens: number }
  rules: RulesOf
  health: Pick<Health, 'because' | 'speed'>
  budget: Pick<Budget, 'left'>
}

export interface Prepared {
  request: ModelRequest
  content: Content
  shown: ShownImage[]
}

export interface Plan {
  /** What was heard of a spoken question, ahead of everything. */
  opening: string
  spender: Spender
  chosen: Route
  /** In the order in which they may be asked. */
  models: Model[]
  files: SourceFile[]
  /** Pictures of the files that a model which sees may be shown. */
  images: number
  prepare(model: Model): Promise<Prepared>
  /** Who may be asked where a budget did not hold the first: what is left over decides, and the policy whether at all. */
  cheaper(): Promise<Model[]>
}

const historyShare = 0.2

/** Throws `model_unknown` and `model_not_allowed` for what the message itself asks for, and what forbids every model. */
export async function planAnswer(deps: PlanDeps, { work, opening }: HeardQuestion): Promise<Plan> {
  const spender = spenderOfTurn(work)
  const rules = await deps.rules(spender)
  const question = plainQuestion(work)
  const wanted = pagesWanted(question)
  const files = sourceFiles(work)
  const images = await sourceImages(files, work, deps.content, { ...imageLimits, wanted })
  const models = await deps.catalogue.models()
  const instructions = [
    ...rules.persona.instructions,
    ...work.messages.flatMap((message) => message.instructions ?? []),
  ]
  const counted = countQuestion({
    ...{ text: question, instructions, files, images: images.length },
    promptTokens: deps.limits.promptTokens,
  })
  const request = { ...counted, ...askedFor(work, models, rules) }
  const input: RouteInput = {
    ...{ models, request, policy: rules.policy },
    ...(rules.defaultModel === undefined ? {} : { defaultModel: rules.defaultModel }),
    health: (model) => deps.health.because(model),
    speed: (model) => deps.health.speed(model),
  }
  const chosen = route(input)
  const refused = chosen.forbidden ?? (files.length === 0 ? chosen.refusal : undefined)
  if (refused !== undefined) throw new ParleyError(refused.code, refused.tell)

  return {
    ...{ opening, spender, chosen, files, images: images.length },
    models: inOrder(chosen, files),
    async prepare(given) {
      const model = { ...given, maxOutputTokens: outputOf(given, work, rules) }
      const historyTokens = Math.floor(model.contextWindow * historyShare)
      const room = model.contextWindow - model.maxOutputTokens - historyTokens - counted.tokensIn
      // Half of the room for pictures: the passages hold what is written on them, and more.
      const shown = sees(model) ? await loadImages(images, room / 2, deps.content) : []
      const left = room - shown.reduce((sum, image) => sum + imageTokens(image), 0)
      const budget = Math.max(0, Math.min(left, deps.limits.promptTokens))
      const content = await chooseContent(files, question, budget, deps.content, wanted)
      // Quoting ranks passages by the words of the question: nothing is added to them.
      const pictures = { images: shown, unseen: model.kind === 'extractive' ? 0 : images.length - shown.length }
      const composed = compose({
        work,
        content,
        ...pictures,
        model,
        persona: rules.persona,
        historyTokens,
        today: new Date(),
      })
      return { content, shown, request: composed }
    },
    async cheaper() {
      if (rules.policy.atLimit === 'refuse') return inOrder(chosen, files).filter(({ kind }) => kind === 'extractive')
      const amounts = await deps.budget.left(spender, [...models], work.id)
      const left = new Map(models.map((model, at) => [modelKey(model), amounts[at] ?? null]))
      return inOrder(route({ ...input, left }), files)
    },
  }
}

/** Without files there is nothing to quote: a model's error says more than an empty search. */
function inOrder({ model, fallbacks, refusal }: Route, files: SourceFile[]): Model[] {
  return [model, ...fallbacks].filter(
    (each) => each.kind !== 'extractive' || files.length > 0 || (each === model && refusal === undefined),
  )
}

/** By the message, its sender's settings, the conversation so far, and a button. Throws `model_unknown`. */
function askedFor(
  work: TurnWork,
  models: readonly Model[],
  rules: TurnRules,
): Pick<RouteRequest, 'wish' | 'pinned' | 'sticky' | 'button'> {
  const named = work.wish?.model ?? work.messages.at(-1)?.wish?.model
  const wish = named !== undefined && Object.hasOwn(rules.aliases, named) ? rules.aliases[named] : named
  const { tier, from } = work.wish ?? {}
  const last = work.history.at(-1)
  return {
    ...(wish === undefined ? {} : { wish: modelKey(resolveModel(models, wish)) }),
    ...(rules.pinned === undefined ? {} : { pinned: rules.pinned }),
    ...(last?.provider == null || last.model == null ? {} : { sticky: { provider: last.provider, id: last.model } }),
    ...(tier === undefined || from === undefined
      ? {}
      : { button: { towards: tier, from: { provider: from.provider, id: from.model } } }),
  }
}

/** The asker of the turn's first message pays. */
function spenderOfTurn({ messages, platform, replyTarget }: TurnWork): Spender {
  const [first] = messages
  if (first === undefined) return spenderOf({ ...replyTarget.conversation, platform }, 'nobody')
  return spenderOf(first.conversation, first.author.id, first.keyId)
}

/** The narrowest of what the model, the persona and the message allow. */
function outputOf(model: Model, work: TurnWork, { persona }: TurnRules): number {
  const wish = work.messages.at(-1)?.wish?.maxOutputTokens
  return Math.min(
    model.maxOutputTokens,
    persona.maxOutputTokens ?? Number.POSITIVE_INFINITY,
    wish ?? Number.POSITIVE_INFINITY,
  )
}

/** Unless it is known not to. */
export function sees(model: Model): boolean {
  return model.vision !== false && model.kind !== 'extractive'
}
