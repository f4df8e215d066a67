/**
 * Tools over the web: search it, and open an address. What is sent out holds no text of files, and only addresses are opened that a person
 * wrote, a search returned or a page contains: what a page says cannot make Parley carry something to an address of its own making.
 */
import { z } from 'zod'
import { cleanAddress, siteOf } from '../core/page-address.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { carriesText } from '../search/carried-text.ts'
import { longestQuery } from '../search/web.ts'
import { linksIn } from '../search/when-web.ts'
import type { GatheredWeb, WebSources } from '../web/gather-web.ts'
import { toolWording } from '../wording/tools.ts'
import { argumentsOf, argumentText, schemaOf } from './arguments.ts'
import type { Tool, ToolCall, ToolExcerpt, ToolResult } from './tool.ts'

const Search = z.object({
  query: z
    .string()
    .min(1)
    .max(longestQuery)
    .describe('A few words, as one types them into a search engine. Never text of a file.'),
})

export function searchWeb(web: WebSources): Tool {
  return {
    name: 'search_web',
    description: 'Searches the web and reads the best pages. The result has passages of them.',
    schema: schemaOf(Search),
    effect: 'read',
    openWorld: true,
    limitMs: 15_000,
    mostTokens: 6_000,
    describe: (args) => toolWording.searchingWeb(argumentText(args, 'query')),
    async run(args, call) {
      const { query } = argumentsOf(Search, args)
      const shown = await call.shown()
      const ofFiles = shown.filter(({ source }) => source.kind !== 'page').map(({ text }) => text)
      if (carriesText(query, ofFiles, call.words)) return { text: toolWording.queryCarriesText, failed: true }
      const found = await web.gather(
        { turnId: call.turnId, spender: call.spender, question: query, queries: [query], links: [] },
        call.signal,
      )
      const problem = found.kept.queries.flatMap((each) => each.problem ?? [])
      if (problem.length > 0) return { text: problem.join(' '), failed: true }
      return resultOf(found, toolWording.nothingFound)
    },
  }
}

const Open = z.object({
  url: z
    .string()
    .min(1)
    .max(2_000)
    .describe('An address that the person wrote or that a search or a page gave you, unchanged.'),
})

export function openUrl(web: WebSources): Tool {
  return {
    name: 'open_url',
    description:
      'Reads one page or PDF of the web. Only addresses that the person, a search or a page gave you can be opened.',
    schema: schemaOf(Open),
    effect: 'read',
    openWorld: true,
    limitMs: 12_000,
    mostTokens: 8_000,
    describe: (args) => toolWording.opening(argumentText(args, 'url')),
    async run(args, call) {
      const { url } = argumentsOf(Open, args)
      const address = URL.parse(url)
      if (address === null || !/^https?:$/.test(address.protocol)) return { text: toolWording.noAddress, failed: true }
      const wanted = cleanAddress(address).href
      const byPerson = addressesIn(call.words).has(wanted)
      if (!byPerson && !(await shownAddresses(call)).has(wanted))
        return { text: toolWording.strangeAddress, failed: true }
      const links = byPerson ? [wanted] : []
      const found = await web.gather(
        {
          turnId: call.turnId,
          spender: call.spender,
          question: call.question,
          queries: [],
          links,
          chosen: byPerson ? [] : [wanted],
        },
        call.signal,
      )
      const problem = found.kept.pages.flatMap((page) => page.problem ?? [])
      if (problem.length > 0) return { text: problem.join(' '), failed: true }
      return resultOf(found, toolWording.emptyPage)
    },
  }
}

/** Of pages and results of searches: not of files, whose text can hold an address that a stranger made up. */
async function shownAddresses({ shown, sources }: Pick<ToolCall, 'shown' | 'sources'>): Promise<ReadonlySet<string>> {
  const texts = (await shown()).filter(({ source }) => source.kind === 'page').map(({ text }) => text)
  const pages = sources.flatMap(({ kind, url }) => (kind === 'page' && url !== undefined ? (URL.parse(url) ?? []) : []))
  return new Set([...addressesIn(texts), ...pages.map((page) => cleanAddress(page).href)])
}

function addressesIn(texts: readonly string[]): Set<string> {
  return new Set(
    texts.flatMap(linksIn).flatMap((link) => {
      const url = URL.parse(link)
      return url === null ? [] : [cleanAddress(url).href]
    }),
  )
}

function resultOf({ kept, passages }: GatheredWeb, nothing: string): ToolResult {
  const pages = new Map(
    kept.pages.flatMap(({ read, title, address }) => {
      if (read === undefined) return []
      const { id, contentHash, site, published } = read
      return [
        [contentHash, { kind: 'page' as const, title, contentHash, url: address, site, published, ref: id }] as const,
      ]
    }),
  )
  const read = passages.flatMap(({ contentHash, at, text, tokens }): ToolExcerpt[] => {
    const source = pages.get(contentHash)
    return source === undefined ? [] : [{ source, at, text, tokens }]
  })
  const snippets = kept.pages.flatMap(({ read: done, address, title, snippet: text }): ToolExcerpt[] => {
    if (done !== undefined || text === undefined) return []
    const source = {
      kind: 'page' as const,
      title,
      url: address,
      site: siteOf(new URL(address)),
      snippet: true,
      ref: address,
    }
    return [{ source, at: { kind: 'lines', from: 1, to: 1 }, text, tokens: estimateTokens(text) }]
  })
  const excerpts = [...read, ...snippets]
  return excerpts.length === 0 ? { text: nothing } : { text: '', excerpts }
}
