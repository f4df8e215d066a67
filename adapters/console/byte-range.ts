/** The `Range` header of players, which jump within a recording (RFC 9110, section 14). */
import type { ByteRange } from '../../src/core/blobs.ts'

/** Undefined: send everything, because there is no range, several, or an invalid one. `outside`: there are no such bytes. */
export function requestedRange(header: string | undefined, bytes: number): ByteRange | 'outside' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  const range =
    first === ''
      ? { from: Math.max(0, bytes - Number(last)), to: bytes - 1 }
      : { from: Number(first), to: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) }
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  return range.from > range.to ? 'outside' : range
}
