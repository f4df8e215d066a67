/**
 * How often somebody may try a password. Each try is counted before its password is looked at, in the database, so that the limits
 * hold for any number of processes and tries at once. Implemented in src/store/attempts.ts.
 */
import { createHash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'

export const windowMinutes = 15
export const attemptLimits = {
  /** Wrong passwords for one account from one address. */
  pair: 5,
  /** For one account from all addresses. Neither this one nor the next holds up somebody who signed in from their address before. */
  account: 20,
  /** From one address for all accounts. */
  address: 29,
} as const

export type Attempt = { kind: 'in'; id: string } | { kind: 'full'; againMs: number }

export interface Attempts {
  /** Counts a try as a wrong one, or refuses it. */
  begin(login: string, address: string): Promise<Attempt>
  /** It was right: forgets the wrong ones for this account from this address, and for the account. No `id`: a link let them in. */
  succeed(id: string | null, login: string, address: string): Promise<void>
}

export interface AttemptKeys {
  pair: string
  account: string
  address: string
}

/** Logins are hashed: the table does not tell who tried to sign in. */
export function attemptKeys(login: string, address: string): AttemptKeys {
  const account = createHash('sha256').update(`login ${login}`).digest('base64url')
  const from = networkOf(address)
  return { pair: `pair:${account}:${from}`, account: `login:${account}`, address: `address:${from}` }
}

/** One customer has a whole /64 of IPv6, so all of it counts as one address. */
export function networkOf(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  if (!isIPv6(plain)) return plain.slice(0, 100)
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
