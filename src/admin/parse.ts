/** Parses a typed line into a command and its arguments. Every error contains a line that works. Pure. */
import type { CommandSpec } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import { commandWording as say } from '../wording/commands.ts'
import type { Argument, Command } from './define.ts'
import { nearest, type Word, words } from './line.ts'

export interface Parsed {
  command: Command
  given: Record<string, unknown>
}

const maxLine = 12_000

/** Throws `command_invalid`. */
export function parseLine(line: string, table: readonly Command[]): Parsed {
  if (line.length > maxLine) throw invalid(say.tooLong(maxLine))
  const typed = words(line.replace(/^\s*\/?parley\b|^\s*\//i, ' '))
  const { command, rest } = findCommand(typed, table)
  return { command, given: readArguments(command, line.replace(/^\s*\/?parley\b|^\s*\//i, ' '), rest) }
}

/** People mix up these two. */
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
    const hint = meant === undefined ? say.subcommands(subcommands) : say.didYouMean(`/parley ${first} ${meant}`)
    throw invalid(`${say.noSubcommand(first ?? '', second)} ${hint} ${say.example(shown.examples[0] ?? '')}`)
  }
  const known = [...new Set(table.flatMap(({ name }) => [name, name.split(' ')[0] ?? name]))]
  const meant = nearest(first ?? '', known) ?? nearest(`${first} ${second}`, known)
  const hint = meant === undefined ? say.listAll : `${say.didYouMean(meant)} ${say.helpShowsHow(meant)}`
  throw invalid(`${say.noCommand(first ?? '')} ${hint}`)
}

function readArguments(command: Command, line: string, typed: Word[]): Record<string, unknown> {
  const args = Object.entries(command.arguments).map(([name, argument]) => ({ name, argument }))
  const raw = new Map<string, string>()
  /** Words without a name belong to the arguments from here on. */
  let position = 0

  /** Returns the index of the next word. */
  function take(word: Word, at: number): number {
    const flag = word.quoted ? null : /^(?:--|—)([a-z][\w-]*)(?:=(.*))?$/is.exec(word.text)
    const said = (flag?.[1] ?? word.text).toLowerCase()
    const named = word.quoted ? undefined : args.find(({ name }) => name === said)
    if (flag !== null) {
      if (named === undefined) throw wrong(command, say.noOption(clipped(said)))
      return takeNamed(named, flag[2], at + 1)
    }
    // "for channel": the word names the argument that follows.
    const may = named !== undefined && (!named.argument.required || said === 'for') && !raw.has(said)
    if (may && at + 1 < typed.length) return takeNamed(named, undefined, at + 1)
    const next = nextFor(word.text)
    if (next === undefined) throw wrong(command, say.unexpected(clipped(word.text)))
    position = Math.max(position, args.indexOf(next) + 1)
    return takeNamed(next, undefined, at)
  }

  function takeNamed({ name, argument }: (typeof args)[number], value: string | undefined, at: number): number {
    if (value !== undefined || argument.type === 'switch') {
      raw.set(name, value ?? 'on')
      return at
    }
    const word = typed[at]
    if (word === undefined) throw wrong(command, say.optionNeedsValue(name))
    raw.set(name, argument.type === 'rest' ? remainder(line, typed.slice(at)) : word.text)
    return argument.type === 'rest' ? typed.length : at + 1
  }

  /** Skips an optional argument if the word fits a later one, and a required place, which may follow as "for channel". */
  function nextFor(text: string) {
    const free = args.filter(
      ({ name, argument }, at) => (at >= position || name === 'for') && !raw.has(name) && argument.type !== 'switch',
    )
    const must = free.findIndex(({ name, argument }) => argument.required && name !== 'for')
    const open = must < 0 ? free : free.slice(0, must + 1)
    return open.find(({ argument }) => argument.schema.safeParse(text).success) ?? open[0]
  }

  let at = 0
  for (let word = typed[at]; word !== undefined; word = typed[at]) at = take(word, at)
  return Object.fromEntries(args.map(({ name, argument }) => [name, checked(command, name, argument, raw.get(name))]))
}

/** The text exactly as typed, with line breaks; of a single quoted word, its content. */
function remainder(line: string, rest: Word[]): string {
  const [first, ...others] = rest
  if (first === undefined) return ''
  return first.quoted && others.length === 0 ? first.text : line.slice(first.at).trim()
}

function checked(command: Command, name: string, argument: Argument<unknown>, raw: string | undefined): unknown {
  if (raw === undefined && argument.required) throw wrong(command, say.missing(name, argument.summary))
  const parsed = argument.schema.safeParse(raw)
  if (parsed.success) return parsed.data
  const wanted = parsed.error.issues[0]?.message ?? say.wanted.other
  const meant = nearest(raw ?? '', argument.choices ?? [])
  const hint = meant === undefined ? '' : say.didYouMean(meant)
  throw wrong(command, say.mustBe(name, wanted, clipped(raw ?? '')), hint)
}

/** A place comes last, as "for channel", or before the words that take the rest of the line. */
export function usageLine({ name, args }: CommandSpec): string {
  const last = (arg: CommandSpec['args'][number]) => (arg.type === 'rest' ? 2 : arg.name === 'for' ? 1 : 0)
  return [name, ...args.toSorted((a, b) => last(a) - last(b)).map(usageOf)].join(' ')
}

/** An argument as a command's line shows it: `<person>`, `[user|channel|model]`, `[--csv]`. */
export function usageOf({ name, type, choices, required }: CommandSpec['args'][number]): string {
  if (type === 'switch') return `[--${name}]`
  if (name === 'for') return required ? 'for <place>' : '[for <place>]'
  const inner = choices === undefined || choices.length > 5 ? name : choices.join('|')
  return required ? `<${inner}>` : `[${inner}]`
}

const clipped = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text)
const invalid = (userMessage: string) => new ParleyError('command_invalid', userMessage)
const wrong = (command: CommandSpec, what: string, hint = '') =>
  invalid(say.mistake(command.name, what, command.examples[0] ?? '', hint))
