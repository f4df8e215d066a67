/** What a citation opens: the page as a picture with the passage marked, or the lines of a text around it. */
import type { Env, Hono } from 'hono'
import { ParleyError } from '../../src/core/errors.ts'
import type { Board } from './board.ts'

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
  /** Lines `from` to `to`, 1-based and inclusive, of a text file. */
  lines(
    contentHash: string,
    from: number,
    to: number,
  ): Promise<{ from: number; to: number; of: number; lines: string[] }>
}

export function servePreviews<E extends Env>(
  app: Hono<E>,
  { board, previews }: { board: Board; previews: Previews },
): void {
  async function shared(hash: string): Promise<string> {
    if (!/^[0-9a-f]{64}$/.test(hash) || !(await board.knowsFile(hash))) {
      throw new ParleyError('file_missing', 'That file is no longer here. Please share it again.')
    }
    return hash
  }
  const count = (text: string | undefined, fallback: number, most: number) => {
    const value = Math.floor(Number(text ?? fallback))
    return Number.isFinite(value) ? Math.min(Math.max(value, 1), most) : fallback
  }

  app.get('/console/files/:hash/page/:n', async (context) => {
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
  })
  app.get('/console/files/:hash/page/:n/marks', async (context) => {
    const hash = await shared(context.req.param('hash'))
    const quote = (context.req.query('quote') ?? '').slice(0, 2000)
    const options = { width: 200, signal: context.req.raw.signal, ...(quote === '' ? {} : { quote }) }
    const { width, height, marks } = await previews.page(hash, count(context.req.param('n'), 1, 100_000), options)
    return context.json({ width, height, marks })
  })
  app.get('/console/files/:hash/text', async (context) => {
    const hash = await shared(context.req.param('hash'))
    const from = count(context.req.query('from'), 1, 10_000_000)
    const to = count(context.req.query('to'), from, from + 500)
    return context.json(await previews.lines(hash, from, Math.max(from, to)))
  })
}
