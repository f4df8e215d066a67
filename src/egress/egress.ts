/**
 * The only way to fetch an address that a person, a page or a program names. It connects to public addresses only,
 * whatever a name resolves to and wherever a redirect points, and takes a bounded number of bytes in a bounded time. Servers
 * that an admin configured are asked by their own clients.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { ParleyError } from '../core/errors.ts'
import { type EgressWording, pictureEgressWording } from '../wording/requests.ts'
import { createGuard, type EgressOptions, type GuardPurpose } from './guard.ts'

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
export interface EgressPurpose extends GuardPurpose {
  wording: EgressWording
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

export function createEgress(options: EgressOptions = {}, purpose: EgressPurpose = forPictures): Egress {
  const { timeoutMs: usualMs = 10_000 } = options
  const { wording, accept, redirects: mostRedirects } = purpose
  const guard = createGuard(options, purpose)
  const headers = { accept, 'accept-encoding': 'identity' }

  async function follow(
    from: URL,
    before: FetchOptions['before'],
    signal: AbortSignal,
  ): Promise<{ response: IncomingMessage; url: URL }> {
    let url = from
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      guard.check(url)
      await before?.(url)
      const response = await guard.open(url, { method: 'GET', headers, signal })
      const { statusCode = 0, headers: answered } = response
      if (statusCode < 300 || statusCode > 399 || answered.location === undefined) return { response, url }
      response.destroy()
      const next = URL.parse(answered.location, url)
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
        throw guard.refusalOf(thrown) ?? failed(wording.unreachable, thrown)
      }
    },
  }
}

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

function failed(userMessage: string, cause?: unknown): ParleyError {
  return new ParleyError('file_fetch_failed', userMessage, { cause })
}
