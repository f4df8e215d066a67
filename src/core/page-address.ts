/** Addresses of pages as they are compared, so that one page is read once however it was named. Pure. */

/** What only tells its sender where a reader came from. */
const tracking = /^(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|igshid|ref_src|_hs\w+)$/i

/** What people are shown and what is fetched: without fragment and tracking. */
export function cleanAddress(address: URL): URL {
  const url = new URL(address)
  for (const name of [...url.searchParams.keys()]) if (tracking.test(name)) url.searchParams.delete(name)
  if (url.search === '?') url.search = ''
  url.hash = ''
  return url
}

/** Equal for what is almost surely the same page: scheme, `www.`, the order of parameters and a last slash do not matter. */
export function comparedAddress(address: URL): string {
  const url = cleanAddress(address)
  url.searchParams.sort()
  const host = url.host.toLowerCase().replace(/^(?:www|m)\./, '')
  return `${host}${url.pathname.replace(/\/+$/, '')}${url.search}`
}

export const siteOf = (address: URL) => address.hostname.replace(/^www\./, '')
