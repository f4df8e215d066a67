/** The address of a thread: `#/t/<id>`. An address without one is a new thread, which gets its id at once. */
import { randomId } from './random-id.ts'

const THREAD = /^#\/t\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

export function threadOf(hash: string): string | null {
  return THREAD.exec(hash)?.[1] ?? null
}

export const threadHref = (threadId: string) => `#/t/${threadId}`

/** The thread that the address names. Writes the address when it names none. */
export function currentThread(): string {
  const named = threadOf(location.hash)
  if (named !== null) return named
  const fresh = randomId()
  history.replaceState(null, '', threadHref(fresh))
  return fresh
}
