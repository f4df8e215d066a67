/** The models, and which of them can answer: `models …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd } from '../../core/money.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { chosenByQuestion, routedNames } from '../../core/route-decision.ts'
import type { Model } from '../../models/catalogue.ts'
import { modelKey } from '../../models/complete-model.ts'
import { describePrice } from '../../models/price.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import type { Settings } from '../../store/settings.ts'
import { modelWording } from '../../wording/commands-models.ts'
import { changeSetting, orNull } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { type Effective, effectiveFor } from '../effective.ts'
import { demandInstallation } from '../grants.ts'

const scopeHelp = 'Who it applies to; by default, you'

export interface ModelDeps {
  settings: Settings
  models(): Promise<Model[]>
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
      summary: 'Lists the models, their abilities and their prices',
      role: 'member',
      args: { which: arg.optional(arg.word('Part of a name, or local')) },
      examples: ['models list', 'models list gpt', 'models list local'],
      async run({ which }, { spender }) {
        const [all, settingsHere] = await Promise.all([models(), effectiveFor(settings, spender)])
        const fits = (each: Model) =>
          which === undefined ||
          (which === 'local'
            ? each.local
            : `${modelKey(each)} ${each.label}`.toLowerCase().includes(which.toLowerCase()))
        const shown = all.filter(fits)
        if (shown.length === 0) return { text: modelWording.noMatch(which ?? '') }
        const lines = shown.map((each) => line(all, each, settingsHere))
        return { text: modelWording.list(shown.length, which === undefined ? undefined : all.length, lines) }
      },
    }),
    define({
      name: 'models enable',
      summary: 'Lets a disabled model answer again',
      role: 'manager',
      changes: true,
      args: { model: model(), for: arg.optional(arg.place()) },
      examples: ['models enable gpt-5-mini', 'models enable gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const { found, name } = await find(typed)
        const without = (before: string[] | null) => orNull((before ?? []).filter((each) => each !== modelKey(found)))
        const { before, who } = await changeSetting(settings, caller, 'models.disabled', without, { place })
        if (!before?.includes(modelKey(found))) return { text: modelWording.wasEnabled(name, who) }
        const still = (await effectiveFor(settings, caller.spender)).models.disabled.has(modelKey(found))
        return { text: modelWording.enabled(name, who, still) }
      },
    }),
    define({
      name: 'models disable',
      summary: 'Stops a model from answering',
      role: 'manager',
      changes: true,
      args: { model: model(), for: arg.optional(arg.place()) },
      examples: ['models disable gpt-5-mini', 'models disable gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const { found, name } = await find(typed)
        if (found.origin === 'builtin') throw new ParleyError('command_invalid', modelWording.quotingStays)
        const withIt = (before: string[] | null) => [...new Set([...(before ?? []), modelKey(found)])]
        const { who } = await changeSetting(settings, caller, 'models.disabled', withIt, { place })
        const set = (await effectiveFor(settings, caller.spender)).models.default
        const isDefault = set === undefined ? found.isDefault === true : set === modelKey(found)
        return {
          text: modelWording.disabled(name, who) + (isDefault ? modelWording.wasDefault : ''),
          buttons: [
            {
              label: modelWording.undo,
              action: { kind: 'command', text: `models enable ${modelKey(found)}${placeText(place)}` },
            },
          ],
        }
      },
    }),
    define({
      name: 'models default',
      summary: 'Sets the model that answers when no model is pinned or requested',
      role: 'manager',
      changes: true,
      args: { model: model('A model, or auto to let Parley choose for each question'), for: arg.optional(arg.place()) },
      examples: ['models default gpt-5-mini', 'models default auto', 'models default gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const chosen = typed.toLowerCase() === 'auto' ? null : await find(typed)
        const value = chosen === null ? chosenByQuestion : modelKey(chosen.found)
        const { before, who } = await changeSetting(settings, caller, 'models.default', () => value, { place })
        const was = before === value || before === chosenByQuestion ? null : before
        if (chosen === null) return { text: modelWording.noDefault(who, was) }
        return { text: modelWording.default(chosen.name, who, was) + caveat(chosen.found) }
      },
    }),
    define({
      name: 'models pin',
      summary: 'Always uses this model where the policy allows it',
      role: 'member',
      changes: true,
      args: { model: model(), for: arg.optional(arg.place(scopeHelp)) },
      examples: ['models pin gpt-5-mini', 'models pin gpt-5-mini for channel'],
      async run({ model: typed, for: place }, caller) {
        const { found, name } = await find(typed)
        const options = { place, own: true }
        const { who } = await changeSetting(settings, caller, 'models.pinned', () => modelKey(found), options)
        return { text: modelWording.pinned(name, who) + caveat(found) }
      },
    }),
    define({
      name: 'models unpin',
      summary: 'Lets Parley choose the model again',
      role: 'member',
      changes: true,
      args: { for: arg.optional(arg.place(scopeHelp)) },
      examples: ['models unpin', 'models unpin for channel'],
      async run({ for: place }, caller) {
        const options = { place, own: true }
        const { before, who } = await changeSetting(settings, caller, 'models.pinned', () => null, options)
        return { text: before === null ? modelWording.notPinned(who) : modelWording.unpinned(who, before) }
      },
    }),
    define({
      name: 'models alias',
      summary: 'Gives a model another name, for everyone',
      role: 'admin',
      changes: true,
      args: { alias: arg.word('One word, such as fast', 64), model: model() },
      examples: ['models alias fast gpt-5-mini'],
      async run({ alias, model: typed }, caller) {
        if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(alias))
          throw new ParleyError('command_invalid', modelWording.aliasNotOneWord(alias))
        if (routedNames.includes(alias.toLowerCase()))
          throw new ParleyError('command_invalid', modelWording.aliasReserved(alias))
        const { all, found, name } = await find(typed)
        const taken = all.find((each) => each.id === alias || modelKey(each) === alias)
        if (taken !== undefined) throw new ParleyError('command_invalid', modelWording.aliasIsModel(alias))
        const withIt = (before: Record<string, string> | null) => ({ ...before, [alias]: modelKey(found) })
        const { before } = await changeSetting(settings, caller, 'models.aliases', withIt, { place: { kind: 'all' } })
        const was = before?.[alias]
        return { text: modelWording.alias(alias, name, was === undefined || was === modelKey(found) ? null : was) }
      },
    }),
    define({
      name: 'models unalias',
      summary: 'Removes an alias',
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
        return { text: meant === undefined ? modelWording.noAlias(alias) : modelWording.aliasRemoved(alias, meant) }
      },
    }),
    define({
      name: 'models price',
      summary: 'Shows or sets the price of a model, in USD per million tokens or per hour of its hardware',
      role: 'admin',
      changes: true,
      args: {
        model: model(),
        input: arg.optional(arg.usd('Price per million input tokens')),
        output: arg.optional(arg.usd('Price per million output tokens')),
        'cache-read': arg.optional(arg.usd('Price per million tokens read from the cache')),
        'cache-write': arg.optional(arg.usd('Price per million tokens written to the cache')),
        'per-hour': arg.optional(arg.usd('Price per hour of the hardware')),
        concurrency: arg.optional(arg.number('How many calls the hardware answers at a time', 1, 10_000)),
        clear: arg.flag('Goes back to the published price'),
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
        if (clear && [input, output, cacheRead, cacheWrite, perHour].some((amount) => amount !== undefined))
          throw new ParleyError('command_invalid', modelWording.priceOrClear)
        if (!clear && !tokens && !hours) {
          if (input === undefined && perHour === undefined) return { text: modelWording.price(name, priceOf(found)) }
          throw new ParleyError('command_invalid', modelWording.notAPrice)
        }
        demandInstallation(caller.grants, modelWording.setPrices)
        const decimal = (amount: bigint | undefined) => (amount === undefined ? undefined : decimalUsd(amount))
        const stated = tokens
          ? omitUndefined({
              input: decimalUsd(input),
              output: decimalUsd(output),
              cacheRead: decimal(cacheRead),
              cacheWrite: decimal(cacheWrite),
            })
          : omitUndefined({ perHour: decimalUsd(perHour ?? 0n), concurrency })
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
        const before = found.price === undefined ? modelWording.noPrice : priceOf(found)
        return { text: modelWording.priceSet(name, priceOf(now), before) }
      },
    }),
  ]
}

/** The id of a model, with the provider if two models have the same id. */
function nameOf(models: readonly Model[], model: Model): string {
  return models.filter(({ id }) => id === model.id).length > 1 ? modelKey(model) : model.id
}

