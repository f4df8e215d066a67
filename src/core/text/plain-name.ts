import { shorten } from './shorten.ts'

/** A name that others gave as it can stand in a line: without line breaks, control and direction characters, and not too long. */
export function plainName(name: string, max = 200): string {
  const flat = name
    .replace(/\p{Cf}+/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  return shorten(flat, max)
}
