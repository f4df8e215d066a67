/** Who may answer a turn, in which order, and what each is given: route, content, prompt. Nothing is asked and nothing is spent. */
import { ParleyError } from '../core/errors.ts'
import type { Program } from '../core/message.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import type { ModelRequest } from '../models/model.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { compose } from '../prompt/compose.ts'
import { type Content, chooseAllContent, memoryRoom, webRoom } from '../prompt/content.ts'
import { chooseHistory } from '../prompt/history.ts'
import { imageTokens, loadImages, type ShownImage } from '../prompt/images.ts'
import { countQuestion } from '../routing/complexity.ts'
import type { RouteRequest } from '../routing/requested.ts'
import { type Route, type RouteInput, route } from '../routing/router.ts'
import type { TurnRules } from '../routing/rules.ts'
import { isSure } from '../search/memory.ts'
import type { TurnWork } from '../store/turns.ts'
import type { AnswerDeps } from './deps.ts'
import type { Gathered } from './gather.ts'
import { type Question, roomOf } from './question.ts'

export interface Prepared {
  request: ModelRequest
  content: Content
  shown: ShownImage[]
  /** Messages of a program's history that did not fit. */
  cut: number
}

export interface Plan {
  chosen: Route
  /** In the order in which they may be asked. */
  models: Model[]
  /** `besideTokens`: of the model's window, what is kept free for tools. */
  prepare(model: Model, besideTokens: number): Promise<Prepared>
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
  const { images, web = [], memory = [] } = gathered
  const besideTokens = Math.min(webRoom.tokens, tokensOfAll(web)) + Math.min(memoryRoom.tokens, tokensOfAll(memory))
  const hasSources = files.length > 0 || web.length > 0 || memory.length > 0
  const counted = countQuestion({
    text,
    instructions,
    files: files.map(({ source, tokens, pages }) => ({ title: source.title, tokens, pages })),
    besideTokens,
    images: images.length,
    promptTokens: limits.promptTokens,
  })
  const program = work.messages.at(-1)?.program
  // All that a program sent has to fit, unless it may be cut and no model takes the whole of it.
  const told = question.toldTokens ?? 0
  const needs = { tokensIn: counted.tokensIn + told, tokensLikely: counted.tokensLikely + told }
  const only = program !== undefined && !program.fallback
  const request = { ...counted, ...needs, ...requestedBy(work, models, rules), only }
  const whole: RouteInput = {
    models: mayCallFor(program, models),
    request,
    policy: rules.policy,
    defaultModel: rules.defaultModel,
    health: (model) => health.because(model),
    speed: (model) => health.speed(model),
  }
  const cut = { ...whole, request: { ...request, tokensIn: counted.tokensIn } }
  const input = program?.overflow === 'cut' && isTooLong(route(whole)) ? cut : whole
  const chosen = route(input)
  const refused = chosen.forbidden ?? (!hasSources ? chosen.refusal : undefined)
  if (refused !== undefined) throw new ParleyError(refused.code, refused.userMessage)

  return {
    chosen,
    models: chosen.decision.by === 'request' && only ? [chosen.model] : inOrder(chosen, hasSources),
    async prepare(model, besideTokens) {
      const { maxOutputTokens, historyTokens, left: all } = roomOf(model, question)
      const room = all - besideTokens
      // Half of the room for pictures: the passages hold what is written on them, and more.
      const shown = sees(model) ? await loadImages(images, room / 2, storage) : []
      const left = room - shown.reduce((sum, image) => sum + imageTokens(image), 0)
      const budget = Math.max(0, Math.min(left, limits.promptTokens))
      // A model judges whether a passage fits; quoting needs one that says much of the question.
      const given = model.kind === 'extractive' ? { ...gathered, memory: memory.filter(isSure(text)) } : gathered
      const content = await chooseAllContent(given, budget, wanted)
      const history = chooseHistory(work, historyTokens)
      const composed = compose({
        work,
        content,
        images: shown,
        unseen: model.kind === 'extractive' ? 0 : images.length - shown.length,
        model: { ...model, maxOutputTokens },
        persona: rules.persona,
        history: history.messages,
        today: new Date(),
      })
      return { content, shown, cut: history.cut, request: composed }
    },
    async cheaper() {
      if (chosen.decision.by === 'request' && only) return []
      if (rules.policy.atLimit === 'refuse')
        return inOrder(chosen, hasSources).filter(({ kind }) => kind === 'extractive')
      const amounts = await money.budget.left(spender, [...models], work.id)
      const left = new Map(models.map((model, at) => [modelKey(model), amounts[at] ?? null]))
      return inOrder(route({ ...input, left }), hasSources)
    },
  }
}

/** Where Parley chooses for a program that brings functions, it chooses among those that may call them, if there are any. */
function mayCallFor(program: Program | undefined, models: readonly Model[]): readonly Model[] {
  if (program === undefined || program.ownPrompt || (program.tools ?? []).length === 0) return models
  const able = models.filter(({ tools, kind }) => tools !== false && kind !== 'extractive')
  return able.length === 0 ? models : able
}

const tokensOfAll = (excerpts: readonly { tokens: number }[]) => excerpts.reduce((sum, { tokens }) => sum + tokens, 0)

/** Whether the context window of each model that may answer is in the way. */
function isTooLong({ model, decision, refusal, forbidden }: Route): boolean {
  const code = forbidden?.code ?? (model.kind === 'extractive' && decision.by === 'nobody' ? refusal?.code : undefined)
  return code === 'model_context_overflow'
}

/** Without files or pages there is nothing to quote: a model's error says more than an empty search. */
function inOrder({ model, fallbacks, refusal }: Route, hasSources: boolean): Model[] {
  return [model, ...fallbacks].filter(
    (each) => each.kind !== 'extractive' || hasSources || (each === model && refusal === undefined),
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
