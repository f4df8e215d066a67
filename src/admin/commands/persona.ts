/** How Parley answers: `persona …`, for oneself, a channel, the workspace or everywhere. */
import { scopesOf } from '../../core/scope.ts'
import type { SettingName, Settings } from '../../store/settings.ts'
import { changeSetting, forWhere } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { demand, nameOf, type Place, scopeOfPlace } from '../place.ts'
import { bulleted, quoted } from '../text.ts'

const names = {
  instructions: 'persona.instructions',
  language: 'persona.language',
  temperature: 'persona.temperature',
  length: 'persona.maxOutputTokens',
} as const satisfies Record<string, SettingName>

const forWhom = 'For whom; without it, you'

export function personaCommands({ settings }: { settings: Settings }): Command[] {
  const set = async <Name extends (typeof names)[keyof typeof names]>(
    name: Name,
    value: Parameters<typeof changeSetting<Name>>[3],
    place: Place | undefined,
    caller: Caller,
  ) => changeSetting(settings, caller, name, value, { place, own: true })

  return [
    define({
      name: 'persona show',
      summary: 'How Parley answers you here',
      role: 'member',
      args: {},
      examples: ['persona show'],
      async run(_, { spender }) {
        const scopes = scopesOf(spender)
        const found = await settings.read(scopes)
        const lines = scopes.flatMap((scope) => {
          const values = found.get(scope) ?? {}
          const parts = [
            quoted(values[names.instructions] ?? ''),
            values[names.language] === undefined ? '' : `answers in ${values[names.language]}`,
            values[names.temperature] === undefined ? '' : `temperature ${values[names.temperature]}`,
            values[names.length] === undefined ? '' : `at most ${values[names.length]} tokens`,
          ].filter((part) => part !== '' && part !== quoted(''))
          return parts.length === 0 ? [] : [`For ${nameOf(scope, spender)}: ${parts.join(', ')}`]
        })
        if (lines.length === 0)
          return { text: 'Nothing special is set. `/parley persona instructions me Answer briefly.` sets something.' }
        return { text: `${bulleted(lines)}\n\nInstructions add up; of the rest the narrowest counts.` }
      },
    }),
    define({
      name: 'persona instructions',
      summary: 'What Parley is to heed in every answer',
      role: 'member',
      changes: true,
      args: { for: arg.optional(arg.place(forWhom)), text: arg.rest('The instructions', 4000) },
      examples: [
        'persona instructions Answer briefly.',
        'persona instructions channel "Name the clause of the contract for every claim."',
      ],
      async run({ for: place, text }, caller) {
        const { before, where } = await set(names.instructions, () => text, place, caller)
        const was = before === null ? '' : ` Before: ${quoted(before, 120)}`
        return { text: `Noted${forWhere(where)}: ${quoted(text, 200)}${was}` }
      },
    }),
    define({
      name: 'persona language',
      summary: 'In which language Parley answers',
      role: 'member',
      changes: true,
      args: { language: arg.word('A language', 80), for: arg.optional(arg.place(forWhom)) },
      examples: ['persona language German', 'persona language "Brazilian Portuguese" for channel'],
      async run({ language, for: place }, caller) {
        const { where } = await set(names.language, () => language, place, caller)
        return { text: `Parley answers in ${language}${forWhere(where)}.` }
      },
    }),
    define({
      name: 'persona temperature',
      summary: 'From 0, always alike, to 2, full of surprises',
      role: 'member',
      changes: true,
      args: { value: arg.number('0 to 2', 0, 2, false), for: arg.optional(arg.place(forWhom)) },
      examples: ['persona temperature 0.2', 'persona temperature 1 for channel'],
      async run({ value, for: place }, caller) {
        const { where } = await set(names.temperature, () => value, place, caller)
        return { text: `The temperature is ${value}${forWhere(where)}. Models that take none go without.` }
      },
    }),
    define({
      name: 'persona length',
      summary: 'How long an answer may be, in tokens (about three quarters of a word)',
      role: 'member',
      changes: true,
      args: { tokens: arg.number('Tokens', 16, 100_000), for: arg.optional(arg.place(forWhom)) },
      examples: ['persona length 500', 'persona length 2000 for workspace'],
      async run({ tokens, for: place }, caller) {
        const { where } = await set(names.length, () => tokens, place, caller)
        return { text: `An answer has at most ${tokens.toLocaleString('en')} tokens${forWhere(where)}.` }
      },
    }),
    define({
      name: 'persona clear',
      summary: 'Takes back what was set',
      role: 'member',
      changes: true,
      args: {
        what: arg.optional(arg.choice('What; without it, all', ['instructions', 'language', 'temperature', 'length'])),
        for: arg.optional(arg.place(forWhom)),
      },
      examples: ['persona clear', 'persona clear language', 'persona clear instructions for channel'],
      async run({ what, for: place }, caller) {
        const { spender, grants: membership, by } = caller
        const scope = await scopeOfPlace(place ?? { kind: 'me' }, spender)
        demand(membership, scope, spender, { own: true })
        const cleared: string[] = []
        for (const name of what === undefined ? Object.values(names) : [names[what]]) {
          const { before } = await settings.change(scope, name, () => null, by)
          if (before !== null) cleared.push(name.slice('persona.'.length).replace('maxOutputTokens', 'length'))
        }
        const where = forWhere(nameOf(scope, spender))
        if (cleared.length === 0) return { text: `Nothing was set${where}.` }
        return { text: `Taken back${where}: ${cleared.join(', ')}.` }
      },
    }),
  ]
}
