/**
 * Pure: Discord's commands as they are registered. `/parley` is made from Parley's own table of commands, and a call of it
 * is turned back into the line that would be typed elsewhere.
 */
import {
  type APIApplicationCommandBasicOption,
  type APIApplicationCommandInteractionDataBasicOption,
  type APIApplicationCommandInteractionDataOption,
  type APIApplicationCommandInteractionDataSubcommandGroupOption,
  type APIApplicationCommandInteractionDataSubcommandOption,
  type APIApplicationCommandOption,
  type APIApplicationCommandSubcommandOption,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  type Locale,
  type LocalizationMap,
  type RESTPutAPIApplicationCommandsJSONBody,
} from 'discord.js'
import type { ArgumentSpec, CommandSpec } from '../../src/core/command.ts'
import { shorten } from '../../src/core/text/shorten.ts'
import { discordCommandTexts } from '../../src/wording/discord.ts'
import { commandLocales } from '../../src/wording/discord-locales.ts'

export const names = {
  ask: 'ask',
  parley: 'parley',
  about: 'Ask about this message',
  transcribe: 'Transcribe',
} as const

const maxFiles = 10
/** Discord's limits of descriptions, of choices, and of commands in a group or groups in a command. */
const maxDescription = 100
/** Of one command with all below it: its names, descriptions and choices together. */
const maxCharacters = 8_000
const maxChoices = 25
const maxBranches = 25

export interface CommandOptions {
  /** People may install Parley for themselves, and use it in servers and chats that did not add it. */
  userInstall?: boolean
}

const inServers = {
  integration_types: [ApplicationIntegrationType.GuildInstall],
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
}
/** https://discord.com/developers/docs/interactions/application-commands#installation-context */
const everywhere = {
  integration_types: [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall],
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM, InteractionContextType.PrivateChannel],
}

/** `/parley` changes settings of a place, so it is there only where that place added Parley. */
export function discordCommands(
  table: readonly CommandSpec[],
  { userInstall = false }: CommandOptions = {},
): RESTPutAPIApplicationCommandsJSONBody {
  const parley = parleyOptions(table)
  const question = userInstall ? everywhere : inServers
  const { ask, parley: settings, about, transcribe } = commandLocales
  return [
    { ...localized(names.ask, ask), ...describedBy('ask', ask), options: askOptions(), ...question },
    ...(parley.length === 0
      ? []
      : [{ name: names.parley, ...describedBy('parley', settings), options: parley, ...inServers }]),
    { ...localized(names.about, about), type: ApplicationCommandType.Message, ...question },
    { ...localized(names.transcribe, transcribe), type: ApplicationCommandType.Message, ...question },
  ]
}

function localized(name: string, locales: Partial<Record<Locale, { name: string }>>) {
  const translated = Object.entries(locales).map(([locale, text]) => [locale, text.name])
  return { name, name_localizations: Object.fromEntries(translated) as LocalizationMap }
}

function describedBy(
  text: keyof typeof discordCommandTexts,
  locales: Partial<Record<Locale, { description: string }>>,
) {
  const translated = Object.entries(locales).map(([locale, { description }]) => [locale, description])
  return {
    description: discordCommandTexts[text],
    description_localizations: Object.fromEntries(translated) as LocalizationMap,
  }
}

function askOptions(): APIApplicationCommandBasicOption[] {
  const files = Array.from({ length: maxFiles }, (_, at) => ({
    type: ApplicationCommandOptionType.Attachment as const,
    name: at === 0 ? 'file' : `file${at + 1}`,
    ...describedBy(at === 0 ? 'askFile' : 'askAnotherFile', commandLocales[at === 0 ? 'askFile' : 'askAnotherFile']),
  }))
  return [
    {
      type: ApplicationCommandOptionType.String,
      name: 'text',
      ...describedBy('askText', commandLocales.askText),
      max_length: 6000,
    },
    ...files,
    {
      type: ApplicationCommandOptionType.String,
      name: 'model',
      ...describedBy('askModel', commandLocales.askModel),
      autocomplete: true,
    },
    {
      type: ApplicationCommandOptionType.Boolean,
      name: 'search',
      ...describedBy('askSearch', commandLocales.askSearch),
    },
    {
      type: ApplicationCommandOptionType.Boolean,
      name: 'private',
      ...describedBy('askPrivate', commandLocales.askPrivate),
    },
  ]
}

/** One word is a sub-command; two words are a group and its sub-command. A group's single word is its `show`. */
function parleyOptions(table: readonly CommandSpec[]): APIApplicationCommandOption[] {
  // The more commands there are, the shorter each is described, arguments first, which have names; `/parley help` says the whole.
  for (let most = maxDescription; ; most -= 5) {
    const options = optionsDescribed(table, { summary: Math.max(30, most), argument: Math.max(10, most - 20) })
    if (most <= 30 || charactersIn(options) + names.parley.length + maxDescription <= maxCharacters) return options
  }
}

/** As Discord counts them. */
function charactersIn(options: readonly APIApplicationCommandOption[]): number {
  return options.reduce((sum, option) => {
    const inside = 'options' in option ? charactersIn(option.options ?? []) : 0
    const choices = 'choices' in option ? (option.choices ?? []) : []
    const chosen = choices.reduce((length, { name, value }) => length + name.length + String(value).length, 0)
    return sum + option.name.length + option.description.length + inside + chosen
  }, 0)
}

/** The most characters of descriptions. */
interface Lengths {
  summary: number
  argument: number
}

