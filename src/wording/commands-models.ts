/** Answers and refusals of the commands about models and policy. `who` is a `scopeName`. */
import type { FollowUps } from '../core/addressing.ts'
import { formatUsd, type NanoUsd } from '../core/money.ts'
import { scopeWording } from './commands.ts'
import { bulleted, code, listed, many, quoted, seconds } from './phrases.ts'

const { where } = scopeWording
const setPrice = '`/parley models price`'

export const modelWording = {
  noMatch: (part: string) => `No model name contains ${code(part)}. \`/parley models list\` lists all models.`,
  list: (shown: number, total: number | undefined, lines: string[]) =>
    `${total === undefined ? many(shown, 'model') : `${shown} of ${many(total, 'model')}`}:\n\n${bulleted(lines, '`/parley models list <part of a name>`')}`,
  line: (name: string, aliases: readonly string[], facts: string[]) =>
    `${code(name)}${aliases.length === 0 ? '' : ` (also ${aliases.map(code).join(', ')})`}: ${facts.join(', ')}`,
  quoting: (name: string) => `${code(name)}: quotes the files when no model can answer, free`,
  facts: {
    vision: 'reads images',
    audio: 'hears audio',
    tools: 'uses tools',
    local: 'local',
    pinned: 'pinned',
    default: 'default',
    contextWindow: (tokens: number) => `${Math.round(tokens / 1000).toLocaleString('en')}k tokens`,
  },
  off: {
    disabled: 'off',
    localOnly: 'off: local models only',
    notAllowed: 'off: not on the list of allowed models',
  },
  enabled: (name: string, who: string, stillOff: boolean) =>
    `${code(name)} is now enabled ${where(who)}.${stillOff ? ' It is still off here because a wider setting disables it.' : ''}`,
  wasEnabled: (name: string, who: string) => `${code(name)} was not disabled ${where(who)}.`,
  disabled: (name: string, who: string) => `${code(name)} is now disabled ${where(who)}.`,
  wasDefault:
    ' It was the default here. Until you set another one with `/parley models default`, Parley chooses the model for each question.',
  undo: 'Undo',
  quotingStays:
    'You cannot disable quoting, because it answers when no model can. `/parley models list` lists the models that you can disable.',
  default: (name: string, who: string, before: string | null) =>
    `${code(name)} is now the default ${where(who)}${was(before)}.`,
  noDefault: (who: string, before: string | null) =>
    `Parley chooses the model for each question ${where(who)} now${was(before)}.`,
  pinned: (name: string, who: string) =>
    `${code(name)} is now pinned ${where(who)}. To undo this, type \`/parley models unpin\`.`,
  unpinned: (who: string, before: string) => `Parley chooses the model ${where(who)} again${was(before)}.`,
  /** The end of "… is pinned". */
  pinnedBy: {
    person: 'for you',
    user: 'for you',
    team: 'for your team',
    key: 'for this API key',
    channel: 'for this channel',
    workspace: 'for this workspace',
    all: 'for everyone',
  },
  notPinned: (who: string) => `No model was pinned ${where(who)}.`,
  aliasNotOneWord: (typed: string) => `An alias is one word, such as \`fast\`, not ${code(typed)}.`,
  aliasReserved: (typed: string) =>
    `${code(typed)} lets Parley choose the model, so it cannot name one. Choose another word.`,
  aliasIsModel: (typed: string) => `${code(typed)} is the name of a model. Choose another word.`,
  alias: (alias: string, name: string, before: string | null) =>
    `${code(alias)} now means ${code(name)}${was(before)}.`,
  noAlias: (alias: string) =>
    `No command has set the alias ${code(alias)}. \`/parley models list\` shows the aliases of each model.`,
  aliasRemoved: (alias: string, before: string) => `Removed the alias ${code(alias)}${was(before)}.`,
  price: (name: string, price: string) => `${code(name)}: ${price}.`,
  priceSet: (name: string, price: string, before: string) => `${code(name)}: ${price}. Was: ${before}.`,
  notAPrice:
    'Give two prices, per million input and output tokens, or one with `--per-hour`. For example: `/parley models price gpt-5-mini 0.25 2`',
  priceOrClear: 'Set prices or clear them, not both: leave out the prices, or leave out `--clear`.',
  setPrices: 'set prices',
  noPrice: 'no price',
  noPriceYet: `no price, so Parley does not use it until you set one with ${setPrice}`,
  needsPrice: ` It has no price yet, so Parley does not use it. Set one with ${setPrice}.`,
  priceSource: {
    admin: ', set by command',
    configured: ', from parley.yaml',
    published: '',
    hardware: '',
    unknown: '',
  },
}

function was(before: string | null): string {
  return before === null ? '' : ` (was ${code(before)})`
}

