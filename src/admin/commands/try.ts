/** Asking models outside of any conversation, and the models that this installation keeps itself. */

import type { Notice } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import type { ReplyTarget } from '../../core/message.ts'
import { formatUsd } from '../../core/money.ts'
import type { Model } from '../../models/catalogue.ts'
import { modelKey } from '../../models/complete-model.ts'
import type { LocalModels } from '../../models/local-models.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import type { Audit } from '../../store/audit.ts'
import type { Settings } from '../../store/settings.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { forbidden, whoMay } from '../grants.ts'
import { code, quoted } from '../text.ts'
import { type Tried, type TryDeps, tryModel } from '../try-model.ts'
import { effectiveFor, whyNot } from './models.ts'

export interface LocalDeps extends TryDeps {
  settings: Settings
  audit: Audit
  models(): Promise<Model[]>
  refreshModels(): Promise<void>
  /** Absent where no Ollama is configured. */
  local: LocalModels | undefined
  /** Says something later where a command was typed. */
  notify(target: ReplyTarget, notice: Notice, key: string): Promise<void>
}

const testMs = 60_000
const compareMs = 120_000
const pullMs = 6 * 3_600_000
const most = 5

export function tryCommands(deps: LocalDeps): Command[] {
  const { settings, audit, models, local, notify: userMessage } = deps
  const suggest = async () => (await models()).map(modelKey)
  /** What is being fetched, and how far it is. */
  const pulling = new Map<string, string>()

  async function allowed(typed: string, caller: Caller): Promise<Model> {
    const model = resolveModel(await models(), typed)
    const { models: set, policy } = await effectiveFor(settings, caller.spender)
    const not = whyNot(model, { disabled: set.disabled, policy })
    if (not === '') return model
    throw new ParleyError(
      'model_not_allowed',
      `${code(modelKey(model))} may not be asked here (${not}). \`/parley policy show\` tells what holds.`,
    )
  }

  function keeper(): LocalModels {
    if (local !== undefined) return local
    throw new ParleyError(
      'command_invalid',
      'There is no Ollama here that keeps models. Set OLLAMA_HOST and start Parley again.',
    )
  }

  return [
    define({
      name: 'models test',
      summary: 'Asks a model one short question, and tells how it went',
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
        models: { ...arg.word('Names with commas between them', 500), suggest },
        question: arg.rest('The question'),
      },
      examples: ['models compare gpt-5-mini,llama3.2 "Why is the sky blue?"'],
      async run({ models: typed, question }, caller) {
        const names = [...new Set(typed.split(',').filter((name) => name !== ''))]
        if (names.length < 2 || names.length > most)
          throw new ParleyError(
            'command_invalid',
            `Compare 2 to ${most} models, with commas between their names: \`/parley models compare gpt-5-mini,llama3.2 "Why?"\``,
          )
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
      summary: 'Fetches a model to own hardware',
      role: 'admin',
      changes: true,
      args: { name: arg.word('As Ollama calls it') },
      examples: ['models pull llama3.2'],
      async run({ name }, caller) {
        if (!caller.grants.installation) throw forbidden('Fetching models', whoMay('all'))
        const keeps = keeper()
        const far = pulling.get(name)
        if (far !== undefined) return { text: `${code(name)} is being fetched: ${far}.` }
        pulling.set(name, 'it has just begun')
        void pull(keeps, name, caller)
        return {
          text: `${code(name)} is being fetched. You are told here when it is there; the same command tells how far it is.`,
        }
      },
    }),
    define({
      name: 'models remove',
      summary: 'Deletes a model from own hardware',
      role: 'admin',
      changes: true,
      args: { name: arg.word('As Ollama calls it') },
      examples: ['models remove llama3.2'],
      async run({ name }, caller) {
        if (!caller.grants.installation) throw forbidden('Deleting models', whoMay('all'))
        const keeps = keeper()
        await keeps.delete(name, AbortSignal.timeout(testMs))
        await record(caller, keeps, name, false)
        return { text: `${code(name)} is deleted. \`/parley models pull ${name}\` brings it back.` }
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

  /** In the background: it takes minutes to hours. */
  async function pull(keeps: LocalModels, name: string, caller: Caller): Promise<void> {
    const { replyTarget, id } = caller.call
    let end = `${code(name)} is there. \`models test ${name}\` asks it something.`
    try {
      for await (const { status, completed, total } of keeps.pull(name, AbortSignal.timeout(pullMs)))
        pulling.set(
          name,
          total === 0 ? status : `${Math.floor((100 * completed) / total)} % of ${(total / 1e9).toFixed(1)} GB`,
        )
      await record(caller, keeps, name, true)
    } catch (thrown) {
      end = `${code(name)} was not fetched. ${thrown instanceof ParleyError ? thrown.userMessage : 'Please try again; it goes on where it stopped.'}`
    } finally {
      pulling.delete(name)
    }
    await userMessage(replyTarget, { text: end }, `${id}.pulled`).catch(() => undefined)
  }
}

function lineOf({ model, text, firstTokenMs, ms, usage, cost, error }: Tried): string {
  const name = `**${modelKey(model)}**`
  if (error !== null) return `${name}: ${error.userMessage}`
  const seconds = (value: number) => `${(value / 1000).toFixed(2)} s`
  const first = firstTokenMs === null ? 'no text' : `first words after ${seconds(firstTokenMs)}`
  const tokens =
    usage === undefined
      ? ''
      : `, ${usage.input} tokens in, ${usage.output} out${usage.source === 'estimated' ? ' (estimated)' : ''}`
  return `${name}: ${text.length > 0 && text.length < 40 ? `${quoted(text)}, ` : ''}${first}, ${seconds(ms)} in all${tokens}, ${formatUsd(cost)}`
}