function optionsDescribed(table: readonly CommandSpec[], most: Lengths): APIApplicationCommandOption[] {
  return [...branches(table)].slice(0, maxBranches).map(([word, specs]) => {
    const [only] = specs
    if (specs.length === 1 && only !== undefined && only.name === word) return subcommand(word, only, most)
    return {
      type: ApplicationCommandOptionType.SubcommandGroup,
      name: word,
      // Discord shows none for a group, and counts it.
      description: word,
      options: specs.slice(0, maxBranches).map((spec) => subcommand(spec.name.split(' ')[1] ?? 'show', spec, most)),
    }
  })
}

function branches(table: readonly CommandSpec[]): Map<string, CommandSpec[]> {
  const found = new Map<string, CommandSpec[]>()
  for (const spec of table) {
    const word = spec.name.split(' ')[0] ?? spec.name
    found.set(word, [...(found.get(word) ?? []), spec])
  }
  return found
}

function subcommand(name: string, spec: CommandSpec, most: Lengths): APIApplicationCommandSubcommandOption {
  const sorted = spec.args.toSorted((a, b) => Number(b.required) - Number(a.required))
  const options = sorted.map((arg) => option(arg, most.argument))
  return {
    type: ApplicationCommandOptionType.Subcommand,
    name,
    description: shorten(spec.summary, most.summary),
    options,
  }
}

function option(arg: ArgumentSpec, most: number): APIApplicationCommandBasicOption {
  const base = {
    name: optionName(arg.name),
    description: arg.name === 'for' ? discordCommandTexts.place : shorten(arg.summary, most),
    required: arg.required,
  }
  switch (arg.type) {
    case 'number':
      return { type: ApplicationCommandOptionType.Number, ...base }
    case 'person':
      return { type: ApplicationCommandOptionType.User, ...base }
    case 'channel':
      return { type: ApplicationCommandOptionType.Channel, ...base }
    case 'switch':
      return { type: ApplicationCommandOptionType.Boolean, ...base }
    case 'choice':
      if (arg.choices !== undefined && arg.choices.length > 0 && arg.choices.length <= maxChoices)
        return {
          type: ApplicationCommandOptionType.String,
          ...base,
          choices: arg.choices.map((value) => ({ name: value, value })),
        }
      return { type: ApplicationCommandOptionType.String, ...base, autocomplete: true }
    case 'model':
    case 'word':
      return { type: ApplicationCommandOptionType.String, ...base, autocomplete: true }
    default:
      return { type: ApplicationCommandOptionType.String, ...base }
  }
}

export const optionName = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_-]/gu, '-')
    .slice(0, 32)

/** A use of `/parley`. */
export interface Called {
  name: string
  /** Its row in the table; absent when the table has changed since the commands were registered. */
  spec?: CommandSpec
  given: APIApplicationCommandInteractionDataBasicOption[]
}

export function calledCommand(
  table: readonly CommandSpec[],
  options: readonly APIApplicationCommandInteractionDataOption[] = [],
): Called {
  const words: string[] = []
  let given = options
  for (let branch = given[0]; branch !== undefined && isBranch(branch); branch = given[0]) {
    words.push(branch.name)
    given = branch.options ?? []
  }
  const bare = words[1] === 'show' ? table.find((each) => each.name === words[0]) : undefined
  const spec = table.find((each) => each.name === words.join(' ')) ?? bare
  return {
    name: spec?.name ?? words.join(' '),
    spec,
    given: given.filter((each) => !isBranch(each)),
  }
}

type Branch =
  | APIApplicationCommandInteractionDataSubcommandGroupOption
  | APIApplicationCommandInteractionDataSubcommandOption

function isBranch(option: APIApplicationCommandInteractionDataOption): option is Branch {
  const { type } = option
  return type === ApplicationCommandOptionType.SubcommandGroup || type === ApplicationCommandOptionType.Subcommand
}

/** The line that would be typed after `/parley`: what is required in its order, the rest by name. */
export function commandLine({ name, spec, given }: Called): string {
  const args = given.map((each) => ({ arg: argumentOf(spec, each.name), value: each.value }))
  const order = spec?.args ?? []
  const sorted = args.toSorted((a, b) => rank(a.arg) - rank(b.arg))
  return [name, ...sorted.flatMap(({ arg, value }) => argumentWords(arg, value))].join(' ')

  /** Text without an end comes last. */
  function rank(arg: Known): number {
    if (arg.type === 'rest') return 2000
    return arg.required ? order.findIndex((each) => each.name === arg.name) : 1000
  }
}

type Known = Pick<ArgumentSpec, 'name' | 'type' | 'required'>

function argumentOf(spec: CommandSpec | undefined, option: string): Known {
  return spec?.args.find(({ name }) => optionName(name) === option) ?? { name: option, type: 'word', required: false }
}

function argumentWords({ name, type, required }: Known, value: string | number | boolean): string[] {
  if (type === 'switch') return value === true ? [`--${name}`] : []
  const word = type === 'person' ? `<@${value}>` : type === 'channel' ? `<#${value}>` : quoted(String(value))
  return required ? [word] : [`--${name}`, word]
}

const quoted = (text: string) =>
  /^[\p{L}\p{N}][\p{L}\p{N}._:/$%-]*$/u.test(text) ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`

/** The argument being typed, by its name in the table. */
export function focusedArgument({ spec, given }: Called): { name: string; typed: string } | undefined {
  const focused = given.find((each) => 'focused' in each && each.focused === true)
  return focused && { name: argumentOf(spec, focused.name).name, typed: String(focused.value) }
}
