/** The way to the web: the search engine, if one is configured, and the reader of pages behind the egress guard. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { IncomingMessage } from '../core/message.ts'
import { spenderOf } from '../core/scope.ts'
import { createEgress } from '../egress/egress.ts'
import { agentName, type EgressOptions } from '../egress/guard.ts'
import { createMeteredSearch } from '../routing/metered-search.ts'
import type { RulesOf } from '../routing/rules.ts'
import { createBrave } from '../search/providers/brave.ts'
import { createEndpoint } from '../search/providers/endpoint.ts'
import { createSearxng } from '../search/providers/searxng.ts'
import { createTavily } from '../search/providers/tavily.ts'
import type { WebSearch } from '../search/web.ts'
import { whenWeb } from '../search/when-web.ts'
import { createWebSources, type WebLimits, type WebSources } from '../web/gather-web.ts'
import { createPageReader, forPages } from '../web/page-reader.ts'
import { createRobots } from '../web/robots.ts'
import { createSites } from '../web/site.ts'
import { searchWording } from '../wording/search.ts'
import { doctorWording } from '../wording/terminal.ts'
import type { Money, Readers, State } from './services.ts'

interface Opening {
  config: Config
  state: State
  reader: Readers['reader']
  money: Money
  log: Log
  /** For tests: addresses that count as public. */
  egress?: EgressOptions | undefined
  limits?: WebLimits | undefined
}

export function openWeb({ config, state, reader, money, log, egress: options, limits = {} }: Opening) {
  const { blobs, attachments, webPages: pages } = state
  const egress = createEgress(options, forPages)
  const robots = createRobots(egress, agentName)
  const { search } = config
  const pageReader = createPageReader({ egress, robots, reader, blobs, artifacts: attachments, pages })
  const sites = createSites({ egress, robots, pages: pageReader, pace: paceOf(state.quota) })
  const sources = createWebSources({
    search:
      search === undefined
        ? undefined
        : createMeteredSearch({
            engine: openEngine(search),
            pricePerSearch: search.pricePerSearch,
            budget: money.budget,
          }),
    reader: pageReader,
    pages,
    artifacts: attachments,
    log,
    limits,
  })
  return { sources, learning: { pages: pageReader, sites } }
}

/** All processes together keep it. */
function paceOf(quota: State['quota']) {
  return async (host: string, everyMs: number, signal: AbortSignal) => {
    const waitMs = await quota.take(`site/${host}`, everyMs)
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
  }
}

/** Whether the web is of concern to a message, by the rules of its place. */
export function concernsWeb({ engine }: WebSources, rulesOf: RulesOf): (message: IncomingMessage) => Promise<boolean> {
  return async ({ text, conversation, author, keyId, overrides, program, attachments }) => {
    const { policy } = await rulesOf(spenderOf(conversation, author, keyId))
    const { search, links } = whenWeb({
      text,
      wish: overrides?.web,
      policy: policy.web ?? 'auto',
      localOnly: policy.localOnly,
      files: attachments.length > 0,
      program: program?.ownPrompt === true,
      engine: engine !== undefined,
      today: new Date(),
    })
    return search || links.length > 0
  }
}

/** Asks the search engine for one page; one that is paid for is not asked. Throws `search_…`. */
export async function checkSearch(search: Config['search']): Promise<string> {
  if (search === undefined) return doctorWording.noSearch
  const engine = openEngine(search)
  if (search.pricePerSearch > 0n) return doctorWording.searchPaid(engine.label)
  const signal = AbortSignal.timeout(checkMs)
  const hits = await engine.search('parley', { limit: 1, signal }).catch((thrown: unknown) => {
    throw signal.aborted ? new ParleyError('search_unreachable', searchWording.unreachable(engine.label)) : thrown
  })
  return doctorWording.searchAnswers(engine.label, hits.length)
}

const checkMs = 10_000

function openEngine(search: NonNullable<Config['search']>): WebSearch {
  switch (search.provider) {
    case 'searxng':
      return createSearxng(search)
    case 'brave':
      return createBrave(search)
    case 'tavily':
      return createTavily(search)
    case 'endpoint':
      return createEndpoint(search)
  }
}
