/** SearXNG, the metasearch engine that people run themselves: https://docs.searxng.org/dev/search_api.html */
import { ParleyError } from '../../core/errors.ts'
import { engineNames, searchWording } from '../../wording/search.ts'
import type { WebSearch } from '../web.ts'
import { askEngine, ContentResults, hitsOf } from './search-request.ts'

const engine = {
  label: engineNames.searxng,
  keySetting: 'search.url',
  /** It has no keys: 403 is a format that is switched off, 429 its limiter against programs. */
  failure: (status: number) =>
    status === 403
      ? new ParleyError('search_rejected', searchWording.jsonOff)
      : status === 429
        ? new ParleyError('search_busy', searchWording.limiter)
        : undefined,
}

/** `url`: of the instance, with its path if it has one. */
export function createSearxng({ url }: { url: string }): WebSearch {
  return {
    name: 'searxng',
    label: engine.label,
    async search(query, { limit, signal }) {
      const address = new URL(`${url.replace(/\/(?:search\/?)?$/, '')}/search`)
      address.search = new URLSearchParams({ q: query, format: 'json', safesearch: '1' }).toString()
      const { results } = await askEngine(
        engine,
        address,
        { headers: { accept: 'application/json' }, signal },
        ContentResults,
      )
      return hitsOf(results, limit)
    },
  }
}
