/** A typed line → the command of the table and its arguments. What is wrong is told with a line that works. Pure. */
import type { CommandSpec } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import type { Argument, Command } from './define.ts'
import { nearest, type Word, words } from './line.ts'

export interface Parsed {
  command: Command
  given: Record<string, unknown>
}

/** Longer lines are no commands. */
const maxLine = 12_000

/** Throws `command_invalid`. */
export function parseLine(line: string, table: readonly Command[]): Parsed {
  if (line.length > maxLine)
    throw invalid(`A command has at most ${maxLine.toLocaleString('en')} characters. Put long text into a file.`)
  const typed = words(line.replace(/^\s*\/?parley\b|^\s*\//i, ' '))
  const { command, rest } = findCommand(typed, table)
  return { command, given: readArguments(command, line.replace(/^\s*\/?parley\b|^\s*\//i, ' '), rest) }
}

/** Nobody remembers which of the two it was. */
const sameAs: Readonly<Record<string, string>> = { show: 'list', list: 'show' }

function findCommand(typed: Word[], table: readonly Command[]): { command: Command; rest: Word[] } {
  const [first, second] = typed.map(({ text }) => text.toLowerCase())
  const named = (name: string | undefined) => table.find((each) => each.name === name)
  const help = named('help')
  if (first === undefined && help !== undefined) return { command: help, rest: [] }
  const two = named(`${first} ${second}`) ?? named(`${first} ${sameAs[second ?? '']}`)
  if (two !== undefined) return { command: two, rest: typed.slice(2) }
  const one = named(first)
  if (one !== undefined) return { command: one, rest: typed.slice(1) }
  const group = table.filter(({ name }) => name.startsWith(`${first} `))
  const [shown] = group
  if (shown !== undefined) {
    if (second === undefined) return { command: shown, rest: [] }
    const subcommands = group.map(({ name }) => name.slice(name.indexOf(' ') + 1))
    const meant = nearest(second, subcommands)
    const hint =
      meant === undefined
        ? `It has ${subcommands.map((subcommand) => `\`${subcommand}\``).join(', ')}.`
        : `Did you mean \`/parley ${first} ${meant}\`?`
    throw invalid(`\`${first}\` has no \`${second}\`. ${hint} For example: \`/parley ${shown.examples[0]}\``)
  }
  const known = [...new Set(table.flatMap(({ name }) => [name, name.split(' ')[0] ?? name]))]
  const meant = nearest(first ?? '', known) ?? nearest(`${first} ${second}`, known)
  throw invalid(
    `There is no command \`${first}\`. ${meant === undefined ? '`/parley help` lists all.' : `Did you mean \`${meant}\`? \`/parley help ${meant}\` shows how.`}`,
  )
}

function readArguments(command: Command, line: string, typed: Word[]): Record<string, unknown> {
  const args = Object.entries(command.arguments).map(([name, argument]) => ({ name, argument }))
  const raw = new Map<string, string>()
  /** Words in order belong to the arguments from here on. */
  let position = 0

  /** Answers where the next word is. */
  function take(word: Word, at: number): number {
    const flag = word.quoted ? null : /^(?:--|—)([a-z][\w-]*)(?:=(.*))?$/is.exec(word.text)
    const said = (flag?.[1] ?? word.text).toLowerCase()
    const named = word.quoted ? undefined : args.find(({ name }) => name === said)
    if (flag !== null) {
      if (named === undefined) throw wrong(command, `it has no \`--${clipped(said)}\``)
      return takeNamed(named, flag[2], at + 1)
    }
    // "for channel": the word is the name of what follows.
    const may = named !== undefined && (!named.argument.required || said === 'for') && !raw.has(said)
    if (may && at + 1 < typed.length) return takeNamed(named, undefined, at + 1)
    const next = nextFor(word.text)
    if (next === undefined) throw wrong(command, `\`${clipped(word.text)}\` is one word too many`)
    position = args.indexOf(next) + 1
    return takeNamed(next, undefined, at)
  }

  function takeNamed({ name, argument }: (typeof args)[number], value: string | undefined, at: number): number {
    if (value !== undefined || argument.type === 'switch') {
      raw.set(name, value ?? 'on')
      return at
    }
    const word = typed[at]
    if (word === undefined) throw wrong(command, `\`--${name}\` wants a value`)
    raw.set(name, argument.type === 'rest' ? remainder(line, typed.slice(at)) : word.text)
    return argument.type === 'rest' ? typed.length : at + 1
  }

  /** One that may be left out is passed over for a later one that fits the word. */
  function nextFor(text: string) {
    const free = args.slice(position).filter(({ name, argument }) => !raw.has(name) && argument.type !== 'switch')
    const must = free.findIndex(({ argument }) => argument.required)
    const open = must < 0 ? free : free.slice(0, must + 1)
    return open.find(({ argument }) => argument.schema.safeParse(text).success) ?? open[0]
  }

  let at = 0
  for (let word = typed[at]; word !== undefined; word = typed[at]) at = take(word, at)
  return Object.fromEntries(args.map(({ name, argument }) => [name, checked(command, name, argument, raw.get(name))]))
}

/** As it was typed, line breaks and all; of one quoted word its content. */
function remainder(line: string, rest: Word[]): string {
  const [first, ...others] = rest
  if (first === undefined) return ''
  return first.quoted && others.length === 0 ? first.text : line.slice(first.at).trim()
}

function checked(command: Command, name: string, argument: Argument<unknown>, raw: string | undefined): unknown {
  if (raw === undefined && argument.required)
    throw wrong(command, `it wants ${article(name)} (${argument.summary.toLowerCase()})`)
  const parsed = argument.schema.safeParse(raw)
  if (parsed.success) return parsed.data
  const wants = parsed.error.issues[0]?.message ?? 'something else'
  const meant = nearest(raw ?? '', argument.choices ?? [])
  const hint = meant === undefined ? '' : ` Did you mean \`${meant}\`?`
  throw wrong(command, `${article(name)} must be ${wants}, not \`${clipped(raw ?? '')}\``, hint)
}

export function usageLine({ name, args }: CommandSpec): string {
  const parts = args.map((each) => {
    if (each.type === 'switch') return `[--${each.name}]`
    const inner = each.choices === undefined || each.choices.length > 5 ? each.name : each.choices.join('|')
    return each.required ? `<${inner}>` : `[${inner}]`
  })
  return [name, ...parts].join(' ')
}

const clipped = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text).replaceAll('`', "'")
const article = (name: string) => `the ${name}`
const invalid = (userMessage: string) => new ParleyError('command_invalid', userMessage)
const wrong = (command: CommandSpec, what: string, hint = '') =>
  invalid(`\`${command.name}\`: ${what}.${hint} For example: \`/parley ${command.examples[0]}\``)
