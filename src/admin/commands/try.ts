/** Testing and comparing models, and downloading local ones: more of `models …`. */
import type { Notice } from '../../core/command.ts'
import { asParleyError, ParleyError } from '../../core/errors.ts'
import type { ReplyTarget } from '../../core/message.ts'
import type { NanoUsd } from '../../core/money.ts'
import type { Usage } from '../../core/reply.ts'
import type { Spender } from '../../core/scope.ts'
import type { Model } from '../../models/catalogue.ts'
import { modelKey } from '../../models/complete-model.ts'
import type { LocalModels } from '../../models/local-models.ts'
import type { FinishReason, ModelProvider } from '../../models/model.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import { type AttemptsDeps, createAttempts, NotCalled } from '../../routing/metered-call.ts'
import type { Audit } from '../../store/audit.ts'
import type { Settings } from '../../store/settings.ts'
import { tryWording } from '../../wording/commands-models.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { effectiveFor } from '../effective.ts'
import { demandInstallation } from '../grants.ts'
import { whyNot } from './models.ts'

interface Tried {
  model: Model
  text: string
  /** Milliseconds; `null` when no text came. */
  firstTokenMs: number | null
  ms: number
  usage: Usage | undefined
  cost: NanoUsd
  error: ParleyError | null
}

interface TryDeps extends Pick<AttemptsDeps, 'budget' | 'health'> {
  provider(name: string): ModelProvider
}

export interface LocalDeps extends TryDeps {
  settings: Settings
  audit: Audit
  models(): Promise<Model[]>
  refreshModels(): Promise<void>
  /** `undefined` if no Ollama server is configured. */
  local: LocalModels | undefined
  /** Posts a message later, in the place where a command was typed. */
  notify(target: ReplyTarget, notice: Notice, key: string): Promise<void>
}

const testMs = 60_000
const compareMs = 120_000
const pullMs = 6 * 3_600_000
const most = 5

export function tryCommands(deps: LocalDeps): Command[] {
  const { settings, audit, models, local, notify } = deps
  const suggest = async () => (await models()).map(modelKey)
  /** Running downloads and their progress. */
  const pulling = new Map<string, string>()

  async function allowed(typed: string, caller: Caller): Promise<Model> {
    const model = resolveModel(await models(), typed)
    const { models: set, policy } = await effectiveFor(settings, caller.spender)
    const not = whyNot(model, { disabled: set.disabled, policy })
    if (not === '') return model
    throw new ParleyError('model_not_allowed', tryWording.notAllowed(modelKey(model), not))
  }

  function ollamaServer(): LocalModels {
    if (local !== undefined) return local
    throw new ParleyError('command_invalid', tryWording.noOllama)
  }

  return [
    define({
      name: 'models test',
      summary: 'Asks a model one short question and shows the time and cost',
      role: 'member',
      changes: true,
      args: { model: { ...arg.model(), suggest } },
      examples: ['models test gpt-5-mini'],
      async run({ model: typed }, caller) {
        const model = await allowed(typed, caller)
        const request = {
          model,
          prompt: 'Reply with the one word: ready',
          maxOutputTokens: 512,
          spender: caller.spender,
        }
        return { text: lineOf(await tryModel(deps, request, AbortSignal.timeout(testMs))) }
      },
    }),
    define({
      name: 'models compare',
      summary: 'Asks several models the same question, side by side',
      role: 'member',
      changes: true,
      args: {
        models: { ...arg.word('Names of models, with commas between them', 500), suggest },
        question: arg.rest('The question'),
      },
      examples: ['models compare gpt-5-mini,llama3.2 "Why is the sky blue?"'],
      async run({ models: typed, question }, caller) {
        const names = [...new Set(typed.split(',').filter((name) => name !== ''))]
        if (names.length < 2 || names.length > most) throw new ParleyError('command_invalid', tryWording.howMany(most))
        const chosen = await Promise.all(names.map((name) => allowed(name, caller)))
        const signal = AbortSignal.timeout(compareMs)
        const request = chosen.map((model) => ({
          model,
          prompt: question,
          maxOutputTokens: 1024,
          spender: caller.spender,
        }))
        const tried = await Promise.all(request.map((each) => tryModel(deps, each, signal)))
        return { text: tried.map((each) => `${lineOf(each)}\n\n${each.text.trim()}`.trim()).join('\n\n---\n\n') }
      },
    }),
    define({
      name: 'models pull',
      summary: 'Downloads a model to your own hardware',
      role: 'admin',
      changes: true,
      args: { name: arg.word('The name of the model in Ollama') },
      examples: ['models pull llama3.2'],
      async run({ name }, caller) {
        demandInstallation(caller.grants, tryWording.downloadModels)
        const ollama = ollamaServer()
        const progress = pulling.get(name)
        if (progress !== undefined) return { text: tryWording.downloading(name, progress) }
        pulling.set(name, tryWording.justStarted)
        void pull(ollama, name, caller)
        return { text: tryWording.started(name) }
      },
    }),
    define({
      name: 'models remove',
      summary: 'Deletes a model from your own hardware',
      role: 'admin',
      changes: true,
      args: { name: arg.word('The name of the model in Ollama') },
      examples: ['models remove llama3.2'],
      async run({ name }, caller) {
        demandInstallation(caller.grants, tryWording.deleteModels)
        const ollama = ollamaServer()
        await ollama.delete(name, AbortSignal.timeout(testMs))
        await record(caller, ollama, name, false)
        return { text: tryWording.deleted(name) }
      },
    }),
  ]

  async function record(caller: Caller, { provider }: LocalModels, name: string, there: boolean): Promise<void> {
    const [before, after] = there ? [null, name] : [name, null]
    await audit.record({
      id: changeId(caller, 'local'),
      by: caller.by,
      scope: 'all',
      name: `local ${provider}`,
      before,
      after,
    })
    await deps.refreshModels()
  }

  /** Runs in the background, for minutes to hours. */
  async function pull(ollama: LocalModels, name: string, caller: Caller): Promise<void> {
    const { replyTarget, id } = caller.call
    let end = tryWording.ready(name)
    try {
      for await (const { status, completed, total } of ollama.pull(name, AbortSignal.timeout(pullMs)))
        pulling.set(name, total === 0 ? status : tryWording.progress(completed, total))
      await record(caller, ollama, name, true)
    } catch (thrown) {
      end = tryWording.notDownloaded(name, thrown instanceof ParleyError ? thrown.userMessage : tryWording.resume)
    } finally {
      pulling.delete(name)
    }
    await notify(replyTarget, { text: end }, `${id}.pulled`).catch(() => undefined)
  }
}

