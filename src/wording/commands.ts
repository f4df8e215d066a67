/** Answers and refusals of commands. Those about models are in commands-models.ts, those about money in commands-money.ts. */
import type { Role } from '../core/command.ts'
import type { Json } from '../core/json.ts'
import { ownScope, readScope, type Scope, type Spender, scopeOf } from '../core/scope.ts'
import { bulleted, code, listed, many, quoted, seconds } from './phrases.ts'

/** Of the scopes of keys, people, teams and models. */
export type ScopeNames = ReadonlyMap<Scope, string>

/** What a setting applies to, seen from the person who asks: `everyone`, `this channel`, `you`, `<@U1>`, Ben, the key `website`. */
export function scopeName(scope: Scope, spender: Spender, names: ScopeNames): string {
  if (scope === 'all') return scopeWording.everyone
  if (scope === scopeOf.workspace(spender)) return 'this workspace'
  if (scope === scopeOf.channel(spender)) return 'this channel'
  if (scope === ownScope(spender)) return scopeWording.you
  if (scope === scopeOf.user(spender)) return scopeWording.youHere
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const parts = rest.split('/').map(decodeURIComponent)
  const sameWorkspace = parts[0] === spender.platform && parts[1] === spender.workspaceId
  if (parts[0] === 'console' && (kind === 'user' || kind === 'channel')) return onPage(kind, parts[2] ?? '', names)
  // A program's requests have its key for a person and for a channel.
  if (parts[0] === 'api' && parts[2] !== undefined) return scopeName(scopeOf.key(parts[2]), spender, names)
  if (kind === 'user') return sameWorkspace ? `<@${parts[2]}>` : `the person ${parts.join('/')}`
  if (kind === 'channel') return sameWorkspace ? `<#${parts[2]}>` : `the channel ${parts.join('/')}`
  if (kind === 'person') return names.get(scope) ?? scopeWording.gonePerson
  if (kind === 'team') return `the team ${names.get(scope) ?? parts.join('/')}`
  if (kind === 'key') return `the key ${code(names.get(scope) ?? parts.join('/'))}`
  return kind === 'model'
    ? `the model ${names.get(scope) ?? parts.slice(1).join('/')}`
    : `the ${kind} ${parts.join('/')}`
}

function onPage(kind: 'user' | 'channel', id: string, names: ScopeNames): string {
  if (kind === 'channel') return 'a thread of the page'
  if (id === 'cli') return 'the terminal'
  return id === 'local' ? 'the user of the page' : (names.get(scopeOf.person(id)) ?? scopeWording.gonePerson)
}

/** Who did something, by what is stored of them: `slack/T1/U1`. */
export function nameOfAccount(account: string, spender: Spender, names: ScopeNames): string {
  const scope = readScope(`user:${account}`)
  return scope === undefined ? account : scopeName(scope, spender, names)
}

/** A model as people call it; by its full name where nobody has said how. */
export function modelName(provider: string, id: string, names: ScopeNames): string {
  return names.get(scopeOf.model(provider, id)) ?? code(`${provider}/${id}`)
}

/** `who` is a `scopeName`, here and below. */
export const scopeWording = {
  everyone: 'everyone',
  you: 'you',
  /** An account that is linked to a person, apart from their other accounts. */
  youHere: 'you in this workspace',
  gonePerson: 'somebody whose account was deleted',
  where: (who: string) => (who === 'everyone' ? 'everywhere' : `for ${who}`),
  noPerson: (typed: string) =>
    `Nobody here is called ${code(typed)}. Mention the person, or type the whole name in quotes or the id. \`/parley people list\` shows both.`,
  severalPeople: (typed: string) =>
    `Several people are called ${code(typed)}. Type the id from \`/parley people list\`, such as \`person:5f0e…\`.`,
  noTeam: (typed: string) => `There is no team ${code(typed)}. \`/parley team list\` lists all teams.`,
  notForModelOrKey:
    'This setting applies to a channel, the workspace, everyone or a person, not to a model or a key. Name one of those, such as `channel`.',
}

const was = (before: string | number | null | undefined) =>
  before === null || before === undefined || before === '' ? '' : ` (was ${before})`

