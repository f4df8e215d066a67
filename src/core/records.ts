/**
 * What a platform keeps for itself between processes and restarts: installations, conversation references, what was
 * registered. Small JSON under a key of the platform's own choosing.
 */
import type { Json } from './json.ts'

export interface RecordOptions {
  secret?: boolean
  /** The turn that it belongs to: it goes when the turn is deleted, and is not kept when it was. Put again without, it stays. */
  turn?: string | undefined
  /** Whose it is, while it belongs to no turn: it goes when that person is forgotten. */
  person?: { workspaceId: string; userId: string } | undefined
  /** Hashes of blobs that are needed as long as it is there. */
  blobs?: string[] | undefined
}

export interface Records {
  get(key: string): Promise<Json | undefined>
  /** `secret`: kept encrypted with PARLEY_SECRET. Throws `secret_missing` when that is not set. */
  put(key: string, value: Json, options?: RecordOptions): Promise<void>
  /** Puts it if there is none under this key: of all callers in all processes, one gets `true`. */
  claim(key: string, value: Json): Promise<boolean>
  remove(key: string): Promise<void>
  /** What was put before there was a turn belongs to it from now on. */
  assign(key: string, turn: string): Promise<void>
  /** Those whose key starts with `prefix`, in the order of their keys. */
  list(prefix: string): Promise<{ key: string; value: Json }[]>
  /** Removes those whose key starts with `prefix` and that were last put before a moment. */
  removeOlder(prefix: string, before: Date): Promise<void>
}
