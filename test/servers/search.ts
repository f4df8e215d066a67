/**
 * A search engine on this machine with the documented answers of SearXNG, Brave or Tavily, or with an answer of its own.
 * Unlike the real ones it does not search: it gives what `finds` was told, for every query, all at once and without ads,
 * infoboxes or pages of results.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type Dialect = 'searxng' | 'brave' | 'tavily' | 'endpoint'

interface Page {
  url: string
  title: string
  snippet: string
  published?: string
}

export interface SearchServer extends AsyncDisposable {
  url: string
  /** The queries that came, in their order. */
  asked: string[]
  /** The most that were under way at the same time. */
  mostAtOnce(): number
  finds(...pages: Page[]): void
  /** Answers everything with this. */
  answers(answer: { status: number; headers?: Record<string, string>; body?: string }): void
  /** Never answers. */
  hangs(): void
  /** Answers after so many milliseconds. */
  takes(ms: number): void
  /** A request has come. */
  reached(): Promise<void>
  close(): Promise<void>
}

export async function startSearch(dialect: Dialect, key?: string): Promise<SearchServer> {
  const asked: string[] = []
  let pages: Page[] = []
  let fixed: { status: number; headers?: Record<string, string>; body?: string } | undefined
  let hanging = false
  let delayMs = 0
  let open = 0
  let most = 0
  const reached = Promise.withResolvers<void>()

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://here')
    const body = await text(request)
    const query = queryOf(dialect, url, body)
    reached.resolve()
    open += 1
    most = Math.max(most, open)
    response.once('close', () => {
      open -= 1
    })
    if (query !== undefined) asked.push(query)
    if (hanging) return
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
    const send = (status: number, value: unknown, headers = {}) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
    if (fixed !== undefined) {
      const type = fixed.body?.startsWith('<') ? 'text/html; charset=utf-8' : 'application/json'
      return void response.writeHead(fixed.status, { 'content-type': type, ...fixed.headers }).end(fixed.body ?? '')
    }
    if (query === undefined) return send(404, { detail: 'Not Found' })
    const { authorization, 'x-subscription-token': token, 'x-key': own } = request.headers
    if (dialect === 'brave' && token !== key)
      return send(422, { type: 'ErrorResponse', error: { code: 'SUBSCRIPTION_TOKEN_INVALID', status: 422 } })
    if (dialect === 'tavily' && authorization !== `Bearer ${key}`)
      return send(401, { detail: { error: 'Unauthorized: missing or invalid API key.' } })
    if (dialect === 'endpoint' && own !== key) return send(401, {})
    send(200, answerOf(dialect, query, pages))
  }

  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    mostAtOnce: () => most,
    finds: (...found) => {
      pages = found
    },
    answers: (answer) => {
      fixed = answer
    },
    hangs: () => {
      hanging = true
    },
    takes: (ms) => {
      delayMs = ms
    },
    reached: () => reached.promise,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function queryOf(dialect: Dialect, url: URL, body: string): string | undefined {
  const { pathname, searchParams } = url
  if (dialect === 'searxng' && pathname === '/search' && searchParams.get('format') === 'json')
    return searchParams.get('q') ?? undefined
  if (dialect === 'brave' && pathname === '/res/v1/web/search') return searchParams.get('q') ?? undefined
  if (dialect === 'endpoint' && pathname === '/find') return searchParams.get('words') ?? undefined
  if (dialect === 'tavily' && pathname === '/search') return (JSON.parse(body) as { query?: string }).query
  return undefined
}

function answerOf(dialect: Dialect, query: string, pages: Page[]): unknown {
  switch (dialect) {
    case 'searxng':
      return {
        query,
        number_of_results: 0,
        results: pages.map(({ url, title, snippet, published }, at) => ({
          url,
          title,
          content: snippet,
          publishedDate: published === undefined ? null : `${published}T00:00:00`,
          engine: 'duckduckgo',
          engines: ['duckduckgo'],
          positions: [at + 1],
          score: 1 / (at + 1),
          category: 'general',
        })),
        answers: [],
        corrections: [],
        infoboxes: [],
        suggestions: [],
        unresponsive_engines: [['google', 'access denied']],
      }
    case 'brave':
      return {
        type: 'search',
        query: { original: query, more_results_available: false },
        // It leaves `web` out where nothing was found.
        ...(pages.length === 0
          ? {}
          : {
              web: {
                type: 'search',
                results: pages.map(({ url, title, snippet, published }) => ({
                  type: 'search_result',
                  url,
                  title: title.replace('&', '&amp;'),
                  description: snippet.replace('pump', '<strong>pump</strong>'),
                  ...(published === undefined ? {} : { page_age: `${published}T00:00:00`, age: 'March 2, 2026' }),
                })),
              },
            }),
      }
    case 'tavily':
      return {
        query,
        answer: null,
        images: [],
        response_time: 0.9,
        results: pages.map(({ url, title, snippet, published }) => ({
          url,
          title,
          content: snippet,
          score: 0.9,
          raw_content: null,
          ...(published === undefined ? {} : { published_date: published }),
        })),
      }
    case 'endpoint':
      return {
        data: {
          items: pages.map(({ url, title, snippet, published }) => ({
            link: url,
            head: { text: title },
            text: snippet,
            when: published,
          })),
        },
      }
  }
}
