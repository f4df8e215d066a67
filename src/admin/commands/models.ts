/** Which models there are and which may answer: `models …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd } from '../../core/money.ts'
import { type Spender, scopesOf } from '../../core/scope.ts'
import type { Model } from '../../models/catalogue.ts'
import { modelKey } from '../../models/complete-model.ts'
import { describePrice } from '../../models/describe-price.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import type { Settings } from '../../store/settings.ts'
import { changeSetting, forWhere, orNull } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { type Effective, effective } from '../effective.ts'
import { forbidden, whoMay } from '../grants.ts'
import { bulleted, code, many } from '../text.ts'

export interface ModelDeps {
  settings: Settings
  models(): Promise<Model[]>
}

export const effectiveFor = async (settings: Pick<Settings, 'read'>, spender: Spender): Promise<Effective> => {
  const scopes = scopesOf(spender)
  return effective(scopes, await settings.read(scopes))
}

export function modelCommands({ settings, models }: ModelDeps): Command[] {
  const suggest = async () => {
    const all = await models()
    return all.flatMap((model) => [...model.aliases, nameOf(all, model)])
  }
  const model = (summary?: string) => ({ ...arg.model(summary), suggest })
  async function find(typed: string): Promise<{ all: Model[]; found: Model; name: string }> {
    const all = await models()
    const found = resolveModel(all, typed)
    return { all, found, name: nameOf(all, found) }
  }

  return [
    define({
      name: 'models list',
      summary: 'Which models there are, what they can and what they cost',
      role: 'member',
      args: { which: arg.optional(arg.word('Part of a name, or local')) },
      examples: ['models list', 'models list gpt', 'models list local'],
      async run({ which }, { spender }) {
        const [all, holds] = await Promise.all([models(), effectiveFor(settings, spender)])
        const fits = (each: Model) =>
          which === undefined ||
          (which === 'local'
            ? each.local
            : `${modelKey(each)} ${each.label}`.toLowerCase().includes(which.toLowerCase()))
        const shown = all.filter(fits)
        if (shown.length === 0)
          return { text: `No model's name has ${code(which ?? '')} in it. \`/parley models list\` shows all.` }
        const count = `${many(shown.length, 'model')}${which === undefined ? '' : ` of ${all.length}`}:`
        return {
          text: `${count}\n\n${bulleted(
            shown.map((each) => line(all, each, holds)),
            '`/parley models list <part of a name>`',
          )}`,
        }
      },
    }),
    define({
      name: 'models enable',
      summary: 'Lets a model answer again',
      role: 'manager',
      changes: true,
      args: { model: model(), for: arg.optional(arg.place()) },
      examples: ['models enable gpt-5-mini', 'models enable gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const { found, name } = await find(typed)
        const without = (before: string[] | null) => orNull((before ?? []).filter((each) => each !== modelKey(found)))
        const { before, where } = await changeSetting(settings, caller, 'models.disabled', without, { place })
        if (!before?.includes(modelKey(found))) return { text: `${code(name)} was not switched off${forWhere(where)}.` }
        const still = (await effectiveFor(settings, caller.spender)).models.disabled.has(modelKey(found))
        return {
          text: `${code(name)} may answer${forWhere(where)} again.${still ? ' It stays off here: a wider setting switches it off.' : ''}`,
        }
      },
    }),
    define({
      name: 'models disable',
      summary: 'Keeps a model from answering',
      role: 'manager',
      changes: true,
      args: { model: model(), for: arg.optional(arg.place()) },
      examples: ['models disable gpt-5-mini', 'models disable gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const { found, name } = await find(typed)
        if (found.origin === 'builtin')
          throw new ParleyError('command_invalid', 'Quoting is the last resort and cannot be switched off.')
        const withIt = (before: string[] | null) => [...new Set([...(before ?? []), modelKey(found)])]
        const { where } = await changeSetting(settings, caller, 'models.disabled', withIt, { place })
        return {
          text: `${code(name)} does not answer${forWhere(where)} any more.`,
          buttons: [
            { label: 'Undo', action: { kind: 'command', text: `models enable ${modelKey(found)}${placeText(place)}` } },
          ],
        }
      },
    }),
    define({
      name: 'models default',
      summary: 'Which model answers when nothing else decides',
      role: 'manager',
      changes: true,
      args: { model: model('Its name, or auto: Parley chooses by the question'), for: arg.optional(arg.place()) },
      examples: ['models default gpt-5-mini', 'models default auto', 'models default gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const chosen = typed.toLowerCase() === 'auto' ? null : await find(typed)
        const value = chosen === null ? null : modelKey(chosen.found)
        const { before, where } = await changeSetting(settings, caller, 'models.default', () => value, { place })
        const was = before === null || before === value ? '' : ` It was ${code(before)}.`
        if (chosen === null) return { text: `No default is set${forWhere(where)} any more.${was}` }
        return { text: `${code(chosen.name)} is the default${forWhere(where)}.${was}${caveat(chosen.found)}` }
      },
    }),
    define({
      name: 'models pin',
      summary: 'Always asks this model first, where the policy allows it',
      role: 'member',
      changes: true,
      args: { model: model(), for: arg.optional(arg.place('For whom; without it, you')) },
      examples: ['models pin gpt-5-mini', 'models pin gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const { found, name } = await find(typed)
        const options = { place, own: true }
        const { where } = await changeSetting(settings, caller, 'models.pinned', () => modelKey(found), options)
        return {
          text: `${code(name)} is asked first${forWhere(where)}. \`/parley models unpin\` undoes it.${caveat(found)}`,
        }
      },
    }),
    define({
      name: 'models unpin',
      summary: 'Lets Parley choose the model again',
      role: 'member',
      changes: true,
      args: { for: arg.optional(arg.place('For whom; without it, you')) },
      examples: ['models unpin', 'models unpin for channel'],
      async run({ for: place }, caller) {
        const options = { place, own: true }
        const { before, where } = await changeSetting(settings, caller, 'models.pinned', () => null, options)
        if (before === null) return { text: `No model was pinned${forWhere(where)}.` }
        return { text: `Parley chooses the model${forWhere(where)} again. It was ${code(before)}.` }
      },
    }),
    define({
      name: 'models alias',
      summary: 'Another name for a model, for everybody',
      role: 'admin',
      changes: true,
      args: { alias: arg.word('One word, such as fast', 64), model: model() },
      examples: ['models alias fast gpt-5-mini'],
      async run({ alias, model: typed }, caller) {
        if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(alias))
          throw new ParleyError('command_invalid', `An alias is one word, such as \`fast\`, not ${code(alias)}.`)
        const { all, found, name } = await find(typed)
        const taken = all.find((each) => each.id === alias || modelKey(each) === alias)
        if (taken !== undefined)
          throw new ParleyError('command_invalid', `${code(alias)} is itself a model. Choose another word.`)
        const withIt = (before: Record<string, string> | null) => ({ ...before, [alias]: modelKey(found) })
        const { before } = await changeSetting(settings, caller, 'models.aliases', withIt, { place: { kind: 'all' } })
        const was = before?.[alias]
        return {
          text: `${code(alias)} now means ${code(name)}.${was && was !== modelKey(found) ? ` It meant ${code(was)}.` : ''}`,
        }
      },
    }),
    define({
      name: 'models unalias',
      summary: 'Takes an alias away',
      role: 'admin',
      changes: true,
      args: { alias: arg.word('The alias') },
      examples: ['models unalias fast'],
      async run({ alias }, caller) {
        const without = (before: Record<string, string> | null) => {
          const { [alias]: _gone, ...rest } = before ?? {}
          return orNull(rest)
        }
        const { before } = await changeSetting(settings, caller, 'models.aliases', without, { place: { kind: 'all' } })
        const meant = before?.[alias]
        if (meant === undefined) return { text: `There is no alias ${code(alias)} that was set by command.` }
        return { text: `${code(alias)} means nothing any more. It meant ${code(meant)}.` }
      },
    }),
    define({
      name: 'models price',
      summary: 'What a model costs, in USD per million tokens or per hour of its hardware',
      role: 'admin',
      changes: true,
      args: {
        model: model(),
        input: arg.optional(arg.usd('For a million tokens in')),
        output: arg.optional(arg.usd('For a million tokens out')),
        'cache-read': arg.optional(arg.usd('For a million tokens from the cache')),
        'cache-write': arg.optional(arg.usd('For a million tokens into the cache')),
        'per-hour': arg.optional(arg.usd('For an hour of the hardware')),
        concurrency: arg.optional(arg.number('How many calls the hardware answers at the same time', 1, 10_000)),
        clear: arg.flag('Back to the published price'),
      },
      examples: [
        'models price gpt-5-mini 0.25 2',
        'models price gpt-5-mini 0.25 2 --cache-read 0.025',
        'models price llama3.2 --per-hour 1.80 --concurrency 8',
        'models price gpt-5-mini --clear',
      ],
      async run({ model: typed, input, output, clear, concurrency, ...more }, caller) {
        const { found, name } = await find(typed)
        const [cacheRead, cacheWrite, perHour] = [more['cache-read'], more['cache-write'], more['per-hour']]
        const tokens = input !== undefined && output !== undefined && perHour === undefined
        const hours = perHour !== undefined && input === undefined && output === undefined
        if (!clear && !tokens && !hours) {
          if (input === undefined && perHour === undefined) return { text: `${code(name)}: ${priceOf(found)}.` }
          throw new ParleyError(
            'command_invalid',
            'A price is two amounts, for a million tokens in and out, or `--per-hour` with one. For example: `/parley models price gpt-5-mini 0.25 2`',
          )
        }
        if (!caller.grants.installation) throw forbidden('Setting prices', whoMay('all'))
        const stated = tokens
          ? {
              input: decimalUsd(input),
              output: decimalUsd(output),
              ...(cacheRead === undefined ? {} : { cacheRead: decimalUsd(cacheRead) }),
              ...(cacheWrite === undefined ? {} : { cacheWrite: decimalUsd(cacheWrite) }),
            }
          : { perHour: decimalUsd(perHour ?? 0n), ...(concurrency === undefined ? {} : { concurrency }) }
        await settings.change(
          'all',
          'models.prices',
          (before) => {
            const { [modelKey(found)]: _old, ...rest } = before ?? {}
            return orNull(clear ? rest : { ...rest, [modelKey(found)]: stated })
          },
          caller.by,
        )
        const now = (await models()).find((each) => modelKey(each) === modelKey(found)) ?? found
        return { text: `${code(name)}: ${priceOf(now)}. It was: ${priceOf(found)}.` }
      },
    }),
  ]
}

/** Its id, with the provider where two have the same. */
function nameOf(models: readonly Model[], model: Model): string {
  return models.filter(({ id }) => id === model.id).length > 1 ? modelKey(model) : model.id
}

