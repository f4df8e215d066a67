/** Reads claims, which are the words of another system: every text is bounded and cleaned before anything else sees it. */
import { storable } from '../../core/json.ts'
import { emailIn, oneLine } from '../people.ts'
import type { ProvenAccount } from '../provider.ts'

export type Claims = Readonly<Record<string, unknown>>

const mostGroups = 2000
const mostClaims = 200

/** One line of text; `null` if nothing is left of it. */
export function lineOf(value: unknown, most: number): string | null {
  if (typeof value !== 'string') return null
  // Cut first: normalizing a megabyte would take its time.
  return [...oneLine(value.slice(0, most * 8))].slice(0, most).join('').trim() || null
}

export function nameOf(claims: Claims): string | null {
  const parts = [claims.given_name, claims.family_name].filter((part) => typeof part === 'string').join(' ')
  const candidates = [claims.name, parts, claims.nickname, claims.preferred_username]
  return candidates.map((candidate) => lineOf(candidate, 100)).find((name) => name !== null) ?? null
}

/** `null` for what is no address, which is no reason to refuse anybody. */
export function emailOf(value: unknown): string | null {
  return typeof value === 'string' && value.length <= 254 ? emailIn(value) : null
}

export const isTrue = (value: unknown): boolean => value === true || value === 'true' || value === 1 || value === '1'

/** An identifier, which is compared and never shown: taken as it is, or not at all. */
export function idOf(value: unknown): string | null {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && text !== '' && text.length <= 255 && storable(text) === text ? text : null
}

/** A claim by its name, which may have dots itself, or by the path to it. */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Claims)[step]
  }
  return value
}

/**
 * Entra sends at most 200 groups and otherwise says where they could be asked for:
 * https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference#groups-overage-claim
 */
function isOverage(claims: Claims, path: string): boolean {
  const elsewhere = claims._claim_names
  if (isTrue(claims.hasgroups) && path === 'groups') return true
  return typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, path.split('.')[0] ?? path)
}

export function groupsOf(claims: Claims, path: string): ProvenAccount['groups'] {
  const value = claimAt(claims, path)
  if (value === undefined) return isOverage(claims, path) ? 'overage' : []
  const groups = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string')
  if (groups.length > mostGroups) return 'overage'
  return groups.filter((group) => group !== '' && group.length <= 200).map(storable)
}

export const hasClaim = (claims: Claims, path: string): boolean =>
  claimAt(claims, path) !== undefined || isOverage(claims, path)

export function namesOf(claims: Claims): string[] {
  return Object.keys(claims)
    .flatMap((name) => lineOf(name, 100) ?? [])
    .slice(0, mostClaims)
    .toSorted()
}