export const permissionWording = {
  callers: {
    member: 'everyone',
    manager: 'managers of the channel and admins',
    admin: 'admins',
  } as const satisfies Record<Role, string>,
  askThem: 'Ask one of them; `/parley roles list` shows who they are.',
  managersAndAdmins: "the channel's managers and the workspace's admins",
  workspaceAdmins: "the workspace's admins",
  teamManagers: 'managers of the team and admins of the whole installation',
  installationAdmins: 'admins of the whole installation',
  /** `what`: a verb with its object, `set prices`. */
  only: (who: string, what: string) => `Only ${who} can ${what}. ${permissionWording.askThem}`,
  command: (name: string, role: Role) => permissionWording.only(permissionWording.callers[role], `use ${code(name)}`),
  scope: (who: string, allowed: string) => permissionWording.only(allowed, `do this for ${who}`),
  addMe: ' To do it for yourself, add `me`.',
  addChannel: ' To do it for this channel, add `channel`.',
}

export const commandWording = {
  alreadyRunning: 'That command is already running. Its answer will appear here.',
  tooLong: (most: number) =>
    `A command can have at most ${most.toLocaleString('en')} characters. Put long text into a file.`,
  example: (line: string) => `For example: \`/parley ${line}\``,
  noCommand: (typed: string) => `There is no command ${code(typed)}.`,
  listAll: '`/parley help` lists all commands.',
  didYouMean: (name: string) => `Did you mean ${code(name)}?`,
  helpShowsHow: (name: string) => `\`/parley help ${name}\` explains it.`,
  noSubcommand: (group: string, typed: string) => `${code(group)} has no ${code(typed)}.`,
  subcommands: (names: string[]) => `It has ${names.map(code).join(', ')}.`,
  /** A mistake in the arguments of a command, with a line that works. */
  mistake: (name: string, what: string, example: string, hint = '') =>
    `${code(name)}: ${what}.${hint === '' ? '' : ` ${hint}`} ${commandWording.example(example)}`,
  noOption: (name: string) => `there is no option ${code(`--${name}`)}`,
  unexpected: (word: string) => `${code(word)} is unexpected here`,
  optionNeedsValue: (name: string) => `${code(`--${name}`)} needs a value`,
  missing: (name: string, summary: string) => `${code(name)} is missing (${summary})`,
  mustBe: (name: string, wanted: string, typed: string) => `${code(name)} must be ${wanted}, not ${code(typed)}`,
  /** What an argument must be. */
  wanted: {
    text: 'some text',
    atMost: (characters: number) => `at most ${characters.toLocaleString('en')} characters`,
    usd: 'an amount in USD up to a billion, such as 20 or 0.50',
    number: 'a number',
    between: (whole: boolean, least: number, most: number) =>
      `a ${whole ? 'whole ' : ''}number from ${least} to ${most.toLocaleString('en')}`,
    oneOf: (choices: readonly string[]) => `one of ${choices.join(', ')}`,
    onOff: 'on or off',
    place: 'channel, workspace, everywhere, me, or a mention of a channel or a person',
    other: 'something else',
  },
}

export const helpWording = {
  overview: (lines: string[]) =>
    `Type one of these after \`/parley\`, for example \`/parley usage\`:\n\n${bulleted(lines)}\n\n\`/parley help <command>\` explains a command.`,
  line: (usage: string, summary: string) => `${code(usage)}: ${summary}`,
  command: (usage: string, summary: string, role: Role) =>
    `**${code(usage)}** ${summary}. For ${permissionWording.callers[role]}.`,
  optional: ' (optional)',
  examples: (lines: readonly string[]) => `For example:\n${bulleted(lines.map((line) => code(`/parley ${line}`)))}`,
}

export const healthWording = {
  noModels: 'No model is connected, so Parley quotes files',
  models: (count: number) => `${many(count, 'model')} available`,
  withoutPrice: (count: number) =>
    `${many(count, 'model')} without a price. Parley does not use ${count === 1 ? 'it' : 'them'} until you set one with \`/parley models price\``,
  idle: 'No questions are waiting',
  waiting: (turns: number, oldestMs: number | null) =>
    `${many(turns, 'question')} in progress${oldestMs === null ? '' : `, the oldest for ${seconds(oldestMs, 0)}`}`,
  allOf: (provider: string) => `All models of ${code(provider)}`,
  ok: 'ok',
  paused: (because: string | null | undefined, againInMs: number | null) =>
    `**paused** because it ${because ?? 'failed'}${againInMs === null ? '' : `, next try in ${Math.ceil(againInMs / 1000)} s`}`,
  calls: (calls: number, failures: number) => `, ${many(calls, 'call')} in the last minute, ${failures} failed`,
  firstWords: (ms: number) => `, first words after ${seconds(ms)}`,
}

