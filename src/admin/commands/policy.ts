/** What may happen where: `policy …`. */
import type { Spender } from '../../core/scope.ts'
import { modelKey } from '../../models/complete-model.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import { changeSetting, forWhere } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { words } from '../line.ts'
import { bulleted, code, listed } from '../text.ts'
import type { ZoneDeps } from '../time-zone.ts'
import { effectiveFor, type ModelDeps } from './models.ts'

export function policyCommands(deps: ModelDeps & ZoneDeps): Command[] {
  const { settings, models } = deps
  const suggestModels = async () => ['any', ...(await models()).map(modelKey)]
  return [
    define({
      name: 'policy show',
      summary: 'What holds here',
      role: 'member',
      args: {},
      examples: ['policy show'],
      run: async (_, { spender }) => ({
        text: `What holds for you here:\n\n${bulleted(await describe(deps, spender))}`,
      }),
    }),
    define({
      name: 'policy local-only',
      summary: 'Whether only models on own hardware may answer',
      role: 'manager',
      changes: true,
      args: { state: arg.onOff('on or off'), for: arg.optional(arg.place()) },
      examples: ['policy local-only on', 'policy local-only on for channel', 'policy local-only off'],
      async run({ state, for: place }, caller) {
        const set = () => (state ? true : null)
        const { where } = await changeSetting(settings, caller, 'policy.localOnly', set, { place })
        const local = (await models()).some((model) => model.local && model.origin !== 'builtin')
        if (!state)
          return { text: `Any allowed model may answer${forWhere(where)}.${await wider('localOnly', caller.spender)}` }
        return {
          text: `Only models on own hardware answer${forWhere(where)} from now on.${local ? '' : ' There is none yet, so files are quoted. `/parley models pull` brings one where Ollama runs.'}`,
        }
      },
    }),
    define({
      name: 'policy models',
      summary: 'Which models may answer',
      role: 'manager',
      changes: true,
      args: {
        for: { ...arg.optional(arg.place()), choices: ['channel', 'workspace', 'everywhere'] },
        models: { ...arg.rest('Their names, or any'), suggest: suggestModels },
      },
      examples: ['policy models gpt-5-mini llama3.2', 'policy models channel gpt-5-mini', 'policy models any'],
      async run({ models: typed, for: place }, caller) {
        const names = words(typed.replaceAll(',', ' ')).map(({ text }) => text)
        const all = await models()
        const any = names.length === 1 && names[0]?.toLowerCase() === 'any'
        const keys = any ? null : [...new Set(names.map((name) => modelKey(resolveModel(all, name))))]
        const { where } = await changeSetting(settings, caller, 'policy.allowedModels', () => keys, { place })
        if (keys === null)
          return { text: `Any model may answer${forWhere(where)}.${await wider('allowedModels', caller.spender)}` }
        return { text: `Only ${listed(keys.map(code))} may answer${forWhere(where)} from now on.` }
      },
    }),
    define({
      name: 'policy guests',
      summary: 'Whether guests and people of other organisations get answers',
      role: 'manager',
      changes: true,
      args: { what: arg.choice('answer or refuse', ['answer', 'refuse']), for: arg.optional(arg.place()) },
      examples: ['policy guests refuse', 'policy guests answer for channel'],
      async run({ what, for: place }, caller) {
        const set = () => (what === 'refuse' ? what : null)
        const { where } = await changeSetting(settings, caller, 'policy.guests', set, { place })
        const say = what === 'refuse' ? 'get no answers' : 'get answers'
        return {
          text: `Guests and people of other organisations ${say}${forWhere(where)}.${what === 'refuse' ? '' : await wider('guests', caller.spender)}`,
        }
      },
    }),
    define({
      name: 'policy at-limit',
      summary: 'What happens when a budget is used up',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('a cheaper model, or a refusal', ['cheaper', 'refuse']),
        for: arg.optional(arg.place()),
      },
      examples: ['policy at-limit cheaper', 'policy at-limit refuse for channel'],
      async run({ what, for: place }, caller) {
        const { where } = await changeSetting(settings, caller, 'policy.atLimit', () => what, { place })
        const say = what === 'cheaper' ? 'a cheaper model answers while there is one' : 'the question is refused'
        return { text: `When a budget is used up, ${say}${forWhere(where)}.` }
      },
    }),
  ]

  /** A wider setting that still restricts. */
  async function wider(name: 'localOnly' | 'allowedModels' | 'guests', spender: Spender): Promise<string> {
    const { policy } = await effectiveFor(settings, spender)
    const restricts = {
      localOnly: policy.localOnly,
      allowedModels: policy.allowedModels !== undefined,
      guests: policy.guests === 'refuse',
    }[name]
    return restricts ? ' Here a wider or a narrower setting still restricts it; `/parley policy show` tells.' : ''
  }
}

async function describe({ settings, timeZone }: ModelDeps & ZoneDeps, spender: Spender): Promise<string[]> {
  const { policy, models, timezone } = await effectiveFor(settings, spender)
  const allowed = policy.allowedModels
  const names =
    allowed === undefined ? 'any' : listed([...allowed].map(code)) || 'none, because two lists exclude each other'
  return [
    `Models: ${policy.localOnly ? 'on own hardware only' : 'local and cloud'}; allowed: ${names}`,
    ...(models.disabled.size === 0 ? [] : [`Switched off: ${listed([...models.disabled].map(code))}`]),
    ...(models.pinned === undefined ? [] : [`Asked first: ${code(models.pinned)}`]),
    `Guests and people of other organisations: ${policy.guests === 'answer' ? 'get answers' : 'get no answers'}`,
    `When a budget is used up: ${policy.atLimit === 'cheaper' ? 'a cheaper model' : 'a refusal'}`,
    `Budgets reset in the time zone ${timezone ?? timeZone}`,
  ]
}
