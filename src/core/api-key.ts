/** Keys of programs, as routes see them. */
import { z } from 'zod'

/**
 * What a key may do. `ask`: ask models. `usage:read`: read what its owner has spent. `admin`: run commands with its owner's
 * permissions, as they are at that moment.
 */
export const keyScopes = ['ask', 'usage:read', 'admin'] as const
export type KeyScope = (typeof keyScopes)[number]
export const KeyScope = z.enum(keyScopes)

/** A key that may be used right now: not revoked, not expired, its owner not disabled. */
export interface ActiveKey {
  id: string
  name: string
  /** The person it belongs to; `null`: the installation. */
  ownerId: string | null
  scopes: readonly KeyScope[]
}
