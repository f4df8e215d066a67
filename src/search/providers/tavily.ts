/** Tavily: https://docs.tavily.com/documentation/api-reference/endpoint/search */
import { ParleyError } from '../../core/errors.ts'
import { engineNames, searchWording } from '../../wording/search.ts'
import type { WebSearch } from '../web.ts'
import { askEngine, ContentResults, hitsOf } from './search-request.ts'

const engine = {
  label: engineNames.tavily,
  keySetting: 'TAVILY_API_KEY',
  /** 432: the plan's credits are used up; 433: the limit that its owner set. */
  failure: (status: number) =>
    status === 432 || status === 433
      ? new ParleyError('search_refused_key', searchWording.usedUp(engineNames.tavily))
      : undefined,
}

export function createTavily({ apiKey, url = 'https://api.tavily.com' }: { apiKey: string; url?: string }): WebSearch {
  return {
    name: 'tavily',
    label: engine.label,
    async search(query, { limit, signal }) {
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
      // `basic` is one credit, which is what the default price counts.
      const body = JSON.stringify({ query, max_results: Math.min(limit, 20), search_depth: 'basic' })
      const address = new URL(`${url.replace(/\/$/, '')}/search`)
      const { results } = await askEngine(engine, address, { method: 'POST', headers, body, signal }, ContentResults)
      return hitsOf(results, limit)
    },
  }
}
