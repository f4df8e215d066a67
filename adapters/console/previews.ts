/** What a citation opens: the page as a picture with the passage marked, or the text of the place and around it. */

import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Position } from '../../src/core/artifact.ts'
import type { ByteRange } from '../../src/core/blobs.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Author } from '../../src/core/message.ts'
import { consoleWording } from '../../src/wording/page.ts'
import type { Board } from './board.ts'
import { requestedRange } from './byte-range.ts'
import type { Asker } from './normalize.ts'

/** What the places are counted in, and the part of the file: the file within a mail or an archive, the sheet. */
export interface Where {
  kind?: Position['kind'] | undefined
  inner?: string | undefined
  sheet?: string | undefined
}

/** Shows pieces of files; src/media provides it. */
export interface Previews {
  page(
    contentHash: string,
    page: number,
    options: { width: number; quote?: string; signal: AbortSignal },
  ): Promise<{
    png: Uint8Array
    width: number
    height: number
    marks: { x: number; y: number; width: number; height: number }[]
  }>
  /** Lines, rows, pages or slides `from` to `to`, 1-based and inclusive, or milliseconds. */
  lines(
    contentHash: string,
    from: number,
    to: number,
    where: Where,
  ): Promise<{
    from: number
    to: number
    of: number
    lines: string[]
    places?: { from: number; to: number }[]
    numbers?: number[]
    columns?: string[]
    picture?: boolean
    play?: 'audio' | 'video'
  }>
  /** The recording that `lines` announces by `play`. Throws `file_missing` for other files. */
  recording(
    contentHash: string,
  ): Promise<{ mediaType: string; bytes: number; open(range: ByteRange): Promise<Readable> }>
  /** The picture that `lines` announces. */
  picture(
    contentHash: string,
    from: number,
    to: number,
    options: Where & { width: number; signal: AbortSignal },
  ): Promise<{ png: Uint8Array }>
}

const kinds = Position.options.map(({ shape }) => shape.kind.value)
/** At once. */
const MAX_LINES = 500
const MAX_MS = 3_600_000

/** The content never changes. A browser keeps it for one session, because the next person may be somebody else. */
export const kept = { 'cache-control': 'private, max-age=86400, immutable', vary: 'cookie' }

/** Of what was shared elsewhere: whether they may see it is asked each time. */
const notKept = { 'cache-control': 'private, no-store' }

export interface PreviewRoutes {
  board: Pick<Board, 'knowsFile'>
  previews: Previews
  askerOf(context: HttpContext): Promise<Asker>
  /** Whether something with this content was shared where this person may read it, now. */
  maySee(person: Author, contentHash: string, signal: AbortSignal): Promise<boolean>
}

export function previewRoutes({ board, previews, askerOf, maySee }: PreviewRoutes): Route[] {
  /** The address names the content by its hash. Whoever may read a message or an upload with it may see it, or a place where it was shared. */
  async function shared(context: HttpContext): Promise<{ hash: string; cache: Record<string, string> }> {
    const hash = context.req.param('hash') ?? ''
    const { author, owner } = await askerOf(context)
    if (/^[0-9a-f]{64}$/.test(hash)) {
      if (await board.knowsFile(hash, owner)) return { hash, cache: kept }
      if (await maySee(author, hash, context.req.raw.signal)) return { hash, cache: notKept }
    }
    throw new ParleyError('file_missing', consoleWording.fileMissing)
  }
  const count = (text: string | undefined, fallback: number, most: number, least = 1) => {
    const value = Math.floor(Number(text ?? fallback))
    return Number.isFinite(value) ? Math.min(Math.max(value, least), most) : fallback
  }
  const placeOf = (query: (name: string) => string | undefined): Where & { from: number; to: number } => {
    const requestedKind = query('kind')
    const kind = kinds.find((known) => known === requestedKind)
    const timed = kind === 'time'
    const from = count(query('from'), timed ? 0 : 1, 1_000_000_000, timed ? 0 : 1)
    const to = Math.max(from, count(query('to'), from, from + (timed ? MAX_MS : MAX_LINES)))
    return { from, to, kind, inner: query('inner'), sheet: query('sheet') }
  }

  return [
    {
      method: 'GET',
      path: '/console/files/:hash/page/:n',
      access: ['page'],
      async handle(context) {
        const { hash, cache } = await shared(context)
        const width = count(context.req.query('width'), 1000, 2000)
        const image = await previews.page(hash, count(context.req.param('n'), 1, 100_000), {
          width,
          signal: context.req.raw.signal,
        })
        return context.body(Buffer.from(image.png), 200, {
          'content-type': 'image/png',
          ...cache,
        })
      },
    },
    {
      method: 'GET',
      path: '/console/files/:hash/page/:n/marks',
      access: ['page'],
      async handle(context) {
        const { hash } = await shared(context)
        const quote = (context.req.query('quote') ?? '').slice(0, 2000)
        const options = { width: 200, signal: context.req.raw.signal, ...(quote === '' ? {} : { quote }) }
        const { width, height, marks } = await previews.page(hash, count(context.req.param('n'), 1, 100_000), options)
        return context.json({ width, height, marks })
      },
    },
    {
      method: 'GET',
      path: '/console/files/:hash/text',
      access: ['page'],
      async handle(context) {
        const { hash } = await shared(context)
        const { from, to, ...where } = placeOf((name) => context.req.query(name))
        return context.json(await previews.lines(hash, from, to, where))
      },
    },
    {
      method: 'GET',
      path: '/console/files/:hash/recording',
      access: ['page'],
      async handle(context) {
        const { hash, cache } = await shared(context)
        const { mediaType, bytes, open } = await previews.recording(hash)
        const range = requestedRange(context.req.header('range'), bytes)
        const headers: Record<string, string> = {
          'content-type': mediaType,
          'accept-ranges': 'bytes',
          ...cache,
        }
        if (range === 'outside') return context.body(null, 416, { ...headers, 'content-range': `bytes */${bytes}` })
        const { from, to } = range ?? { from: 0, to: bytes - 1 }
        headers['content-length'] = String(to - from + 1)
        if (range !== undefined) headers['content-range'] = `bytes ${from}-${to}/${bytes}`
        const status = range === undefined ? 200 : 206
        if (context.req.method === 'HEAD') return context.body(null, status, headers)
        // Past web streams: a player closes its connection at every jump, and the file must be closed with it.
        const { outgoing } = context.env
        const content = await open({ from, to })
        outgoing.writeHead(status, headers)
        await pipeline(content, outgoing).catch(() => outgoing.destroy())
        return undefined
      },
    },
    {
      method: 'GET',
      path: '/console/files/:hash/picture',
      access: ['page'],
      async handle(context) {
        const { hash, cache } = await shared(context)
        const { from, to, ...where } = placeOf((name) => context.req.query(name))
        const width = count(context.req.query('width'), 1000, 2000)
        const image = await previews.picture(hash, from, to, { ...where, width, signal: context.req.raw.signal })
        return context.body(Buffer.from(image.png), 200, {
          'content-type': 'image/png',
          ...cache,
        })
      },
    },
  ]
}
