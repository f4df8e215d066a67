/** Plain JSON: the only thing that may travel on a job or sit in a platform's own record. */
import { z } from 'zod'

export type Json = z.infer<typeof Json>
export const Json = z.json()

/** Text that any JSON store can hold: PostgreSQL knows neither NUL nor half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}

/** A value as JSON text that any JSON store can hold. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? storable(each) : each))
}

/** The same text for the same value, whatever the order of its names. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
}
