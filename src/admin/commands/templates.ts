/** Saved questions: `templates …`. Their `{{variables}}` are filled in when they are used. */
import { ParleyError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import type { Spender } from '../../core/scope.ts'
import type { Settings } from '../../store/settings.ts'
import { commandWording, templateWording } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeSetting, orNull } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { effectiveFor } from '../effective.ts'
import { nearest, words } from '../line.ts'

export interface TemplateDeps {
  settings: Settings
  /** Asks a question as if the person had typed it. */
  ask(message: IncomingMessage): Promise<unknown>
}

const scopeHelp = 'Who it applies to; by default, you'
const nameForm = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,49}$/u
const most = 100
const variable = /\{\{\s*([\p{L}\p{N}_.-]{1,50})\s*\}\}/gu

export function templateCommands({ settings, ask }: TemplateDeps): Command[] {
  const known = async (spender: Spender) => (await effectiveFor(settings, spender)).persona.templates
  const suggest = async ({ spender }: { spender: Spender }) => Object.keys(await known(spender))
  const name = { ...arg.word('The name of the template', 50), suggest }

  async function find(typed: string, spender: Spender): Promise<string> {
    const all = await known(spender)
    const found = Object.hasOwn(all, typed) ? all[typed] : undefined
    if (found !== undefined) return found
    const meant = nearest(typed, Object.keys(all))
    const hint = meant === undefined ? '' : ` ${commandWording.didYouMean(meant)}`
    throw new ParleyError('command_invalid', `${templateWording.unknown(typed)}${hint} ${templateWording.listAll}`)
  }

  return [
    define({
      name: 'templates list',
      summary: 'Lists the saved questions',
      role: 'member',
      args: {},
      examples: ['templates list'],
      async run(_, { spender }) {
        const lines = Object.entries(await known(spender)).map(([each, text]) =>
          templateWording.line(each, variablesOf(text), text),
        )
        return { text: lines.length === 0 ? templateWording.none : bulleted(lines) }
      },
    }),
    define({
      name: 'templates save',
      summary: 'Saves a question, with {{variables}} for the parts that change',
      role: 'member',
      changes: true,
      args: {
        name: arg.word('A name in one word', 50),
        for: arg.optional(arg.place(scopeHelp)),
        text: arg.rest('The question', 8000),
      },
      examples: [
        'templates save summary Summarize {{document}} in five lines.',
        'templates save translate for channel Translate into {{language}}: {{text}}',
      ],
      async run({ name: typed, for: place, text }, caller) {
        if (!nameForm.test(typed)) throw new ParleyError('command_invalid', templateWording.notOneWord(typed))
        const broken = /[^\n]{0,40}(?:\{\{|\}\})[^\n]{0,40}/.exec(text.replaceAll(variable, ''))
        if (broken !== null) throw new ParleyError('command_invalid', templateWording.brokenVariable(broken[0].trim()))
        const options = { place, own: true }
        const withIt = (before: Record<string, string> | null) => {
          const all = { ...before, [typed]: text }
          if (Object.keys(all).length <= most) return all
          throw new ParleyError('command_invalid', templateWording.tooMany(most))
        }
        const { before, who } = await changeSetting(settings, caller, 'persona.templates', withIt, options)
        const use = [`/parley templates use ${typed}`, ...variablesOf(text).map((each) => `${each}=…`)].join(' ')
        return { text: templateWording.saved(who, use, before?.[typed] !== undefined) }
      },
    }),
    define({
      name: 'templates remove',
      summary: 'Removes a saved question',
      role: 'member',
      changes: true,
      args: { name, for: arg.optional(arg.place(scopeHelp)) },
      examples: ['templates remove summary', 'templates remove translate for channel'],
      async run({ name: typed, for: place }, caller) {
        const options = { place, own: true }
        const without = (before: Record<string, string> | null) => {
          const { [typed]: _gone, ...rest } = before ?? {}
          return orNull(rest)
        }
        const { before, who } = await changeSetting(settings, caller, 'persona.templates', without, options)
        const was = before?.[typed]
        return { text: was === undefined ? templateWording.notSaved(who, typed) : templateWording.removed(who, was) }
      },
    }),
    define({
      name: 'templates use',
      summary: 'Asks a saved question',
      role: 'member',
      asks: true,
      changes: true,
      args: { name, values: arg.optional(arg.rest('A name=value pair for each variable')) },
      examples: ['templates use summary document="the attached report"'],
      async run({ name: typed, values = '' }, caller) {
        const text = fill(typed, await find(typed, caller.spender), values)
        await ask(questionOf(caller, text))
        return { text: templateWording.asked(text) }
      },
    }),
  ]
}

function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(variable)].map((match) => match[1] ?? ''))]
}

/** Fills in `document="the report" tone=kind`; a value without a name fills the only variable. Throws `command_invalid`. */
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
    throw new ParleyError('command_invalid', templateWording.needs(name, missing, example))
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
