/** The one reader of request bodies: bounded in size, and in the time that a slow sender may take. */

import type { IncomingMessage } from 'node:http'
import { ParleyError } from '../core/errors.ts'
import { requestWording } from '../wording/requests.ts'

export interface BodyLimits {
  maxBytes: number
  /** Without a byte. */
  idleMs: number
  /** All in all. */
  totalMs: number
}

export async function readBody(incoming: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of bodyPieces(incoming, limits)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The body as it comes in. Throws `request_too_large` or `request_incomplete`; the rest stays unread then, for the answer. */
export async function* bodyPieces(
  incoming: IncomingMessage,
  { maxBytes, idleMs, totalMs }: BodyLimits,
): AsyncGenerator<Buffer> {
  const tooLarge = () => new ParleyError('request_too_large', requestWording.tooLarge(maxBytes / 1e6))
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const pieces = incoming.iterator({ destroyOnReturn: false })
  const ends = performance.now() + totalMs
  let bytes = 0
  for (;;) {
    const next = await inTime(pieces.next(), Math.min(idleMs, ends - performance.now()))
    if (next.done) return
    bytes += next.value.length
    if (bytes > maxBytes) throw tooLarge()
    yield next.value
  }
}

async function inTime<T>(piece: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new ParleyError('request_incomplete', requestWording.late)),
    Math.max(ms, 0),
  )
  // After a timeout, it fails together with the connection.
  piece.catch(() => undefined)
  try {
    return await Promise.race([piece, late.promise])
  } catch (thrown) {
    if (thrown instanceof ParleyError) throw thrown
    throw new ParleyError('request_incomplete', requestWording.cutOff, {
      cause: thrown,
    })
  } finally {
    clearTimeout(timer)
  }
}
