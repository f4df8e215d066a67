/**
 * What a platform keeps for itself between processes and restarts, and what its processes share: its records, the pace of its
 * requests, and queries to tables of its own. Implemented in src/store.
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

/**
 * Installations, conversation references, what was registered: small JSON under a key of the platform's own choosing.
 */
export interface Records {
  get(key: string): Promise<Json | undefined>
  /** `secret`: kept encrypted with PARLEY_SECRET. Throws `secret_missing` when that is not set. */
  put(key: string, value: Json, options?: RecordOptions): Promise<void>
  /** Puts it if there is none under this key: of all callers in all processes, one gets `true`. `secret` as with `put`. */
  claim(key: string, value: Json, options?: Pick<RecordOptions, 'secret'>): Promise<boolean>
  remove(key: string): Promise<void>
  /** What was put before there was a turn belongs to it from now on. */
  assign(key: string, turn: string): Promise<void>
  /** Those whose key starts with `prefix`, in the order of their keys. */
  list(prefix: string): Promise<{ key: string; value: Json }[]>
  /** Removes those whose key starts with `prefix` and that were last put before a moment. */
  removeOlder(prefix: string, before: Date): Promise<void>
}

/** The pace that a platform allows, shared by every process that writes to it. */
export interface Quota {
  /**
   * Takes the next place in the line of `key`, whose places are `everyMs` apart with up to `burst` (default 1) at once.
   * Answers how many milliseconds to wait for it.
   */
  take(key: string, everyMs: number, burst?: number): Promise<number>
  /** The platform said to wait: no place in the line of `key` comes before `ms` from now. */
  hold(key: string, ms: number): Promise<void>
}

/** A named statement is prepared once a connection. */
export interface Statement {
  name: string
  text: string
}

/** The database access of an adapter with its own tables: one round trip. The statement must be safe to send twice. */
export type Query = <Row extends object>(statement: Statement, values: unknown[]) => Promise<Row[]>
