/**
 * The guard of addresses that somebody names: it connects to public addresses only, whatever a name resolves to. egress.ts fetches
 * through it, send.ts sends.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, type OutgoingHttpHeaders, request as requestHttp } from 'node:http'
import { Agent, request } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { ParleyError } from '../core/errors.ts'
import type { GuardWording } from '../wording/requests.ts'

/** Which addresses are taken, and how refusals are worded. */
export interface GuardPurpose {
  wording: GuardWording
  schemes: readonly ('https:' | 'http:')[]
  ports: readonly number[]
}

export interface EgressOptions {
  /** For tests: another resolver, addresses that are allowed although they are not public, and who may sign. */
  lookup?: (host: string, answer: (error: Error | null, addresses: LookupAddress[]) => void) => void
  allowed?: (address: string) => boolean
  ports?: readonly number[]
  ca?: string
  timeoutMs?: number
}

export interface GuardedRequest {
  method: 'GET' | 'POST'
  headers: OutgoingHttpHeaders
  body?: string | undefined
  signal: AbortSignal
}

export interface Guard {
  /** Throws `file_fetch_failed` for an address that is refused without a look at what its name resolves to. */
  check(url: URL): 'https:' | 'http:'
  /** Connects once and follows no redirect. Throws as `check`, and what the connection throws; `refusalOf` tells them apart. */
  open(url: URL, request: GuardedRequest): Promise<IncomingMessage>
  /** What is wrong, where the guard itself refused. */
  refusalOf(thrown: unknown): ParleyError | undefined
}

const resolve: NonNullable<EgressOptions['lookup']> = (host, answer) => dnsLookup(host, { all: true }, answer)

/** `origins`: servers that an admin allowed by their exact origin, whatever their address, scheme and port. */
export function createGuard(options: EgressOptions, purpose: GuardPurpose, origins: readonly string[] = []): Guard {
  const { lookup = resolve, allowed = isPublic, ports = purpose.ports, ca } = options
  const { wording, schemes } = purpose
  // Connections are not kept: each is made to an address that was checked for it.
  const agents = { 'https:': new Agent({ keepAlive: false, ca }), 'http:': new HttpAgent({ keepAlive: false }) }

  /** Every address of a name must be public, and the connection is made to one of those. */
  const guarded: LookupFunction = (host, { all }, answer) => {
    lookup(host, (error, addresses) => {
      const bad = addresses?.find(({ address }) => !allowed(address))
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return answer(error ?? new Error(`no address: ${host}`), '', 0)
      if (bad !== undefined) return answer(new Forbidden(), '', 0)
      if (all) answer(null, addresses)
      else answer(null, first.address, first.family)
    })
  }

  function check(url: URL): 'https:' | 'http:' {
    const isAllowed = origins.includes(url.origin)
    const taken = isAllowed ? (['https:', 'http:'] as const) : schemes
    const scheme = taken.find((each) => each === url.protocol)
    if (scheme === undefined) throw failed(wording.scheme(url.protocol))
    if (url.username !== '' || url.password !== '') throw failed(wording.credentials)
    if (isAllowed) return scheme
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const port = url.port === '' ? (scheme === 'https:' ? 443 : 80) : Number(url.port)
    if (!ports.includes(port)) throw failed(wording.port)
    if (isIP(host) !== 0 && !allowed(host)) throw failed(wording.notPublic)
    return scheme
  }

  return {
    check,
    async open(url, { method, headers, body, signal }) {
      const scheme = check(url)
      const isAllowed = origins.includes(url.origin)
      const { promise, resolve: answer, reject } = Promise.withResolvers<IncomingMessage>()
      const ask = scheme === 'https:' ? request : requestHttp
      const how = { agent: agents[scheme], method, headers: { ...headers, 'user-agent': userAgent }, signal }
      const sent = ask(url, isAllowed ? how : { ...how, lookup: guarded }, answer)
      sent.once('error', reject).end(body)
      const response = await promise
      // The name was checked before; this is the address that was really connected to.
      const { remoteAddress = '' } = response.socket
      if (isAllowed || allowed(remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ''))) return response
      response.destroy()
      throw new Forbidden()
    },
    refusalOf: (thrown) =>
      thrown instanceof ParleyError ? thrown : isForbidden(thrown) ? failed(wording.notPublic, thrown) : undefined,
  }
}

/** By this name sites may refuse Parley in their robots.txt. */
export const agentName = 'Parley'
const userAgent = `${agentName} (self-hosted assistant)`

class Forbidden extends Error {}

const isForbidden = (thrown: unknown): boolean =>
  thrown instanceof Forbidden ||
  (thrown instanceof AggregateError && thrown.errors.some(isForbidden)) ||
  (thrown instanceof Error && thrown.cause instanceof Forbidden)

function failed(userMessage: string, cause?: unknown): ParleyError {
  return new ParleyError('file_fetch_failed', userMessage, { cause })
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-: what is not globally reachable. */
const special = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's own services, inside of every machine there.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  special.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(net, bits, 'ipv6')
/** All that is assigned for the public Internet; mapped and translated IPv4 addresses lie outside. */
const global = new BlockList()
global.addSubnet('2000::', 3, 'ipv6')

export function isPublic(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !special.check(address, 'ipv4')
  return version === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6')
}
