/**
 * The only hosts that the Teams adapter contacts: Microsoft's and configured ones, whatever an event says. Each redirect is
 * checked, and a token is sent only to the host that it is for.
 */
import { Readable } from 'node:stream'
import { cloudOf, graphUrlOf, type TeamsSettings } from './settings.ts'

export interface Hosts {
  /** A connector, which may receive the bot's token. */
  isService(url: string): boolean
  isGraph(url: string): boolean
  /** Files may be downloaded from and uploaded to this host. */
  isFile(url: string): boolean
}

/** Of all clouds, because no token goes there. */
const fileHost =
  /^(?:[\w-]+\.)+(?:sharepoint\.(?:com|us|cn)|sharepoint-(?:df\.com|mil\.us)|svc\.ms|1drv\.com|onedrive\.com)$/

export function createHosts(settings: TeamsSettings): Hosts {
  const { serviceUrl, unchecked, fileHosts } = settings
  const cloud = cloudOf(settings)
  const own = (url: URL, address: string | undefined) => address !== undefined && url.origin === new URL(address).origin
  const isLocal = (url: URL) => unchecked && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  const secure = (url: URL, pattern: RegExp) =>
    url.protocol === 'https:' && url.port === '' && pattern.test(url.hostname)
  const check = (address: string, test: (url: URL) => boolean) => {
    const url = URL.parse(address)
    return url !== null && url.username === '' && url.password === '' && test(url)
  }
  const service = (url: URL) => secure(url, cloud.serviceHost) || own(url, serviceUrl) || isLocal(url)
  const graphRoot = graphUrlOf(settings)
  const graph = (url: URL) => own(url, graphRoot) && `${url.origin}${url.pathname}`.startsWith(`${graphRoot}/`)
  return {
    isService: (address) => check(address, service),
    isGraph: (address) => check(address, graph),
    isFile: (address) =>
      check(
        address,
        (url) => service(url) || graph(url) || secure(url, fileHost) || fileHosts.includes(url.host.toLowerCase()),
      ),
  }
}

const maxRedirects = 4

export class StrangeHost extends Error {}

/** Throws StrangeHost for a host that is not allowed. `tokenFor` returns the token for a URL, if there is one. */
export async function guardedFetch(
  address: string,
  init: { method?: string; headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer>; signal: AbortSignal },
  { hosts, tokenFor }: { hosts: Hosts; tokenFor(url: string): Promise<string | undefined> },
): Promise<Response> {
  let url = address
  for (let hops = 0; hops <= maxRedirects; hops += 1) {
    if (!hosts.isFile(url)) throw new StrangeHost(`not an allowed host: ${URL.parse(url)?.host ?? 'no URL'}`)
    const token = await tokenFor(url)
    const response = await fetch(url, {
      ...init,
      headers: { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      redirect: 'manual',
    })
    const location = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || location === null) return response
    await response.body?.cancel()
    url = new URL(location, url).href
  }
  throw new StrangeHost('too many redirects')
}

export function bodyOf({ body }: Response): Readable {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    if (body) yield* body
  }
  return Readable.from(pieces(), { objectMode: false })
}
