/**
 * The only way to fetch an address that a person, a page or a program names. It connects to public addresses only,
 * whatever a name resolves to and wherever a redirect points, and takes a bounded number of bytes in a bounded time. Servers
 * that an admin configured are asked by their own clients.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent, request } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { ParleyError } from '../core/errors.ts'
import { type EgressWording, pictureEgressWording } from '../wording/requests.ts'

export interface Egress {
  /**
   * Throws `file_missing` where the server says so, `file_fetch_failed`, `file_too_large` or `file_unsupported`, each with what is wrong
   * with the address.
   */
  fetch(url: URL, options: FetchOptions): Promise<Fetched>
}

export interface Fetched {
  bytes: Buffer
  mediaType: string
  /** As the server says it. */
  charset: string | undefined
  /** After all redirects. */
  url: URL
  status: number
}

export interface FetchOptions {
  /** As it is sent, and unpacked. */
  maxBytes: number | ((mediaType: string) => number)
  /** The media types that are taken. */
  type: RegExp
  signal: AbortSignal
  /** For the whole fetch; default 10 s. */
  timeoutMs?: number | undefined
  /** Other answers than 200 that are returned. */
  takes?: ((status: number) => boolean) | undefined
  /** Called with each address before it is asked, redirects included; what it throws ends the fetch. */
  before?: ((url: URL) => Promise<void>) | undefined
}

/** What is fetched, and how refusals are worded. */
export interface EgressPurpose {
  wording: EgressWording
  schemes: readonly ('https:' | 'http:')[]
  ports: readonly number[]
  accept: string
  redirects: number
}

export const forPictures: EgressPurpose = {
  wording: pictureEgressWording,
  schemes: ['https:'],
  ports: [443],
  accept: 'image/*',
  redirects: 3,
}

export interface EgressOptions {
  /** For tests: another resolver, addresses that are allowed although they are not public, and who may sign. */
  lookup?: (host: string, answer: (error: Error | null, addresses: LookupAddress[]) => void) => void
  allowed?: (address: string) => boolean
  ports?: readonly number[]
  ca?: string
  timeoutMs?: number
}

const resolve: NonNullable<EgressOptions['lookup']> = (host, answer) => dnsLookup(host, { all: true }, answer)

export function createEgress(options: EgressOptions = {}, purpose: EgressPurpose = forPictures): Egress {
  const { lookup = resolve, allowed = isPublic, ports = purpose.ports, ca, timeoutMs: usualMs = 10_000 } = options
  const { wording, schemes, accept, redirects: mostRedirects } = purpose
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
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const scheme = schemes.find((each) => each === url.protocol)
    if (scheme === undefined) throw failed(wording.scheme(url.protocol))
    if (url.username !== '' || url.password !== '') throw failed(wording.credentials)
    const port = url.port === '' ? (scheme === 'https:' ? 443 : 80) : Number(url.port)
    if (!ports.includes(port)) throw failed(wording.port)
    if (isIP(host) !== 0 && !allowed(host)) throw failed(wording.notPublic)
    return scheme
  }

  async function open(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const scheme = check(url)
    const { promise, resolve: answer, reject } = Promise.withResolvers<IncomingMessage>()
    const headers = { accept, 'accept-encoding': 'identity', 'user-agent': userAgent }
    const ask = scheme === 'https:' ? request : requestHttp
    const sent = ask(url, { agent: agents[scheme], lookup: guarded, headers, signal }, answer)
    sent.once('error', reject).end()
    const response = await promise
    // The name was checked before; this is the address that was really connected to.
    const { remoteAddress = '' } = response.socket
    if (allowed(remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ''))) return response
    response.destroy()
    throw new Forbidden()
  }

  async function follow(
    from: URL,
    before: FetchOptions['before'],
    signal: AbortSignal,
  ): Promise<{ response: IncomingMessage; url: URL }> {
    let url = from
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      check(url)
      await before?.(url)
      const response = await open(url, signal)
      const { statusCode = 0, headers } = response
      if (statusCode < 300 || statusCode > 399 || headers.location === undefined) return { response, url }
      response.destroy()
      const next = URL.parse(headers.location, url)
      if (next === null) throw failed(wording.unreachable)
      url = next
    }
    throw failed(wording.redirects(mostRedirects))
  }

  async function read(response: IncomingMessage, { maxBytes: limit, type, takes }: FetchOptions) {
    const { statusCode: status = 0, headers } = response
    const mediaType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
    const maxBytes = typeof limit === 'number' ? limit : limit(mediaType)
    const tooLarge = () => new ParleyError('file_too_large', wording.tooLarge(maxBytes / 1e6))
    try {
      if (status !== 200 && takes?.(status) !== true) {
        const gone = status === 404 || status === 410
        throw new ParleyError(gone ? 'file_missing' : 'file_fetch_failed', wording.status(status))
      }
      if (!type.test(mediaType)) throw new ParleyError('file_unsupported', wording.type(mediaType))
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
      const pieces: Buffer[] = []
      let bytes = 0
      for await (const piece of unpacked(response) as AsyncIterable<Buffer>) {
        bytes += piece.length
        if (bytes > maxBytes) throw tooLarge()
        pieces.push(piece)
      }
      const charset = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(headers['content-type'] ?? '')?.[1]
      return { bytes: Buffer.concat(pieces), mediaType, charset, status }
    } finally {
      response.destroy()
    }
  }

  return {
    async fetch(from, fetching) {
      const { signal, before, timeoutMs = usualMs } = fetching
      const deadline = AbortSignal.timeout(timeoutMs)
      try {
        const { response, url } = await follow(from, before, AbortSignal.any([signal, deadline]))
        return { ...(await read(response, fetching)), url }
      } catch (thrown) {
        if (thrown instanceof ParleyError) throw thrown
        signal.throwIfAborted()
        if (deadline.aborted) throw failed(wording.slow(timeoutMs / 1000), thrown)
        throw failed(isForbidden(thrown) ? wording.notPublic : wording.unreachable, thrown)
      }
    },
  }
}

/** By this name sites may refuse Parley in their robots.txt. */
export const agentName = 'Parley'
const userAgent = `${agentName} (self-hosted assistant)`

const unpackers = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const

/** Some servers pack what they were asked not to. */
function unpacked(response: IncomingMessage): Readable {
  const encoding = (response.headers['content-encoding'] ?? '').trim().toLowerCase()
  const unpack = Object.entries(unpackers).find(([name]) => name === encoding)?.[1]
  if (unpack === undefined) return response
  const through = unpack()
  response.once('error', (error) => through.destroy(error))
  response.once('aborted', () => through.destroy(new Error('the answer broke off')))
  return response.pipe(through)
}

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