interface ForgetCounts {
  questions: number
  answers: number
  files: number
}

const stays = 'Messages in the chat itself stay there; delete them in the chat.'
const from = (who: string) => (who === 'you' ? 'of yours' : `from ${who}`)

export const forgetWording = {
  thisThread: 'this thread',
  allAccounts: 'all accounts that are linked to you',
  sayWhat:
    'Say what to delete: `/parley forget thread`, `/parley forget channel`, `/parley forget me`, `/parley forget everywhere`, `/parley forget file` with its name, or mention a channel or a person.',
  nothing: (who: string) => `Nothing is stored for ${who}.`,
  counts: ({ questions, answers, files }: ForgetCounts, settings: number) =>
    listed([
      many(questions, 'message'),
      many(answers, 'answer'),
      many(files, 'file'),
      ...(settings === 0 ? [] : [many(settings, 'personal setting')]),
    ]),
  preview: (counts: string, who: string) =>
    `This deletes ${counts} ${from(who)}. You cannot undo it. ${stays} Costs stay on record, without any text.`,
  confirm: 'Delete permanently',
  done: (counts: string, who: string) => `Deleted ${counts} ${from(who)}. ${stays}`,
  whichFile: 'Say which file to delete: `/parley forget file` with the name of the file.',
  noFile: 'No file with that name is stored here. Type its full name, in quotes if it has spaces.',
  filePreview: (files: number, answers: number) =>
    `This deletes ${fileCounts(files, answers)}, and everything that was read from it. You cannot undo it. ${stays}`,
  confirmFile: 'Delete the file',
  fileDone: (files: number, answers: number) => `Deleted ${fileCounts(files, answers)}. ${stays}`,
}

function fileCounts(files: number, answers: number): string {
  return `${many(files, 'file')} and ${many(answers, 'answer')} given here since it was shared`
}

const article = (role: string) => (role === 'admin' ? 'an admin' : `a ${role}`)
const inCharge = (who: string) => (who === 'everyone' ? 'the whole installation' : who)

export const roleWording = {
  installation: (people: string[]) => `Admins of the whole installation: ${listed(people) || 'none'}`,
  elsewhere: (count: number) => `${count} in other workspaces`,
  /** `owners`: the platform says who they are. */
  workspace: (people: string[], owners: boolean) =>
    owners || people.length > 0
      ? `Admins of this workspace: ${listed([...(owners ? ['its owners'] : []), ...people])}`
      : 'Admins of this workspace: none. An admin of the whole installation can name them with `/parley roles set`.',
  channel: (people: string[]) => `Managers of this channel: ${listed(people) || 'none'}`,
  set: (person: string, role: string, who: string) => `<@${person}> is now ${article(role)} of ${inCharge(who)}.`,
  removed: (person: string, role: string, who: string) =>
    `<@${person}> is no longer ${article(role)} of ${inCharge(who)}.`,
  none: (person: string) => `<@${person}> has no role here that was set by command.`,
  notAPerson: (typed: string) =>
    `${code(typed)} is not a person. Mention the person, or in the terminal name platform, workspace and person, such as \`slack/T0123/U0456\`.`,
  elsewherePerson: (typed: string, who: string) => `${code(typed)} does not belong to ${who}. Name someone who does.`,
  wrongScope:
    'A role applies to the channel, the workspace or everywhere. For example: `/parley roles set <@U123> manager for channel`.',
  managersAreOfChannels:
    'A manager manages one channel. To make someone an admin of the workspace, type `/parley roles set <@U123> admin`.',
}

const units = {
  rate: (count: number | string) => (count === 1 ? '1 question per minute' : `${count} questions per minute`),
  turns: (count: number | string) => (count === 1 ? '1 answer at a time' : `${count} answers at a time`),
}
export type Limit = keyof typeof units

