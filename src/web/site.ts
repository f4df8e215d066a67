/**
 * The pages of a site, one after another: from an address to those below its folder that pages link to or the site lists, up to a
 * limit. What robots.txt forbids is left out, and a site is asked at most twice a second.
 */
import { asParleyError, type ParleyError } from '../core/errors.ts'
import { cleanAddress, comparedAddress } from '../core/page-address.ts'
import type { Egress, Fetched } from '../egress/egress.ts'
import { unreadWording } from '../wording/search.ts'
import { linksOf, sitemapOf } from './links.ts'
import type { PageReader } from './page-reader.ts'
import type { Robots } from './robots.ts'

export interface Sites {
  /**
   * Throws for the first page: then nothing is known of the site. `known`: pages that were fetched before, by the compared form of their
   * address; they are not fetched again, and their links are followed.
   */
  crawl(start: URL, options: CrawlOptions): AsyncGenerator<VisitedPage, CrawlEnd>
}

export interface CrawlOptions {
  most: number
  known: (compared: string) => Promise<string | undefined>
  signal: AbortSignal
}

export type VisitedPage =
  | { kind: 'fetched'; asked: URL; fetched: Fetched }
  | { kind: 'known'; asked: URL }
  /** `gone`: the site has it no more. */
  | { kind: 'unread'; asked: URL; error: ParleyError; gone: boolean }

export interface CrawlEnd {
  /** Pages that were found and not visited because of the limit. */
  left: number
}

export interface SiteDeps {
  egress: Egress
  robots: Pick<Robots, 'manners'>
  pages: Pick<PageReader, 'fetch'>
  /** Returns when the host may be asked again. */
  pace(host: string, everyMs: number, signal: AbortSignal): Promise<void>
  everyMs?: number
}

const everyMsByDefault = 500
const mostDelayMs = 10_000
const pageMs = 20_000
const mostSitemapBytes = 4_000_000
const mostSitemaps = 5
/** Addresses that wait: more of one site are not remembered. */
const mostWaiting = 20_000

export function createSites({ egress, robots, pages, pace, everyMs = everyMsByDefault }: SiteDeps): Sites {
  async function listed(origin: URL, sitemaps: readonly string[], signal: AbortSignal): Promise<URL[]> {
    const lists = sitemaps.length > 0 ? sitemaps : [new URL('/sitemap.xml', origin).href]
    const waiting = lists.flatMap((each) => URL.parse(each) ?? [])
    const found: URL[] = []
    for (let read = 0; read < mostSitemaps && waiting.length > 0; read += 1) {
      const next = waiting.shift()
      if (next === undefined || next.host !== origin.host) continue
      try {
        const type = /^(?:text|application)\/(?:[\w.-]+\+)?(?:xml|plain)$/
        await pace(next.host, everyMs, signal)
        const { bytes } = await egress.fetch(next, { maxBytes: mostSitemapBytes, type, signal, timeoutMs: pageMs })
        const { pages: more, lists: others } = sitemapOf(bytes.toString('utf8'))
        found.push(...more)
        waiting.push(...others)
      } catch {
        // A site without a list has links.
        signal.throwIfAborted()
      }
    }
    return found
  }

  return {
    async *crawl(start, { most, known, signal }) {
      const seen = new Set<string>()
      const waiting: URL[] = []
      let inside = (_: URL) => true

      function follow(links: readonly URL[]) {
        for (const link of links) {
          const address = cleanAddress(link)
          const compared = comparedAddress(address)
          if (seen.has(compared) || !inside(address) || waiting.length >= mostWaiting) continue
          seen.add(compared)
          waiting.push(address)
        }
      }

      /** The site is where the first address leads. */
      async function settle(first: URL) {
        const folder = first.pathname.slice(0, first.pathname.lastIndexOf('/') + 1)
        inside = (url) => url.host === first.host && url.pathname.startsWith(folder)
        seen.add(comparedAddress(first))
        const { sitemaps, delayMs } = await robots.manners(first, signal)
        pauseMs = Math.max(everyMs, Math.min(delayMs, mostDelayMs))
        return sitemaps
      }

      let pauseMs = everyMs
      follow([start])
      for (let visited = 0; visited < most; visited += 1) {
        const asked = waiting.shift()
        if (asked === undefined) break
        signal.throwIfAborted()
        const before = await known(comparedAddress(asked))
        if (before !== undefined) {
          const sitemaps = visited === 0 ? await settle(asked) : []
          yield { kind: 'known', asked }
          follow(linksOf(before, asked).links)
          if (visited === 0) follow(await listed(asked, sitemaps, signal))
          continue
        }
        try {
          await pace(asked.host, pauseMs, signal)
          const fetched = await pages.fetch(asked, { by: 'parley', signal, timeoutMs: pageMs })
          const sitemaps = visited === 0 ? await settle(fetched.url) : []
          const again = visited > 0 && comparedAddress(fetched.url) !== comparedAddress(asked)
          // A redirect leads to a page that comes or came by itself, or away from the site.
          if (again && (!inside(fetched.url) || seen.has(comparedAddress(fetched.url)))) continue
          seen.add(comparedAddress(fetched.url))
          const html = /html/.test(fetched.mediaType) ? fetched.bytes.toString('utf8') : ''
          const { links, unlisted } = linksOf(html, fetched.url)
          if (!unlisted) yield { kind: 'fetched', asked, fetched }
          follow(links)
          if (visited === 0) follow(await listed(fetched.url, sitemaps, signal))
        } catch (thrown) {
          signal.throwIfAborted()
          if (visited === 0) throw thrown
          const error = asParleyError(thrown, unreadWording.failed)
          // What is no page and no document is nobody's loss.
          if (error.code === 'file_unsupported') continue
          yield { kind: 'unread', asked, error, gone: error.code === 'file_missing' }
        }
      }
      return { left: waiting.length }
    },
  }
}
