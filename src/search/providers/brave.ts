/** Brave Search: https://api-dashboard.search.brave.com/app/documentation/web-search/get-started */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { readRetryAfter } from '../../core/retry-after.ts'
import { engineNames, searchWording } from '../../wording/search.ts'
import type { WebSearch } from '../web.ts'
import { askEngine, hitsOf } from './search-request.ts'

const Answer = z.object({
  // Absent where nothing was found.
  web: z
    .object({
      results: z.array(
        z.object({
          url: z.string(),
          title: z.string().nullish(),
          description: z.string().nullish(),
          page_age: z.string().nullish().catch(undefined),
        }),
      ),
    })
    .nullish(),
})

const engine = {
  label: engineNames.brave,
  keySetting: 'BRAVE_API_KEY',
  failure(status: number, headers: Headers) {
    // An invalid token is answered with 422.
    if (status === 422)
      return new ParleyError('search_refused_key', searchWording.refusedKey(engineNames.brave, 'BRAVE_API_KEY'))
    if (status === 402) return new ParleyError('search_refused_key', searchWording.usedUp(engineNames.brave))
    if (status !== 429) return undefined
    // Seconds until each window resets: of the second, then of the month.
    const reset = headers.get('x-ratelimit-reset')?.split(',')[0] ?? null
    return new ParleyError('search_busy', searchWording.busy(engineNames.brave), {
      retryAfterMs: readRetryAfter(headers.get('retry-after') ?? reset),
    })
  },
}

/** The engine takes no more words. */
const mostWords = 50

export function createBrave({
  apiKey,
  url = 'https://api.search.brave.com',
}: {
  apiKey: string
  url?: string
}): WebSearch {
  return {
    name: 'brave',
    label: engine.label,
    async search(query, { limit, signal }) {
      const address = new URL(`${url.replace(/\/$/, '')}/res/v1/web/search`)
      const words = query.split(/\s+/).slice(0, mostWords).join(' ')
      address.search = new URLSearchParams({
        q: words,
        count: String(Math.min(limit, 20)),
        text_decorations: 'false',
      }).toString()
      const headers = { accept: 'application/json', 'x-subscription-token': apiKey }
      const { web } = await askEngine(engine, address, { headers, signal }, Answer)
      const results = web?.results ?? []
      return hitsOf(
        results.map(({ description, page_age, ...hit }) => ({ ...hit, snippet: description, published: page_age })),
        limit,
      )
    },
  }
}
