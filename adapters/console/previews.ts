/** What a citation opens: the page as a picture with the passage marked, or the text of the place and around it. */

import { Position } from '../../src/core/artifact.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Route } from '../../src/core/http.ts'
import { consoleWording } from '../../src/wording/page.ts'
import type { Board } from './board.ts'

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
    picture?: boolean
  }>
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

export function previewRoutes({ board, previews }: { board: Board; previews: Previews }): Route[] {
  async function shared(hash = ''): Promise<string> {
    if (!/^[0-9a-f]{64}$/.test(hash) || !(await board.knowsFile(hash))) {
      throw new ParleyError('file_missing', consoleWording.fileMissing)
    }
    return hash
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
        const hash = await shared(context.req.param('hash'))
        const width = count(context.req.query('width'), 1000, 2000)
        const image = await previews.page(hash, count(context.req.param('n'), 1, 100_000), {
          width,
          signal: context.req.raw.signal,
        })
        // The address names the content by its hash: it never changes.
        return context.body(Buffer.from(image.png), 200, {
          'content-type': 'image/png',
          'cache-control': 'private, max-age=86400, immutable',
        })
      },
    },
    {
      method: 'GET',
      path: '/console/files/:hash/page/:n/marks',
      access: ['page'],
      async handle(context) {
        const hash = await shared(context.req.param('hash'))
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
        const hash = await shared(context.req.param('hash'))
        const { from, to, ...where } = placeOf((name) => context.req.query(name))
        return context.json(await previews.lines(hash, from, to, where))
      },
    },
    {
      method: 'GET',
      path: '/console/files/:hash/picture',
      access: ['page'],
      async handle(context) {
        const hash = await shared(context.req.param('hash'))
        const { from, to, ...where } = placeOf((name) => context.req.query(name))
        const width = count(context.req.query('width'), 1000, 2000)
        const image = await previews.picture(hash, from, to, { ...where, width, signal: context.req.raw.signal })
        return context.body(Buffer.from(image.png), 200, {
          'content-type': 'image/png',
          'cache-control': 'private, max-age=86400',
        })
      },
    },
  ]
}