export const limitWording = {
  none: 'No limits are set by command here. Set one with `/parley limits set rate 10 for channel`.',
  line: (who: string, limit: Limit, value: number) => `For ${who}: ${units[limit](value)}`,
  notALimit: (typed: string) =>
    `A limit is a whole number from 1 to 100,000, or off, not ${code(typed)}. ${commandWording.example('limits set rate 10 for channel')}`,
  set: (who: string, limit: Limit, value: number, before: number | null) =>
    `New limit for ${who}: ${units[limit](value)}${was(before)}.`,
  removed: (who: string, limit: Limit, before: number | null) =>
    `There is no limit for ${who} now on ${limit === 'rate' ? 'questions per minute' : 'answers at a time'}${was(before)}.`,
}

export const timeZoneWording = {
  current: (zone: string) => `The time zone here is ${zone}.`,
  now: (time: string) => `It is ${time}.`,
  unknown: (typed: string) => `${code(typed)} is not a time zone. Use a name such as \`Europe/Berlin\` or \`UTC\`.`,
  set: (who: string, zone: string) => `The time zone for ${who} is now ${zone}.`,
  budgetsMoved: (count: number) =>
    count === 0 ? '' : ` ${many(count, 'budget')} now ${count === 1 ? 'resets' : 'reset'} in this time zone.`,
}

export const alertWording = {
  off: 'Alerts are off. To turn them on, type `/parley alerts here` in the channel that should get them.',
  line: (who: string, channel: string) => `For ${who}: in ${channel}`,
  here: (who: string) => `Alerts and approval requests for ${who} now come here.`,
  wasOff: (who: string) => `Alerts for ${who} were already off.`,
  turnedOff: (who: string) =>
    `Alerts and approval requests for ${who} are now off. \`/parley alerts here\` turns them on again.`,
}

export const personaWording = {
  none: 'No persona is set here. Set one with, for example, `/parley persona instructions me Answer briefly.`',
  line: (who: string, parts: string[]) => `For ${who}: ${parts.join(', ')}`,
  answersIn: (language: string) => `answers in ${language}`,
  hasTemperature: (value: number) => `temperature ${value}`,
  atMost: (tokens: number) => `at most ${tokens.toLocaleString('en')} tokens`,
  howTheyCombine: 'Instructions add up. For everything else, the narrowest setting wins.',
  instructions: (who: string, text: string, before: string | null) =>
    `Set for ${who}: ${quoted(text, 200)}${before === null ? '' : was(quoted(before, 120))}`,
  language: (who: string, language: string) => `Parley now answers in ${language} for ${who}.`,
  temperature: (who: string, value: number) =>
    `The temperature for ${who} is now ${value}. Models without a temperature ignore it.`,
  length: (who: string, tokens: number) => `Answers for ${who} now have at most ${tokens.toLocaleString('en')} tokens.`,
  nothingSet: (who: string) => `Nothing was set for ${who}.`,
  cleared: (who: string, names: string[]) => `Cleared for ${who}: ${names.join(', ')}.`,
}

export const templateWording = {
  none: 'No templates are saved. Save one with `/parley templates save summary Summarize {{document}} in five lines.`',
  line: (name: string, variables: string[], text: string) =>
    `${code(name)}${variables.length === 0 ? '' : ` (needs ${listed(variables.map(code))})`}: ${quoted(text, 120)}`,
  unknown: (name: string) => `There is no template ${code(name)} here.`,
  listAll: '`/parley templates list` lists all templates.',
  notOneWord: (typed: string) => `The name of a template is one word, such as \`summary\`, not ${code(typed)}.`,
  brokenVariable: (text: string) =>
    `${code(text)} is not a variable. Write a variable as \`{{name}}\`, with letters and digits.`,
  tooMany: (most: number) => `There are already ${most} templates. Remove one with \`/parley templates remove\`.`,
  saved: (who: string, line: string, replaced: boolean) =>
    `${replaced ? 'Replaced' : 'Saved'} for ${who}. To use it: ${code(line)}`,
  notSaved: (who: string, name: string) => `No template ${code(name)} is saved for ${who}.`,
  removed: (who: string, text: string) => `Removed for ${who}: ${quoted(text, 200)}`,
  asked: (text: string) => `Asked: ${quoted(text, 500)}`,
  needs: (name: string, missing: string[], line: string) =>
    `${code(name)} needs ${listed(missing.map(code))}. For example: ${code(line)}`,
}