function lineOf({ model, text, firstTokenMs, ms, usage, cost, error }: Tried): string {
  const name = modelKey(model)
  if (error !== null) return tryWording.failed(name, error.userMessage)
  const tokens =
    usage === undefined
      ? undefined
      : { input: usage.input, output: usage.output, estimated: usage.source === 'estimated' }
  return tryWording.result(name, { text, firstTokenMs, ms, tokens, cost })
}

/** Sends one prompt to one model, metered like every paid call. Never throws; a failure is in `error`. */
async function tryModel(
  { provider, budget, health }: TryDeps,
  {
    model,
    prompt,
    maxOutputTokens,
    spender,
  }: { model: Model; prompt: string; maxOutputTokens: number; spender: Spender },
  signal: AbortSignal,
): Promise<Tried> {
  const attempts = createAttempts({ budget, health, spender })
  const request = {
    model: model.id,
    system: 'Answer the question.',
    maxOutputTokens: Math.min(maxOutputTokens, model.maxOutputTokens),
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: prompt }] }],
  }
  const startedAt = performance.now()
  let [text, firstTokenMs]: [string, number | null] = ['', null]
  let error: ParleyError | null = null
  try {
    const attempt = attempts.begin(model)
    await attempt.reserve(request)
    let reason: FinishReason = 'truncated'
    try {
      for await (const event of provider(model.provider).stream(request, signal)) {
        attempt.record(event)
        if (event.type === 'text') {
          if (event.delta !== '') firstTokenMs ??= performance.now() - startedAt
          text += event.delta
        } else if (event.type === 'finish') reason = event.reason
      }
      await attempt.end({ reason })
    } catch (thrown) {
      error = asParleyError(thrown)
      await attempt.end({ error })
    }
  } catch (thrown) {
    error = thrown instanceof NotCalled ? thrown.error : asParleyError(thrown)
  }
  return { model, text, firstTokenMs, ms: performance.now() - startedAt, ...attempts.spent(), error }
}
