/**
 * The web's part of what an answer may rest on: queries in parallel → results merged → the best pages read, beside the links that a
 * person gave → passages. Each part has its own deadline; what is late or cannot be read is left out, with the reason.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type Artifact, PageFacts } from '../core/artifact.ts'
import { asParleyError, errorFields, type ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { cleanAddress, comparedAddress, siteOf } from '../core/page-address.ts'
import type { Spender } from '../core/scope.ts'
import type { MeteredSearch } from '../routing/metered-search.ts'
import { chunk } from '../search/chunk.ts'
import type { RankedPassage } from '../search/passages.ts'
import { rankPassages } from '../search/rank-passages.ts'
import type { WebHit } from '../search/web.ts'
import type { Attachments } from '../store/attachments.ts'
import type { WebPages } from '../store/web-pages.ts'
import { searchWording, unreadWording } from '../wording/search.ts'
import type { PageReader, ReadPage } from './page-reader.ts'

export interface WebRequest {
  turnId: string
  spender: Spender
  /** By which passages are ranked. */
  question: string
  queries: readonly string[]
  /** Addresses that a person gave. */
  links: readonly string[]
  /** Addresses that a model chose among those it was shown: read as what Parley picks itself. */
  chosen?: readonly string[]
}

/** What is stored of it with the turn: references, no text of pages. */
export type KeptWeb = z.infer<typeof KeptWeb>
export const KeptWeb = z.object({
  /** What people call the search engine; absent where nothing was searched. */
  engine: z.string().optional(),
  queries: z.array(z.object({ query: z.string(), found: z.number(), problem: z.string().optional() })),
  pages: z.array(
    z.object({
      address: z.string(),
      title: z.string(),
      by: z.enum(['person', 'parley']),
      /** What was read of it; absent where nothing could be. */
      read: z
        .object({ id: z.string(), contentHash: z.string(), engine: z.string() })
        .extend(PageFacts.pick({ site: true, published: true }).shape)
        .optional(),
      problem: z.string().optional(),
      /** What the search engine shows of a page that could not be read. */
      snippet: z.string().optional(),
    }),
  ),
  /** Index into `pages`, ordinal, score; best first. */
  passages: z.array(z.tuple([z.number(), z.number(), z.number()])),
})

export interface GatheredWeb {
  kept: KeptWeb
  /** Best first. */
  passages: RankedPassage[]
}

export interface WebSources {
  /** What people call the search engine; `undefined` where none is connected. */
  engine: string | undefined
  gather(request: WebRequest, signal: AbortSignal): Promise<GatheredWeb>
  /** The same again after a crash, as far as its pages are still there. */
  recall(kept: KeptWeb): Promise<GatheredWeb>
}

export interface WebDeps {
  search: MeteredSearch | undefined
  reader: PageReader
  pages: Pick<WebPages, 'results' | 'saveResults' | 'use'>
  artifacts: Pick<Attachments, 'artifacts'>
  log: Log
  limits?: WebLimits
}

export type WebLimits = Partial<typeof webLimits>

export const webLimits = {
  /** How long the search engine may take, and the pages after it. */
  searchMs: 2_400,
  pagesMs: 6_000,
  resultsPerQuery: 8,
  pages: 4,
  pagesPerSite: 2,
  /** Passages in all, and of one page. */
  passages: 60,
  passagesPerPage: 15,
  /** How long what an engine found is used again. */
  resultsFreshMs: 900_000,
}

interface Found {
  page: KeptWeb['pages'][number]
  artifact: Artifact | undefined
}