function line(all: Model[], model: Model, { models: set, policy }: Effective): string {
  if (model.origin === 'builtin') return modelWording.quoting(model.id)
  const key = modelKey(model)
  const { facts } = modelWording
  const abilities = [model.vision ? facts.vision : '', model.audio ? facts.audio : '', model.tools ? facts.tools : '']
  const marks = [
    set.pinned === key ? facts.pinned : '',
    (set.default === undefined ? model.isDefault : set.default === key) ? facts.default : '',
    whyNot(model, { disabled: set.disabled, policy }),
  ]
  const parts = [
    ...marks.filter((mark) => mark !== '').map((mark) => `**${mark}**`),
    model.local ? facts.local : model.provider,
    model.tier,
    ...abilities.filter((ability) => ability !== ''),
    facts.contextWindow(model.contextWindow),
    priceOf(model),
  ]
  return modelWording.line(nameOf(all, model), model.aliases, parts)
}

export function whyNot(
  model: Model,
  { disabled, policy }: { disabled: Effective['models']['disabled']; policy: Effective['policy'] },
): string {
  if (model.origin === 'builtin') return ''
  if (!model.enabled || disabled.has(modelKey(model))) return modelWording.off.disabled
  if (policy.localOnly && !model.local) return modelWording.off.localOnly
  return policy.allowedModels === undefined || policy.allowedModels.has(modelKey(model))
    ? ''
    : modelWording.off.notAllowed
}

function priceOf(model: Model): string {
  if (model.price === undefined) return modelWording.noPriceYet
  return describePrice(model.price) + modelWording.priceSource[model.priceSource]
}

function caveat(model: Model): string {
  return model.price === undefined ? modelWording.needsPrice : ''
}

function placeText(place: unknown): string {
  if (typeof place !== 'object' || place === null || !('kind' in place)) return ''
  if ('scope' in place) return ` for ${String(place.scope)}`
  if ('id' in place) return place.kind === 'person' ? ` for <@${String(place.id)}>` : ` for <#${String(place.id)}>`
  return ` for ${place.kind === 'all' ? 'everywhere' : String(place.kind)}`
}
