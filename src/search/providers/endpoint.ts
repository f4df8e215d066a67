/** Any search engine that answers a GET with JSON: parley.yaml names the address and where the fields are. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { engineNames, searchWording } from '../../wording/search.ts'
import type { WebSearch } from '../web.ts'
import { askEngine, hitsOf } from './search-request.ts'

export interface EndpointSettings {
  /** With `{query}`, and `{limit}` where the engine takes a number. */
  url: string
  headers?: Record<string, string> | undefined
  /** Paths of object keys and array places, such as `data.items`; empty: the answer itself. */
  results: string
  fields: { url: string; title: string; snippet: string; published: string }
}

const engine = { label: engineNames.endpoint, keySetting: 'search.headers' }

export function createEndpoint({ url, headers = {}, results, fields }: EndpointSettings): WebSearch {
  return {
    name: 'endpoint',
    label: engine.label,
    async search(query, { limit, signal }) {
      const filled = url.replaceAll('{query}', encodeURIComponent(query)).replaceAll('{limit}', String(limit))
      const init = { headers: { accept: 'application/json', ...headers }, signal }
      const answer: unknown = await askEngine(engine, new URL(filled), init, z.unknown())
      const list = at(answer, results)
      if (!Array.isArray(list))
        throw new ParleyError('search_rejected', searchWording.otherShape(engine.label, 'search'))
      const text = (item: unknown, path: string) => {
        const value = at(item, path)
        return typeof value === 'string' ? value : undefined
      }
      return hitsOf(
        list.flatMap((item: unknown) => {
          const address = text(item, fields.url)
          if (address === undefined) return []
          return {
            url: address,
            title: text(item, fields.title),
            snippet: text(item, fields.snippet),
            published: text(item, fields.published),
          }
        }),
        limit,
      )
    },
  }
}

function at(value: unknown, path: string): unknown {
  let found = value
  for (const key of path.split('.').filter((each) => each !== '')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  return found
}