export function createWebSources(deps: WebDeps): WebSources {
  const { search, reader, pages, artifacts, log } = deps
  const limits = { ...webLimits, ...deps.limits }

  async function find(query: string, { turnId, spender }: WebRequest, engine: MeteredSearch, signal: AbortSignal) {
    // A hash: what people search for is not kept beside what was found.
    const key = createHash('sha256').update(`${engine.name} ${query}`).digest('hex')
    const known = Hits.safeParse(await pages.results(key))
    if (known.success) return known.data.map((hit) => ({ ...hit, published: hit.published }))
    const hits = await engine.search(query, { limit: limits.resultsPerQuery, signal, turnId, spender })
    if (hits.length > 0) await pages.saveResults(key, Hits.parse(hits), limits.resultsFreshMs)
    return hits
  }

  async function searchAll(request: WebRequest, signal: AbortSignal) {
    if (search === undefined || request.queries.length === 0) return { queries: [], hits: [] }
    const late = AbortSignal.timeout(limits.searchMs)
    const found = await Promise.all(
      request.queries.map(async (query): Promise<{ hits: WebHit[]; problem?: string }> => {
        try {
          return { hits: await find(query, request, search, AbortSignal.any([signal, late])) }
        } catch (thrown) {
          signal.throwIfAborted()
          if (late.aborted) return { hits: [], problem: searchWording.slow(search.label, limits.searchMs / 1_000) }
          const error = asParleyError(thrown, searchWording.unreachable(search.label))
          log.warn({ turnId: request.turnId, engine: search.name, ...errorFields(error) }, 'web search failed')
          return { hits: [], problem: error.userMessage }
        }
      }),
    )
    const queries = request.queries.map((query, at) => ({
      query,
      found: found[at]?.hits.length ?? 0,
      problem: found[at]?.problem,
    }))
    return { queries, hits: merged(found.map(({ hits }) => hits)) }
  }

  async function read(target: Target, by: 'person' | 'parley', signal: AbortSignal): Promise<Found> {
    const late = AbortSignal.timeout(limits.pagesMs)
    try {
      const { page, artifact }: ReadPage = await reader.read(target.url, {
        by,
        signal: AbortSignal.any([signal, late]),
      })
      const { id, address, contentHash, engine, title, site } = page
      const published = page.published ?? target.published
      return { page: { address, title, by, read: { id, contentHash, engine, site, published } }, artifact }
    } catch (thrown) {
      signal.throwIfAborted()
      const problem = late.aborted ? unreadWording.slow(limits.pagesMs / 1_000) : sentenceOf(thrown)
      const title = target.title === '' ? siteOf(target.url) : target.title
      const snippet = target.snippet || undefined
      return { page: { address: cleanAddress(target.url).href, title, by, problem, snippet }, artifact: undefined }
    }
  }

  return {
    engine: search?.label,

    async gather(request, signal) {
      const parsed = (addresses: readonly string[]) => addresses.flatMap((address) => URL.parse(address) ?? [])
      const [links, chosen] = [parsed(request.links), parsed(request.chosen ?? [])]
      const open = (by: 'person' | 'parley') => (url: URL) =>
        read({ url, title: '', snippet: '', published: undefined }, by, signal)
      const linked = [...links.map(open('person')), ...chosen.map(open('parley'))]
      // A failure while the search is still under way is thrown below.
      for (const each of linked) each.catch(() => {})
      const { queries, hits } = await searchAll(request, signal)
      const picked = pick(hits, links, limits).map((target) => read(target, 'parley', signal))
      const found = withoutCopies(await Promise.all([...linked, ...picked]))
      const kept = found.map(({ page }) => page)
      const ranked = rank(request, found, limits)
      const place = new Map(kept.map(({ read }, at) => [read?.contentHash, at]))
      const passages = ranked.map(({ contentHash, ordinal, score }): [number, number, number] => [
        place.get(contentHash) ?? 0,
        ordinal,
        score,
      ])
      const used = new Set(passages.map(([at]) => at))
      await pages.use(
        request.turnId,
        kept.flatMap(({ read }, at) => (read !== undefined && used.has(at) ? [read.id] : [])),
      )
      return {
        kept: { engine: queries.length === 0 ? undefined : search?.label, queries, pages: kept, passages },
        passages: ranked,
      }
    },

    async recall(kept) {
      const keys = kept.pages.flatMap(({ read }) => (read === undefined ? [] : [read]))
      const known = new Map(
        (await artifacts.artifacts(keys)).map((artifact) => [artifact.contentHash, chunk(artifact)]),
      )
      const passages = kept.passages.flatMap(([at, ordinal, score]) => {
        const passage = known.get(kept.pages[at]?.read?.contentHash ?? '')?.[ordinal]
        return passage === undefined ? [] : [{ ...passage, score }]
      })
      return { kept, passages }
    },
  }
}

const Hits = z.array(
  z.object({ url: z.string(), title: z.string(), snippet: z.string(), published: z.string().optional() }),
)

interface Target {
  url: URL
  title: string
  snippet: string
  published: string | undefined
}

/** The first of each, then the second of each …; one page once. */
function merged(lists: readonly WebHit[][]): WebHit[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  const all = Array.from({ length: longest }, (_, rank) => lists.flatMap((hits) => hits[rank] ?? [])).flat()
  return [...new Map(all.toReversed().map((hit) => [comparedAddress(new URL(hit.url)), hit])).values()].toReversed()
}

function pick(hits: readonly WebHit[], links: readonly URL[], limits: typeof webLimits): Target[] {
  const known = new Set(links.map(comparedAddress))
  const bySite = new Map<string, number>()
  const targets: Target[] = []
  for (const { url: address, title, snippet, published } of hits) {
    if (targets.length >= limits.pages) break
    const url = new URL(address)
    const site = siteOf(url)
    const count = bySite.get(site) ?? 0
    if (known.has(comparedAddress(url)) || count >= limits.pagesPerSite) continue
    bySite.set(site, count + 1)
    targets.push({ url, title, snippet, published })
  }
  return targets
}

/** The same content under several addresses is one page. */
function withoutCopies(found: readonly Found[]): Found[] {
  const seen = new Set<string>()
  return found.filter(({ page: { read } }) => {
    if (read === undefined) return true
    if (seen.has(read.contentHash)) return false
    seen.add(read.contentHash)
    return true
  })
}

/** A page that a person gave counts from its beginning where nothing in it has a word of the question. */
function rank(
  { question, queries, chosen = [] }: WebRequest,
  found: readonly Found[],
  limits: typeof webLimits,
): RankedPassage[] {
  const all = found.flatMap(({ artifact }) => (artifact === undefined ? [] : chunk(artifact)))
  // No query picks pages where there are only addresses.
  const isGiven = (by: 'person' | 'parley') => by === 'person' || (chosen.length > 0 && queries.length === 0)
  const given = new Set(found.flatMap(({ page: { by, read } }) => (isGiven(by) ? (read?.contentHash ?? []) : [])))
  const counts = new Map<string, number>()
  return rankPassages([question, ...queries].join('\n'), all)
    .filter(({ contentHash, score }) => score > 0 || given.has(contentHash))
    .filter(({ contentHash }) => {
      const count = (counts.get(contentHash) ?? 0) + 1
      counts.set(contentHash, count)
      return count <= limits.passagesPerPage
    })
    .slice(0, limits.passages)
}

function sentenceOf(thrown: unknown): string {
  const error: ParleyError = asParleyError(thrown, unreadWording.failed)
  return error.userMessage
}
