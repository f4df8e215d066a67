/**
 * What a platform keeps for itself between processes and restarts: installations, conversation references, what was
 * registered. Small JSON under a key of the platform's own choosing.
 */
import type { Json } from './json.ts'

export interface Records {
  get(key: string): Promise<Json | undefined>
  /** `secret`: kept encrypted with PARLEY_SECRET. Throws `secret_missing` when that is not set. */
  put(key: string, value: Json, options?: { secret?: boolean }): Promise<void>
  remove(key: string): Promise<void>
  /** Those whose key starts with `prefix`, in the order of their keys. */
  list(prefix: string): Promise<{ key: string; value: Json }[]>
  /** Removes those whose key starts with `prefix` and that were last put before a moment. */
  removeOlder(prefix: string, before: Date): Promise<void>
}
