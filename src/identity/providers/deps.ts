/** What providers share. */
import type { CustomFetch } from 'openid-client'

export interface ProviderDeps {
  /** Fetches from exactly these origins. */
  fetchFrom(origins: readonly string[]): typeof fetch
}

/** Of a claim of time. Also what "Try it" finds acceptable. */
export const clockToleranceSeconds = 60

/** `https://login.microsoftonline.com/{tenantid}/v2.0` */
export const isTemplate = (issuer: string) => issuer.includes('{tenantid}')

/** The library's type of options is its own, with the same meaning. */
export function asCustomFetch(fetchOwn: typeof fetch): CustomFetch {
  return async (url, options) => await fetchOwn(url, options as RequestInit)
}
