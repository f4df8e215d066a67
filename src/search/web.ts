/** The port of search engines for the web. Its contract is web.contract.ts. */

export interface WebHit {
  url: string
  title: string
  /** What the engine shows of the page: plain text, empty where it shows nothing. */
  snippet: string
  /** ISO 8601 date, where the engine knows it. */
  published: string | undefined
}

export interface WebSearchOptions {
  /** The most results. */
  limit: number
  /** The promise is rejected with its reason. */
  signal: AbortSignal
}

export interface WebSearch {
  /** For ledger rows and settings: `searxng`, `brave`, `tavily`, `endpoint`. */
  name: string
  /** As people read it. */
  label: string
  /**
   * The best pages, best first; none where nothing fits. Throws `search_unreachable`, `search_busy` (with `retryAfterMs` where
   * the engine says so), `search_refused_key` or `search_rejected`. A question is never in the error.
   */
  search(query: string, options: WebSearchOptions): Promise<WebHit[]>
}

/** The longest query that is sent. */
export const longestQuery = 200
