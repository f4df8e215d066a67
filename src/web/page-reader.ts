/**
 * Reads one page of the web: cache → robots.txt → fetch through the guard → reading process → is it the page → cache. The bytes are a blob
 * and what was read an artifact, like those of a file, so a citation opens it and a deletion reaches it.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Artifact } from '../core/artifact.ts'
import type { Blobs } from '../core/blobs.ts'
import { ParleyError } from '../core/errors.ts'
import { cleanAddress, comparedAddress, siteOf } from '../core/page-address.ts'
import type { Egress, EgressPurpose, Fetched } from '../egress/egress.ts'
import type { Reader } from '../media/reader.ts'
import type { Attachments } from '../store/attachments.ts'
import type { WebPage, WebPages } from '../store/web-pages.ts'
import { pageEgressWording } from '../wording/requests.ts'
import { unreadWording } from '../wording/search.ts'
import { unreadable } from './page-check.ts'
import type { Robots } from './robots.ts'

export interface ReadPage {
  page: WebPage
  artifact: Artifact
}

export interface PageReader {
  /**
   * `by`: a person gave the address, or Parley picked it. Throws a ParleyError whose sentence says why there is nothing to read, and the
   * signal's reason.
   */
  read(address: URL, options: PageRequest): Promise<ReadPage>
  /** The page as it is now. Throws as `read`, and `file_missing` where its site has it no more. */
  fetch(address: URL, options: PageRequest & { timeoutMs?: number }): Promise<Fetched>
  /** Reads what was fetched for an address, and keeps it by `keep`, which writes what refers to its bytes. */
  take(
    fetched: Fetched,
    options: { asked: URL; signal: AbortSignal; keep(read: ReadPage): Promise<unknown> },
  ): Promise<ReadPage>
}

export interface PageRequest {
  by: 'person' | 'parley'
  signal: AbortSignal
}

export interface PageReaderDeps {
  egress: Egress
  robots: Robots
  reader: Pick<Reader, 'read' | 'identify'>
  blobs: Pick<Blobs, 'put' | 'withFile'>
  artifacts: Pick<Attachments, 'artifacts' | 'saveArtifact'>
  pages: Pick<WebPages, 'fresh' | 'save'>
  /** How long a page is not fetched again. */
  freshMs?: number
}

/** How pages are fetched. */
export const forPages: EgressPurpose = {
  wording: pageEgressWording,
  schemes: ['https:', 'http:'],
  ports: [80, 443],
  accept: 'text/html,application/xhtml+xml,application/pdf;q=0.9,text/plain;q=0.8,application/json;q=0.7',
  redirects: 5,
}

const types = /^(?:text\/(?:html|plain|markdown|csv)|application\/(?:xhtml\+xml|pdf|json|ld\+json))$/
const mostBytes = (mediaType: string) => (mediaType === 'application/pdf' ? 20_000_000 : 4_000_000)
const fetchMs = 6_000
const freshMsByDefault = 24 * 3_600_000

