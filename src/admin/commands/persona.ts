/** How Parley answers: `persona …`, for a person, a channel, the workspace or everyone. */
import { ownScope, scopeOf, scopesOf } from '../../core/scope.ts'
import type { SettingName, Settings } from '../../store/settings.ts'
import { personaWording, scopeName } from '../../wording/commands.ts'
import { bulleted, quoted } from '../../wording/phrases.ts'
import { changeSetting } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { demand, type Place, scopeOfPlace } from '../place.ts'

const names = {
  instructions: 'persona.instructions',
  language: 'persona.language',
  temperature: 'persona.temperature',
  length: 'persona.maxOutputTokens',
} as const satisfies Record<string, SettingName>

const scopeHelp = 'Who it applies to; by default, you'

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
      summary: 'Shows how Parley answers you here',
      role: 'member',
      args: {},
      examples: ['persona show'],
      async run(_, { spender, names: scopeNames }) {
        const scopes = scopesOf(spender)
        const found = await settings.read(scopes)
        const lines = scopes.flatMap((scope) => {
          const values = found.get(scope) ?? {}
          const parts = [
            quoted(values[names.instructions] ?? ''),
            shown(values[names.language], personaWording.answersIn),
            shown(values[names.temperature], personaWording.hasTemperature),
            shown(values[names.length], personaWording.atMost),
          ].filter((part) => part !== '' && part !== quoted(''))
          return parts.length === 0 ? [] : [personaWording.line(scopeName(scope, spender, scopeNames), parts)]
        })
        if (lines.length === 0) return { text: personaWording.none }
        return { text: `${bulleted(lines)}\n\n${personaWording.howTheyCombine}` }
      },
    }),
    define({
      name: 'persona instructions',
      summary: 'Sets standing instructions for every answer',
      role: 'member',
      changes: true,
      args: { for: arg.optional(arg.place(scopeHelp)), text: arg.rest('The instructions', 4000) },
      examples: [
        'persona instructions Answer briefly.',
        'persona instructions for channel "Name the clause of the contract for every claim."',
      ],
      async run({ for: place, text }, caller) {
        const { before, who } = await set(names.instructions, () => text, place, caller)
        return { text: personaWording.instructions(who, text, before) }
      },
    }),
    define({
      name: 'persona language',
      summary: 'Sets the language of answers',
      role: 'member',
      changes: true,
      args: { language: arg.word('A language', 80), for: arg.optional(arg.place(scopeHelp)) },
      examples: ['persona language German', 'persona language "Brazilian Portuguese" for channel'],
      async run({ language, for: place }, caller) {
        const { who } = await set(names.language, () => language, place, caller)
        return { text: personaWording.language(who, language) }
      },
    }),
    define({
      name: 'persona temperature',
      summary: 'Sets how varied answers are, from 0 (always alike) to 2 (very varied)',
      role: 'member',
      changes: true,
      args: { value: arg.number('A number from 0 to 2', 0, 2, false), for: arg.optional(arg.place(scopeHelp)) },
      examples: ['persona temperature 0.2', 'persona temperature 1 for channel'],
      async run({ value, for: place }, caller) {
        const { who } = await set(names.temperature, () => value, place, caller)
        return { text: personaWording.temperature(who, value) }
      },
    }),
    define({
      name: 'persona length',
      summary: 'Limits the length of answers, in tokens (about three quarters of a word each)',
      role: 'member',
      changes: true,
      args: {
        tokens: arg.number('The most tokens of an answer', 16, 100_000),
        for: arg.optional(arg.place(scopeHelp)),
      },
      examples: ['persona length 500', 'persona length 2000 for workspace'],
      async run({ tokens, for: place }, caller) {
        const { who } = await set(names.length, () => tokens, place, caller)
        return { text: personaWording.length(who, tokens) }
      },
    }),
    define({
      name: 'persona clear',
      summary: 'Clears persona settings',
      role: 'member',
      changes: true,
      args: {
        what: arg.optional(
          arg.choice('What to clear; by default, everything', ['instructions', 'language', 'temperature', 'length']),
        ),
        for: arg.optional(arg.place(scopeHelp)),
      },
      examples: ['persona clear', 'persona clear language', 'persona clear instructions for channel'],
      async run({ what, for: place }, caller) {
        const { spender, by } = caller
        const scope = await scopeOfPlace(place ?? { kind: 'me' }, caller)
        demand(caller, scope, { own: true })
        // What the account had before it was linked is theirs, too.
        const scopes = scope === ownScope(spender) ? [...new Set([scope, scopeOf.user(spender)])] : [scope]
        const cleared = new Set<string>()
        for (const name of what === undefined ? Object.values(names) : [names[what]])
          for (const each of scopes) {
            const { before } = await settings.change(each, name, () => null, by)
            if (before !== null) cleared.add(name.slice('persona.'.length).replace('maxOutputTokens', 'length'))
          }
        const who = scopeName(scope, spender, caller.names)
        return { text: cleared.size === 0 ? personaWording.nothingSet(who) : personaWording.cleared(who, [...cleared]) }
      },
    }),
  ]
}

function shown<Value>(value: Value | undefined, inWords: (value: Value) => string): string {
  return value === undefined ? '' : inWords(value)
}