const periodNames: Readonly<Record<string, string>> = { day: 'daily', week: 'weekly', month: 'monthly' }
const settingNames: Readonly<Record<string, string>> = {
  'models.default': 'default model',
  'models.pinned': 'pinned model',
  'models.disabled': 'disabled models',
  'models.aliases': 'model aliases',
  'models.prices': 'model prices',
  'policy.localOnly': 'local-only policy',
  'policy.allowedModels': 'allowed models',
  'policy.guests': 'guest policy',
  'policy.atLimit': 'policy for used-up budgets',
  'limits.requestsPerMinute': 'limit on questions per minute',
  'limits.concurrentTurns': 'limit on answers at a time',
  'alerts.target': 'place for alerts',
  timezone: 'time zone',
  roles: 'roles',
  'persona.instructions': 'instructions',
  'persona.language': 'language',
  'persona.temperature': 'temperature',
  'persona.maxOutputTokens': 'answer length',
  'persona.templates': 'templates',
}

interface Fields {
  amount?: Json
  extra?: Json
  timeZone?: Json
  name?: Json
}
const fieldsOf = (value: Json): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

export const auditWording = {
  none: (who: string) => `No command has changed anything for ${who} yet.`,
  line: (time: string, by: string, change: string) => `${time}: ${by} ${change}`,
  /** `Anna` + `set the daily budget for everyone to $0.001 (was $0.01)`. */
  change(name: string, who: string, before: Json, after: Json): string {
    const [first = '', ...rest] = name.split(' ')
    if (first === 'booking') return correction(rest.join(' '), before, after)
    if (first === 'budget') return budgetChange(rest, who, fieldsOf(before), after === null ? null : fieldsOf(after))
    if (first === 'key')
      return `${after === null ? 'revoked' : 'created'} the API key ${code(String(fieldsOf(after ?? before).name))}`
    if (first === 'local')
      return after === null
        ? `deleted the local model ${code(String(before))}`
        : `downloaded the local model ${code(String(after))}`
    if (first === 'forget') {
      const { questions = 0, answers = 0, files = 0 } = before as Partial<ForgetCounts>
      return `deleted ${forgetWording.counts({ questions, answers, files }, 0)} ${from(who)}`
    }
    const setting = settingNames[name] ?? code(name)
    const old = before === null ? '' : was(quoted(inWords(before), 120))
    return after === null
      ? `cleared the ${setting} for ${who}${old}`
      : `set the ${setting} for ${who} to ${quoted(inWords(after), 120)}${old}`
  },
}

function correction(id: string, before: Json, after: Json): string {
  const { model, cost: old } = Object(before) as Record<string, Json>
  const { cost, reason } = Object(after) as Record<string, Json>
  return `corrected the cost of a call of ${String(model)} (${id}) to $${String(cost)} (was $${String(old)}): ${quoted(String(reason), 200)}`
}

function budgetChange(words: string[], who: string, before: Fields, after: Fields | null): string {
  const dollars = (value: Json | undefined) => `$${String(value ?? 0)}`
  const budget = `the ${periodNames[words.at(-1) ?? ''] ?? ''} budget for ${who}`
  if (words[0] === 'grant') {
    const extra = after === null ? '' : `; the extra is now ${dollars(after.extra)}`
    return `granted more on top of ${budget}${extra}`
  }
  const old = before.amount === undefined ? '' : dollars(before.amount)
  if (after === null) return `removed ${budget}${was(old)}`
  const sameZone = before.timeZone === undefined || before.timeZone === after.timeZone
  if (!sameZone) return `moved ${budget} (${dollars(after.amount)}) to the time zone ${String(after.timeZone)}`
  return `set ${budget} to ${dollars(after.amount)}${was(old)}`
}

/** A stored value as people would say it: `on`, `per hour 1.80, concurrency 8`. */
function inWords(value: Json): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value)) return value.map(inWords).join(', ')
  if (value === null || typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(
      ([name, each]) => `${name.replaceAll(/(?<=[a-z])[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`)} ${inWords(each)}`,
    )
    .join(', ')
}
