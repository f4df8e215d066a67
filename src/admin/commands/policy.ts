/** Rules about models, guests and used-up budgets: `policy …`. */
import type { Spender } from '../../core/scope.ts'
import { modelKey } from '../../models/complete-model.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import { policyWording } from '../../wording/commands-models.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeSetting } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { effectiveFor, type ZoneDeps } from '../effective.ts'
import { words } from '../line.ts'
import type { ModelDeps } from './models.ts'

export function policyCommands(deps: ModelDeps & ZoneDeps): Command[] {
  const { settings, models } = deps
  const suggestModels = async () => ['any', ...(await models()).map(modelKey)]
  return [
    define({
      name: 'policy show',
      summary: 'Shows the rules in effect here',
      role: 'member',
      args: {},
      examples: ['policy show'],
      run: async (_, { spender }) => ({
        text: `${policyWording.heading}\n\n${bulleted(await describe(deps, spender))}`,
      }),
    }),
    define({
      name: 'policy local-only',
      summary: 'Allows only local models to answer, or cloud models too',
      role: 'manager',
      changes: true,
      args: { state: arg.onOff('On or off'), for: arg.optional(arg.place()) },
      examples: ['policy local-only on', 'policy local-only on for channel', 'policy local-only off'],
      async run({ state, for: place }, caller) {
        const set = () => (state ? true : null)
        const { who } = await changeSetting(settings, caller, 'policy.localOnly', set, { place })
        const local = (await models()).some((model) => model.local && model.origin !== 'builtin')
        if (!state)
          return { text: policyWording.localAndCloud(who) + (await stillRestricted('localOnly', caller.spender)) }
        return { text: policyWording.localOnly(who) + (local ? '' : policyWording.noLocalModel) }
      },
    }),
    define({
      name: 'policy models',
      summary: 'Limits which models can answer',
      role: 'manager',
      changes: true,
      args: {
        for: { ...arg.optional(arg.place()), choices: ['channel', 'workspace', 'everywhere'] },
        models: { ...arg.rest('Names of models, or any'), suggest: suggestModels },
      },
      examples: ['policy models gpt-5-mini llama3.2', 'policy models channel gpt-5-mini', 'policy models any'],
      async run({ models: typed, for: place }, caller) {
        const names = words(typed.replaceAll(',', ' ')).map(({ text }) => text)
        const all = await models()
        const any = names.length === 1 && names[0]?.toLowerCase() === 'any'
        const keys = any ? null : [...new Set(names.map((name) => modelKey(resolveModel(all, name))))]
        const { who } = await changeSetting(settings, caller, 'policy.allowedModels', () => keys, { place })
        if (keys === null)
          return { text: policyWording.anyModel(who) + (await stillRestricted('allowedModels', caller.spender)) }
        return { text: policyWording.allowed(who, keys) }
      },
    }),
    define({
      name: 'policy guests',
      summary: 'Answers or refuses guests and people from other organizations',
      role: 'manager',
      changes: true,
      args: { what: arg.choice('What they get', ['answer', 'refuse']), for: arg.optional(arg.place()) },
      examples: ['policy guests refuse', 'policy guests answer for channel'],
      async run({ what, for: place }, caller) {
        const set = () => (what === 'refuse' ? what : null)
        const { who } = await changeSetting(settings, caller, 'policy.guests', set, { place })
        const restricted = what === 'refuse' ? '' : await stillRestricted('guests', caller.spender)
        return { text: policyWording.guests(who, what) + restricted }
      },
    }),
    define({
      name: 'policy at-limit',
      summary: 'Sets what happens when a budget is used up',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('Use a cheaper model, or refuse the question', ['cheaper', 'refuse']),
        for: arg.optional(arg.place()),
      },
      examples: ['policy at-limit cheaper', 'policy at-limit refuse for channel'],
      async run({ what, for: place }, caller) {
        const { who } = await changeSetting(settings, caller, 'policy.atLimit', () => what, { place })
        return { text: policyWording.atLimit(who, what) }
      },
    }),
    define({
      name: 'policy follow-ups',
      summary: 'Sets which messages in a thread Parley answers without a mention',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('All messages, those of people who have asked there, or none without a mention', [
          'always',
          'asker',
          'named',
        ]),
        for: arg.optional(arg.place()),
      },
      examples: ['policy follow-ups named for channel', 'policy follow-ups always'],
      async run({ what, for: place }, caller) {
        const { who } = await changeSetting(settings, caller, 'policy.followUps', () => what, { place })
        return { text: policyWording.followUps(who, what) }
      },
    }),
  ]

  /** Says so if another setting still restricts what was just allowed. */
  async function stillRestricted(name: 'localOnly' | 'allowedModels' | 'guests', spender: Spender): Promise<string> {
    const { policy } = await effectiveFor(settings, spender)
    const restricts = {
      localOnly: policy.localOnly,
      allowedModels: policy.allowedModels !== undefined,
      guests: policy.guests === 'refuse',
    }[name]
    return restricts ? policyWording.stillRestricted : ''
  }
}

async function describe({ settings, timeZone }: ModelDeps & ZoneDeps, spender: Spender): Promise<string[]> {
  const { policy, models, timezone } = await effectiveFor(settings, spender)
  const { shown } = policyWording
  return [
    shown.models(policy.localOnly, policy.allowedModels === undefined ? undefined : [...policy.allowedModels]),
    ...(models.disabled.size === 0 ? [] : [shown.disabled([...models.disabled])]),
    ...(models.pinned === undefined ? [] : [shown.pinned(models.pinned)]),
    shown.guests(policy.guests),
    shown.atLimit(policy.atLimit),
    shown.followUps(policy.followUps),
    shown.timeZone(timezone ?? timeZone),
  ]
}
