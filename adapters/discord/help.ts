/** Pure: `help` in the form that Discord has for commands: `/parley budget set amount:20 period:month for:channel`. */
import type { CommandSpec, Notice } from '../../src/core/command.ts'
import { discordWording } from '../../src/wording/discord.ts'
import { optionName } from './commands.ts'

type Argument = CommandSpec['args'][number]

/** Help is for the one who asks. Its list of commands says neither how to ask a question nor how to use a command here. */
export function asHelp(notice: Notice, table: readonly CommandSpec[], isList: boolean): Notice {
  const text = withFields(notice.text, table)
  const before = isList ? [discordWording.howToAsk] : []
  return {
    ...notice,
    text: notice.failed === true ? notice.text : [...before, text, discordWording.fields].join('\n\n'),
    private: true,
  }
}

/** Command lines and their arguments are code: `budget set <amount> <period> for <place>`, `/parley budget set 20 month for channel`. */
function withFields(text: string, table: readonly CommandSpec[]): string {
  let explained: readonly Argument[] = []
  return text.replaceAll(/`([^`\n]+)`/g, (whole, code: string) => {
    if (/^(?:(?:for )?<[^<>]+>|\[[^[\]]+\])$/.test(code)) {
      const [argument, ...rest] = explained
      explained = rest
      return argument === undefined ? whole : `\`${optionName(argument.name)}:\``
    }
    const line = code.replace(/^\/parley /, '')
    const spec = table
      .filter(({ name }) => line === name || line.startsWith(`${name} `))
      .toSorted((a, b) => b.name.length - a.name.length)[0]
    if (spec === undefined) return whole
    explained = spec.args
    const isUsage = / [<[]/.test(line) && !spec.examples.includes(line)
    const fields = isUsage ? usageOf(spec) : fieldsOf(spec, line)
    // People and channels are chosen by name.
    const shown = fields.map((field) => field.replaceAll(/<@\w+>/g, '@Ann').replaceAll(/<#\w+>/g, '#general'))
    return `\`${['/parley', nameOf(spec, table), ...shown].join(' ')}\``
  })
}

/** The single word of a group is its `show`. */
function nameOf({ name }: CommandSpec, table: readonly CommandSpec[]): string {
  const isGroup = table.some((each) => each.name.startsWith(`${name} `))
  return isGroup ? `${name} show` : name
}

const usageOf = ({ args }: CommandSpec) =>
  args.map(({ name, required }) => (required ? `${optionName(name)}:` : `[${optionName(name)}:]`))

/** The fields of an example, filled with its words. */
export function fieldsOf({ name, args }: CommandSpec, line: string): string[] {
  const words = line.slice(name.length).match(/"[^"]*"|\S+/g) ?? []
  const given = new Map<string, string>()
  let position = 0
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    const said = args.find((each) => word === `--${each.name}` || (word === each.name && !given.has(each.name)))
    const isNamed = said !== undefined && (word.startsWith('--') || !said.required || said.name === 'for')
    if (isNamed && said.type === 'switch') {
      given.set(said.name, 'True')
      continue
    }
    const next = isNamed ? said : args.slice(position).find((each) => !given.has(each.name) && takes(each, word))
    if (next === undefined) break
    const from = isNamed ? at + 1 : at
    if (!isNamed) position = args.indexOf(next) + 1
    given.set(next.name, next.type === 'rest' ? words.slice(from).join(' ') : (words[from] ?? ''))
    at = next.type === 'rest' ? words.length : from
  }
  return args.flatMap((each) => {
    const value = given.get(each.name)
    return value === undefined ? [] : [`${optionName(each.name)}:${value.replace(/^"([^"]*)"$/, '$1')}`]
  })
}

const place = /^(?:channel|workspace|everywhere|me|<[@#][^>]+>|(?:model|key|channel|workspace|user):\S+)$/

/** An optional argument that the word does not fit is left out. */
function takes({ name, type, choices, required }: Argument, word: string): boolean {
  if (type === 'switch') return false
  if (name === 'for') return place.test(word)
  if (required || type === 'rest') return true
  if (type === 'choice') return choices?.includes(word.toLowerCase()) === true
  if (type === 'number' || type === 'usd') return /^\d/.test(word)
  return true
}
