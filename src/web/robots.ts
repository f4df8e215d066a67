/**
 * What sites allow programs to read: robots.txt (RFC 9309), for pages that Parley picks itself. A link that a person gave is
 * opened as for that person.
 */
import robotsParser from 'robots-parser'
import { orAborted } from '../core/abort.ts'
import { monotonic } from '../core/clock.ts'
import { ParleyError } from '../core/errors.ts'
import type { Egress } from '../egress/egress.ts'

export interface Robots {
  /** `unknown`: the site did not say, so it counts as no. */
  allows(url: URL, signal: AbortSignal): Promise<'yes' | 'no' | 'unknown'>
  /** What else it says for readers of many pages: where its lists of pages are, and how long to wait between two of them. */
  manners(url: URL, signal: AbortSignal): Promise<{ sitemaps: string[]; delayMs: number }>
}

interface Parsed {
  isAllowed(url: string, agent: string): boolean | undefined
  getCrawlDelay(agent: string): number | undefined
  getSitemaps(): string[]
}
type Rules = 'all' | 'unknown' | Parsed

/** Its types say that the module is an object; it is the function. */
const parse = robotsParser as unknown as (url: string, text: string) => Parsed

/** RFC 9309: parsers must take at least 500 KiB, and may stop there. */
const mostBytes = 512_000
const freshMs = 3_600_000
/** A site that did not answer is asked again sooner. */
const unknownMs = 60_000
const mostSites = 500
const timeoutMs = 2_000

export function createRobots(egress: Egress, agent: string, now: () => number = monotonic): Robots {
  const known = new Map<string, { rules: Promise<Rules>; until: number }>()

  async function ask(origin: string): Promise<Rules> {
    const url = new URL('/robots.txt', origin)
    // Not the caller's signal: others wait for the same answer.
    const signal = AbortSignal.timeout(timeoutMs)
    const takes = (status: number) => status >= 400 && status < 500 && status !== 429
    try {
      const { bytes, status } = await egress.fetch(url, { maxBytes: mostBytes, type: /^/, signal, timeoutMs, takes })
      // A site without the file allows everything.
      return status === 200 ? parse(url.href, bytes.toString('utf8')) : 'all'
    } catch (thrown) {
      return thrown instanceof ParleyError && thrown.code === 'file_too_large' ? 'all' : 'unknown'
    }
  }

  function rulesOf(origin: string): Promise<Rules> {
    const found = known.get(origin)
    if (found !== undefined && found.until > now()) return found.rules
    if (known.size >= mostSites) known.clear()
    const entry = { rules: ask(origin), until: now() + freshMs }
    known.set(origin, entry)
    void entry.rules.then((rules) => {
      if (rules === 'unknown') entry.until = now() + unknownMs
    })
    return entry.rules
  }

  return {
    async allows(url, signal) {
      const rules = await orAborted(rulesOf(url.origin), signal)
      if (rules === 'all') return 'yes'
      if (rules === 'unknown') return 'unknown'
      return rules.isAllowed(url.href, agent) === false ? 'no' : 'yes'
    },
    async manners(url, signal) {
      const rules = await orAborted(rulesOf(url.origin), signal)
      if (typeof rules === 'string') return { sitemaps: [], delayMs: 0 }
      return { sitemaps: rules.getSitemaps(), delayMs: (rules.getCrawlDelay(agent) ?? 0) * 1_000 }
    },
  }
}