function line(all: Model[], model: Model, { models: set, policy }: Effective): string {
  if (model.origin === 'builtin') return `${code(model.id)}: quotes the files when no model may answer, free`
  const key = modelKey(model)
  const abilities = [model.vision ? 'sees pictures' : '', model.audio ? 'hears' : '', model.tools ? 'uses tools' : '']
  const marks = [
    set.pinned === key ? 'pinned' : '',
    (set.default === undefined ? model.isDefault : set.default === key) ? 'default' : '',
    whyNot(model, { disabled: set.disabled, policy }),
  ]
  const parts = [
    ...marks.filter((mark) => mark !== '').map((mark) => `**${mark}**`),
    model.local ? 'local' : model.provider,
    model.tier,
    ...abilities.filter((ability) => ability !== ''),
    `${Math.round(model.contextWindow / 1000).toLocaleString('en')}k tokens`,
    priceOf(model),
  ]
  const also = model.aliases.length === 0 ? '' : ` (also ${model.aliases.map(code).join(', ')})`
  return `${code(nameOf(all, model))}${also}: ${parts.join(', ')}`
}

export function whyNot(
  model: Model,
  { disabled, policy }: { disabled: Effective['models']['disabled']; policy: Effective['policy'] },
): string {
  if (model.origin === 'builtin') return ''
  if (!model.enabled || disabled.has(modelKey(model))) return 'off'
  if (policy.localOnly && !model.local) return 'off: local models only'
  return policy.allowedModels === undefined || policy.allowedModels.has(modelKey(model)) ? '' : 'off: not on the list'
}

function priceOf(model: Model): string {
  if (model.price === undefined) return 'price not known, so it is not asked; `/parley models price` sets it'
  const source = { admin: ', as set here', configured: ', as in parley.yaml', published: '', hardware: '', unknown: '' }
  return `${describePrice(model.price)}${source[model.priceSource]}`
}

function caveat(model: Model): string {
  return model.price === undefined
    ? ' Its price is not known, so it is not asked until `/parley models price` sets one.'
    : ''
}

function placeText(place: unknown): string {
  if (typeof place !== 'object' || place === null || !('kind' in place)) return ''
  if ('scope' in place) return ` for ${String(place.scope)}`
  if ('id' in place) return place.kind === 'person' ? ` for <@${String(place.id)}>` : ` for <#${String(place.id)}>`
  return ` for ${place.kind === 'all' ? 'everywhere' : String(place.kind)}`
}
