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
