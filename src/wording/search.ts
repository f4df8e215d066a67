/** Sentences about searching the web and reading its pages: failures of search engines, pages that were not read, receipts. */

import { escapeMarkdown } from '../core/markdown/escape.ts'
import { formatUsd, type NanoUsd } from '../core/money.ts'

/** Why a search engine gave nothing. `engine`: what people call it. */
export const searchWording = {
  unreachable: (engine: string) => `${engine} could not be reached.`,
  slow: (engine: string, seconds: number) =>
    `${engine} did not answer within ${seconds} s, so the web search was left out.`,
  busy: (engine: string) => `${engine} allows no more searches at the moment. Try again in a minute.`,
  refusedKey: (engine: string, setting: string) => `${engine} rejected Parley's key. Ask an admin to check ${setting}.`,
  usedUp: (engine: string) => `The plan for ${engine} is used up. Ask an admin to extend it.`,
  /** SearXNG answers 403 when a format is not in its settings. */
  jsonOff:
    'SearXNG does not answer in JSON. Ask an admin to add json to search.formats in its settings.yml and to restart it.',
  limiter:
    "SearXNG's limiter refused Parley. Ask an admin to set server.limiter to false in its settings.yml, or to let Parley's address pass in limiter.toml.",
  notJson: (engine: string, setting: string) =>
    `${engine} answered with a web page instead of JSON. Ask an admin to check the address in ${setting}.`,
  redirected: (engine: string, setting: string) =>
    `${engine} answered with a redirect. Ask an admin to set ${setting} to the final address.`,
  tooLarge: (engine: string, megabytes: number) => `${engine} answered with more than ${megabytes} MB.`,
  rejected: (engine: string, status: number) => `${engine} answered with status ${status}.`,
  otherShape: (engine: string, setting: string) =>
    `${engine} answered with JSON that Parley does not understand. Ask an admin to check ${setting}.`,
}

/** Completes a sentence that starts with the name of a setting. */
export const searchSettingMust = {
  haveQuery: 'must have {query} in it, which Parley replaces by the words to search for',
  bePath: 'must be the path to a field, such as data.results',
}

export const searchProblem = {
  urlMissing: (provider: string) =>
    `parley.yaml: search: ${provider} needs its address. Set search.url, such as http://localhost:8080.`,
  keyMissing: (provider: string, variable: string) =>
    `parley.yaml: search: ${provider} needs a key. Set ${variable} or ${variable}_FILE.`,
  bothKeys:
    'BRAVE_API_KEY and TAVILY_API_KEY are both set. Set search.provider in parley.yaml to the one that Parley should use.',
  priceMissing:
    'parley.yaml: search: the price of this search engine is not known. Set search.pricePerThousand in USD, or 0 if it is free.',
  providerMissing:
    'parley.yaml: search: set search.provider to searxng, brave, tavily or endpoint, or remove the other settings of search.',
  endpointOnly: (setting: string, provider: string) =>
    `parley.yaml: search.${setting} is for provider endpoint only, not for ${provider}.`,
  variableMissing: (header: string, variable: string) =>
    `parley.yaml: search: the header ${header} reads ${variable}, which is not set.`,
  fileUnreadable: (variable: string) => `${variable} names a file that Parley cannot read.`,
  twice: (variable: string) => `${variable} and ${variable}_FILE are both set. Set one of them.`,
}

/** Names of search engines as people read them. */
export const engineNames = {
  searxng: 'SearXNG',
  brave: 'Brave Search',
  tavily: 'Tavily',
  endpoint: 'The search engine',
} as const

export const searchPriceWording = (price: NanoUsd) => `${formatUsd(price * 1000n)} per 1,000 searches`

