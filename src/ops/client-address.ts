/**
 * Finds the address that a request came from. Behind a proxy every connection has the proxy's address, and the header
 * `X-Forwarded-For` names the real one. Anyone can send that header, so only the entries that trusted proxies added count.
 * See docs/proxies.md.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP, isIPv4 } from 'node:net'

/** An address or a range of addresses in CIDR notation. */
export interface AddressRange {
  address: string
  prefix: number
}

export interface AddressedRequest {
  headers: IncomingHttpHeaders
  socket: { remoteAddress?: string | undefined }
}

/** `undefined` where the connection has no address, because it is closed or comes through a Unix socket. */
export type ClientAddress = (request: AddressedRequest) => string | undefined

/**
 * Each proxy adds the address of its own caller at the right end, so the way back is from right to left. It ends at the first
 * address that is not a trusted proxy. Everything further left may be made up, and so may the whole header if the connection
 * itself does not come from a trusted proxy. `Forwarded` and other headers never count: most proxies pass on a caller's own.
 */
export function createClientAddress(trustedProxies: readonly AddressRange[]): ClientAddress {
  const trusted = new BlockList()
  for (const { address, prefix } of trustedProxies) trusted.addSubnet(address, prefix, familyOf(address))
  const isTrusted = (address: string) => trusted.check(address, familyOf(address))

  return ({ headers, socket }) => {
    let client = readAddress(socket.remoteAddress ?? '')
    if (client === undefined || !isTrusted(client)) return client
    const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
    for (const hop of hops.reverse()) {
      if (hop.trim() === '') continue
      const address = readAddress(hop)
      // The nearest proxy did not name its caller, as with `unknown`. Nothing further left has a known author.
      if (address === undefined) return client
      client = address
      if (!isTrusted(client)) return client
    }
    return client
  }
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address. `undefined` for anything else, and for a range that holds everybody. */
export function readAddressRange(text: string): AddressRange | undefined {
  const [, written = '', bits] = /^([^/%\s]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = isIP(written) === 0 ? undefined : readAddress(written)
  if (address === undefined) return undefined
  const [most, mapped] = isIPv4(address) ? [32, isIPv4(written) ? 0 : 96] : [128, 0]
  const prefix = bits === undefined ? most : Number(bits) - mapped
  return prefix >= 1 && prefix <= most ? { address, prefix } : undefined
}

/**
 * One spelling for each address, so that a list or a limit meets it once. Accepts a port, brackets and a zone. An IPv4 address
 * within IPv6 (`::ffff:192.0.2.1`), as sockets that serve both report it, becomes IPv4.
 */
function readAddress(text: string): string | undefined {
  const bare = text.trim().replace(/^"(.*)"$/, '$1')
  const [, bracketed, dotted] = /^\[([^\]]+)\](?::\d{1,5})?$|^([\d.]+)(?::\d{1,5})?$/.exec(bare) ?? []
  const address = (bracketed ?? dotted ?? bare).replace(/%[\w.-]+$/, '')
  if (isIPv4(address)) return bracketed === undefined ? address : undefined
  if (isIP(address) === 0) return undefined
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return canonical
  const number = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.')
}

const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6')