export function createPageReader(deps: PageReaderDeps): PageReader {
  const { egress, robots, reader, blobs, artifacts, pages, freshMs = freshMsByDefault } = deps

  async function cached(url: string): Promise<ReadPage | undefined> {
    const page = (await pages.fresh([url])).get(url)
    if (page === undefined) return undefined
    const [artifact] = await artifacts.artifacts([page])
    return artifact === undefined ? undefined : { page, artifact }
  }

  async function allow(url: URL, signal: AbortSignal): Promise<void> {
    const allowed = await robots.allows(url, signal)
    if (allowed === 'no') throw unread(unreadWording.robots)
    if (allowed === 'unknown') throw unread(unreadWording.robotsUnknown)
  }

  async function extract({ mediaType, url }: Fetched, bytes: Uint8Array, signal: AbortSignal, held: string) {
    return await blobs.withFile(held, signal, async (path) => {
      const request = { path, contentHash: held, name: nameOf(url, mediaType), mediaType, web: true }
      const { engine } = await reader.identify(request)
      const [known] = await artifacts.artifacts([{ contentHash: held, engine }])
      if (known !== undefined) return known
      const artifact = await reader.read(request, { signal, onProgress() {} })
      const reason = bytes.length === 0 ? unreadWording.noText : unreadable(artifact)
      if (reason !== undefined) throw unread(reason)
      return artifact
    })
  }

  async function fetch(
    given: URL,
    { by, signal, timeoutMs = fetchMs }: Parameters<PageReader['fetch']>[1],
  ): Promise<Fetched> {
    const address = cleanAddress(given)
    const before = by === 'parley' ? (next: URL) => allow(next, signal) : undefined
    const fetched = await egress.fetch(address, { maxBytes: mostBytes, type: types, signal, timeoutMs, before })
    return { ...fetched, bytes: inUnicode(fetched) }
  }

  const take: PageReader['take'] = async (fetched, { asked, signal, keep }) => {
    const { bytes } = fetched
    await using held = await blobs.put(Readable.from([bytes]), { maxBytes: bytes.length + 1, signal })
    const artifact = await extract(fetched, bytes, signal, held.hash).catch((thrown: unknown) => {
      signal.throwIfAborted()
      if (thrown instanceof ParleyError && thrown.code === 'file_fetch_failed') throw thrown
      const empty = thrown instanceof ParleyError && thrown.code === 'file_empty'
      throw unread(empty ? unreadWording.noText : unreadWording.damaged, thrown)
    })
    const shown = cleanAddress(fetched.url)
    const page: WebPage = {
      id: createHash('sha256')
        .update(`${comparedAddress(asked)} ${held.hash}`)
        .digest('hex'),
      address: shown.href,
      contentHash: held.hash,
      engine: artifact.engine,
      title: artifact.page?.title ?? nameOf(shown, fetched.mediaType),
      site: artifact.page?.site ?? siteOf(shown),
      published: artifact.page?.published,
    }
    await artifacts.saveArtifact(artifact)
    await keep({ page, artifact })
    return { page, artifact }
  }

  return {
    fetch,
    take,
    async read(given, { by, signal }) {
      const address = cleanAddress(given)
      // A page that a person's link brought was not checked against robots.txt: for Parley's own reading it is.
      if (by === 'parley') await allow(address, signal)
      const url = comparedAddress(address)
      const known = await cached(url)
      if (known !== undefined) return known
      const fetched = await fetch(address, { by, signal })
      return await take(fetched, { asked: address, signal, keep: ({ page }) => pages.save(url, page, freshMs) })
    },
  }
}

function unread(sentence: string, cause?: unknown): ParleyError {
  return new ParleyError('file_fetch_failed', sentence, { cause })
}

/** What its server says about the encoding is known only here, so text is stored as UTF-8. */
function inUnicode({ bytes, charset, mediaType }: Fetched): Buffer {
  if (charset === undefined || mediaType === 'application/pdf' || /^utf-?8$/i.test(charset)) return bytes
  try {
    return Buffer.from(`\ufeff${new TextDecoder(charset).decode(bytes)}`)
  } catch {
    return bytes
  }
}

const extensions: Record<string, string> = {
  'application/pdf': 'pdf',
  'application/json': 'json',
  'application/ld+json': 'json',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/csv': 'csv',
}

/** The last part of the address, with the extension that fits. */
function nameOf(url: URL, mediaType: string): string {
  const last = decoded(
    url.pathname
      .split('/')
      .filter((part) => part !== '')
      .at(-1) ?? siteOf(url),
  )
  const extension = extensions[mediaType]
  if (extension === undefined) return /\.x?html?$/i.test(last) ? last : `${last}.html`
  return last.toLowerCase().endsWith(`.${extension}`) ? last : `${last}.${extension}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