/** Why the web was searched, or not, as sentences. */
export const webReason = {
  wished: 'The question asks for a web search.',
  always: 'Every question here is searched on the web.',
  recent: (word: string) => `The question is about something that changes (“${word}”), so the web was searched.`,
  year: (year: number) => `The question is about ${year}, so the web was searched.`,
  site: (site: string) => `The question names ${site}, so the web was searched.`,
  world: (name: string) => `The question is about the outside world (“${name}”), so the web was searched.`,
  links: (count: number) => `The question has ${count === 1 ? 'a link' : `${count} links`}, which Parley read.`,
  off: 'The web is off here, so nothing was searched and no link was read. An admin can change this with `/parley policy web`.',
  notWished: 'The web was not searched because the question asks for that.',
  localOnly: 'Only local models may answer here, so that questions do not leave the network. The web was not searched.',
  noEngine:
    'No search engine is connected, so the web was not searched. An admin can connect one (docs/web-search.md). Parley reads links without one.',
}

/** Why a page was not read, as sentences. */
export const unreadWording = {
  robots: "The site's robots.txt does not allow programs to read it.",
  robotsUnknown: "The site's robots.txt could not be read, so Parley left the page alone.",
  robotTest: 'The site showed a test for robots instead of the page.',
  consent: 'The site showed a question about cookies instead of the page.',
  signIn: 'The site asks for a sign-in or a subscription.',
  noText: 'The page has no text without a browser.',
  slow: (seconds: number) => `The page was not read within ${seconds} s.`,
  failed: 'The page could not be read.',
  damaged: 'What the address gave could not be read as a page or a PDF.',
}

/** Of pages that could not be read: what the search engine shows of them is given in their place. */
export const snippetWording = {
  cited: 'search result',
  forModel: 'the page could not be read: this is only what the search engine shows of it',
  receipt: 'The answer uses what the search engine shows of it.',
  notice: 'Some pages could not be read, so the answer rests on what the search engine shows of them.',
}

export interface SharedFacts {
  by?: string | undefined
  /** ISO 8601. */
  at: string
  place?: string | undefined
  older?: boolean | undefined
}

/** The day of an ISO time. */
const day = (at: string) => at.slice(0, 10)

/** Files that were shared earlier. */
export const memoryWording = {
  /** Behind a place in a file: "shared by Ann in #sales on 2026-11-20". */
  shared: ({ by, at, place, older }: SharedFacts) =>
    [
      [
        'shared',
        ...(by === undefined ? [] : [`by ${by}`]),
        ...(place === undefined ? [] : [`in ${place}`]),
        `on ${day(at)}`,
      ].join(' '),
      ...(older === true ? ['an older version'] : []),
    ].join(', '),
  /** Of a source, for the model. */
  about: ({ by, at, place, older }: SharedFacts) =>
    [
      ...(by === undefined ? [] : [`shared by ${by}`]),
      ...(place === undefined ? [] : [`in ${place}`]),
      day(at),
      ...(older === true ? ['an older version: a newer one was shared later'] : []),
    ].join(', '),
  direct: 'a direct chat',
  /** Of places without a name. */
  group: 'a group chat',
  elsewhere: 'another channel',
  collection: (name: string) => `the collection ${name}`,
  channel: (name: string) => `#${name}`,
  words: (words: readonly string[]) =>
    `The question's own words found little in files shared earlier, so Parley also searched for ${words.join(', ')}.`,
  tooSlow: 'Files shared earlier could not be searched in time, so the answer does not use them.',
  older: (title: string) => `A newer version of ${title} was shared; the answer uses passages of the older one.`,
}

/** Behind the button "Search what only I can see", for the presser alone. */
export const forMeWording = {
  found: 'Only you see this. From places that you can see and not everybody here can:',
  nothing: 'Only you see this. Nothing else that you can see fits this question.',
  alone: 'This answer is for you alone, so it already searched everything that you can see.',
  off: 'Searching files that were shared earlier is off here. An admin can change this with `/parley policy memory`.',
  noQuestion: 'There is no question in words to search for.',
  quote: (of: {
    title: string
    address: string | undefined
    place: string
    shared: SharedFacts
    lines: readonly string[]
  }) => {
    const title = escapeMarkdown(of.title)
    const name = of.address === undefined ? `**${title}**` : `[${title}](<${of.address}>)`
    const about = escapeMarkdown(`${of.place}, ${memoryWording.shared(of.shared)}`)
    return `${name}, ${about}\n${of.lines.map((line) => `> ${line}`).join('\n>\n')}`
  },
}