export const tryWording = {
  notAllowed: (model: string, why: string) =>
    `${code(model)} cannot answer here (${why}). \`/parley policy show\` lists the rules in effect.`,
  noOllama: 'No Ollama server is connected. Set OLLAMA_HOST and restart Parley.',
  howMany: (most: number) =>
    `Compare 2 to ${most} models, with commas between their names. For example: \`/parley models compare gpt-5-mini,llama3.2 "Why?"\``,
  downloadModels: 'download models',
  deleteModels: 'delete models',
  downloading: (name: string, progress: string) => `Downloading ${code(name)}: ${progress}.`,
  justStarted: 'just started',
  progress: (completed: number, total: number) =>
    `${Math.floor((100 * completed) / total)}% of ${(total / 1e9).toFixed(1)} GB`,
  started: (name: string) =>
    `Downloading ${code(name)}. You get a message here when it is ready; repeat the command to see the progress.`,
  ready: (name: string) => `${code(name)} is ready. To try it, type \`/parley models test ${name}\`.`,
  notDownloaded: (name: string, why: string) => `Could not download ${code(name)}. ${why}`,
  resume: 'Try again to resume the download.',
  deleted: (name: string) => `Deleted ${code(name)}. \`/parley models pull ${name}\` downloads it again.`,
  failed: (model: string, why: string) => `**${model}**: ${why}`,
  result: (
    model: string,
    {
      text,
      firstTokenMs,
      ms,
      tokens,
      cost,
    }: {
      text: string
      firstTokenMs: number | null
      ms: number
      tokens: { input: number; output: number; estimated: boolean } | undefined
      cost: NanoUsd
    },
  ) =>
    `**${model}**: ${[
      ...(text.length > 0 && text.length < 40 ? [quoted(text)] : []),
      firstTokenMs === null ? 'no text' : `first words after ${seconds(firstTokenMs, 2)}`,
      `${seconds(ms, 2)} total`,
      ...(tokens === undefined
        ? []
        : [`${tokens.input} tokens in, ${tokens.output} out${tokens.estimated ? ' (estimated)' : ''}`]),
      formatUsd(cost),
    ].join(', ')}`,
}

const guests = 'Guests and people from other organizations'
const followUps = {
  always: 'Parley answers every message',
  asker: 'Parley answers those who have asked it something there',
  named: 'Parley answers only messages that mention it',
}
const web = {
  on: 'Parley searches the web for every question',
  off: 'Parley neither searches the web nor reads links',
  auto: 'Parley searches the web where a question calls for it, and reads links',
}
const approvals = (approvers: 'asker' | 'admins') =>
  approvers === 'asker'
    ? 'Whoever asks decides about calls of tools that change something'
    : 'Admins decide about calls of tools that change something'

const tools = (on: boolean) =>
  on
    ? 'Models can call tools while they answer'
    : 'Models get no tools; files and the web are searched once, before they answer'
const memory = (on: boolean) =>
  on
    ? 'Parley searches files that were shared earlier and that everybody there can see'
    : 'Parley uses only the files of the conversation itself'
const atLimit = {
  cheaper: 'a cheaper model answers if there is one',
  refuse: 'Parley refuses the question',
}

export const policyWording = {
  heading: 'Rules in effect for you here:',
  shown: {
    models: (localOnly: boolean, allowed: string[] | undefined) =>
      `Models: ${localOnly ? 'local only' : 'local and cloud'}; allowed: ${
        allowed === undefined
          ? 'any'
          : listed(allowed.map(code)) || 'none, because two lists of allowed models have none in common'
      }`,
    disabled: (models: string[]) => `Disabled: ${listed(models.map(code))}`,
    pinned: (model: string) => `Pinned: ${code(model)}`,
    guests: (what: 'answer' | 'refuse') => `${guests} ${what === 'answer' ? 'get answers' : 'get no answers'}`,
    atLimit: (what: 'cheaper' | 'refuse') => `When a budget is used up, ${atLimit[what]}`,
    followUps: (what: FollowUps) => `In threads that it takes part in, ${followUps[what]}`,
    web: (what: keyof typeof web) => web[what],
    memory,
    tools,
    approvals,
    timeZone: (zone: string) => `Budgets reset in the time zone ${zone}`,
  },
  localOnly: (who: string) => `Only local models answer ${where(who)} now.`,
  noLocalModel:
    ' There is no local model yet, so Parley quotes files. `/parley models pull` downloads one if Ollama is running.',
  localAndCloud: (who: string) => `Local and cloud models can answer ${where(who)} now.`,
  allowed: (who: string, models: string[]) => `Only ${listed(models.map(code))} can answer ${where(who)} now.`,
  anyModel: (who: string) => `Any model can answer ${where(who)} now.`,
  stillRestricted: ' Another setting still restricts this here; `/parley policy show` lists the rules in effect.',
  guests: (who: string, what: 'answer' | 'refuse') =>
    `${guests} now get ${what === 'answer' ? 'answers' : 'no answers'}${inScope(who)}.`,
  followUps: (who: string, what: FollowUps) => `${followUps[what]} in threads that it takes part in${inScope(who)}.`,
  web: (who: string, what: keyof typeof web) => `${web[what]}${inScope(who)}.`,
  memory: (who: string, on: boolean) => `${memory(on)}${inScope(who)}.`,
  approvals: (who: string, approvers: 'asker' | 'admins') => `${approvals(approvers)}${inScope(who)}.`,
  tools: (who: string, on: boolean) => `${tools(on)}${inScope(who)}.`,
  atLimit: (who: string, what: 'cheaper' | 'refuse') => `Set for ${who}: when a budget is used up, ${atLimit[what]}.`,
}

function inScope(who: string): string {
  return who === scopeWording.everyone ? ' everywhere' : ` in ${who}`
}
