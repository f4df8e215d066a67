/** Questions that are asked again and again: `templates …`. Their `{{variables}}` are filled in when they are used. */
import { ParleyError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import type { Spender } from '../../core/scope.ts'
import type { Settings } from '../../store/settings.ts'
import { changeSetting, forWhere, orNull } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { nearest, words } from '../line.ts'
import { bulleted, code, listed, quoted } from '../text.ts'
import { effectiveFor } from './models.ts'

export interface TemplateDeps {
  settings: Settings
  /** Takes a question in, as if the person had typed it. */
  ask(message: IncomingMessage): Promise<unknown>
}

const forWhom = 'For whom; without it, you'
const nameForm = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,49}$/u
const most = 100
const variable = /\{\{\s*([\p{L}\p{N}_.-]{1,50})\s*\}\}/gu

export function templateCommands({ settings, ask }: TemplateDeps): Command[] {
  const known = async (spender: Spender) => (await effectiveFor(settings, spender)).persona.templates
  const suggest = async ({ spender }: { spender: Spender }) => Object.keys(await known(spender))
  const name = { ...arg.word('Its name', 50), suggest }

  async function find(typed: string, spender: Spender): Promise<string> {
    const all = await known(spender)
    const found = Object.hasOwn(all, typed) ? all[typed] : undefined
    if (found !== undefined) return found
    const meant = nearest(typed, Object.keys(all))
    const hint = meant === undefined ? '' : ` Did you mean ${code(meant)}?`
    throw new ParleyError(
      'command_invalid',
      `There is no template ${code(typed)} here.${hint} \`/parley templates list\` shows all.`,
    )
  }

  return [
    define({
      name: 'templates list',
      summary: 'The saved questions',
      role: 'member',
      args: {},
      examples: ['templates list'],
      async run(_, { spender }) {
        const lines = Object.entries(await known(spender)).map(([each, text]) => {
          const wants = variablesOf(text)
          return `${code(each)}${wants.length === 0 ? '' : ` (wants ${listed(wants.map(code))})`}: ${quoted(text, 120)}`
        })
        if (lines.length === 0)
          return {
            text: 'No templates are saved. `/parley templates save summary Summarise {{document}} in five lines.` saves one.',
          }
        return { text: bulleted(lines) }
      },
    }),
    define({
      name: 'templates save',
      summary: 'Saves a question; what changes in it stands in {{braces}}',
      role: 'member',
      changes: true,
      args: {
        name: arg.word('One word', 50),
        for: arg.optional(arg.place(forWhom)),
        text: arg.rest('The question', 8000),
      },
      examples: [
        'templates save summary Summarise {{document}} in five lines.',
        'templates save translate channel Translate into {{language}}: {{text}}',
      ],
      async run({ name: typed, for: place, text }, caller) {
        if (!nameForm.test(typed))
          throw new ParleyError(
            'command_invalid',
            `A template's name is one word, such as \`summary\`, not ${code(typed)}.`,
          )
        const options = { place, own: true }
        const withIt = (before: Record<string, string> | null) => {
          const all = { ...before, [typed]: text }
          if (Object.keys(all).length <= most) return all
          throw new ParleyError(
            'command_invalid',
            `There are ${most} templates already. Remove one with \`/parley templates remove\`.`,
          )
        }
        const { before, where } = await changeSetting(settings, caller, 'persona.templates', withIt, options)
        const wants = variablesOf(text)
        const use = [`/parley templates use ${typed}`, ...wants.map((each) => `${each}=…`)].join(' ')
        return {
          text: `${before?.[typed] === undefined ? 'Saved' : 'Replaced'}${forWhere(where)}. To use it: ${code(use)}`,
        }
      },
    }),
    define({
      name: 'templates remove',
      summary: 'Removes a saved question',
      role: 'member',
      changes: true,
      args: { name, for: arg.optional(arg.place(forWhom)) },
      examples: ['templates remove summary', 'templates remove translate for channel'],
      async run({ name: typed, for: place }, caller) {
        const options = { place, own: true }
        const without = (before: Record<string, string> | null) => {
          const { [typed]: _gone, ...rest } = before ?? {}
          return orNull(rest)
        }
        const { before, where } = await changeSetting(settings, caller, 'persona.templates', without, options)
        const was = before?.[typed]
        if (was === undefined) return { text: `No template ${code(typed)} was saved${forWhere(where)}.` }
        return { text: `Removed${forWhere(where)}: ${quoted(was, 200)}` }
      },
    }),
    define({
      name: 'templates use',
      summary: 'Asks a saved question',
      role: 'member',
      changes: true,
      args: { name, values: arg.optional(arg.rest('name=value for each variable')) },
      examples: ['templates use summary document="the attached report"'],
      async run({ name: typed, values = '' }, caller) {
        const text = fill(typed, await find(typed, caller.spender), values)
        await ask(questionOf(caller, text))
        return { text: `Asked: ${quoted(text, 500)}` }
      },
    }),
  ]
}

function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(variable)].map((match) => match[1] ?? ''))]
}

/** `document="the report" tone=kind`; what is given without a name fills the only variable. Throws `command_invalid`. */
export function fill(name: string, template: string, given: string): string {
  const wanted = variablesOf(template)
  const values = new Map<string, string>()
  for (const { text } of words(given)) {
    const [key = '', value] = text.split(/=(.*)/s)
    if (value !== undefined && wanted.includes(key)) values.set(key, value)
  }
  const [only] = wanted
  if (only !== undefined && wanted.length === 1 && values.size === 0 && given.trim() !== '')
    values.set(only, given.trim())
  const missing = wanted.filter((each) => !values.has(each))
  if (missing.length > 0) {
    const example = [`/parley templates use ${name}`, ...wanted.map((each) => `${each}="…"`)].join(' ')
    throw new ParleyError(
      'command_invalid',
      `${code(name)} wants ${listed(missing.map(code))}. For example: ${code(example)}`,
    )
  }
  return template.replaceAll(variable, (_, key: string) => values.get(key) ?? '')
}

function questionOf({ call }: Caller, text: string): IncomingMessage {
  const { id, conversation, author, replyTarget, locale } = call
  return {
    id: `${id}:template`,
    conversation,
    author,
    text,
    kind: 'command',
    attachments: [],
    replyTarget,
    locale,
    sentAt: new Date().toISOString(),
  }
}
