/**
 * Short-lived tokens that a program gets for its API key (`POST /v1/token`), so that the key itself need not travel. A token names
 * its key, which is looked up with every request: a token ends with its key at once. Made in providers/access-tokens.ts.
 */
import type { ActiveKey, KeyScope } from '../core/api-key.ts'

export const accessTokenSeconds = 900

export interface AccessTokens {
  /** `scopes` are at most those of the key. Throws `secret_missing` without PARLEY_SECRET, which seals the signing key. */
  issue(key: ActiveKey, scopes: readonly KeyScope[]): Promise<string>
  /** `null` if it is no token of this Parley, was changed, or has expired. */
  verify(token: string): Promise<{ keyId: string; scopes: KeyScope[] } | null>
  /** The public keys, as a JSON Web Key Set (RFC 7517). */
  publicKeys(): Promise<{ keys: object[] }>
}
