/** Signed-in browsers: 32 random bytes in a cookie, of which only the hash is stored. Implemented in src/store/sessions.ts. */
import type { SignedIn } from '../core/person.ts'

/** Without use. */
export const sessionIdleDays = 14
/** Whatever its use. */
export const sessionDays = 90

export interface SessionAbout {
  id: string
  createdAt: Date
  usedAt: Date
  endsAt: Date
  /** As the browser sent it, at most 300 characters. */
  userAgent: string
  address: string
}

export interface Sessions {
  /**
   * Returns the value of the cookie, which is stored nowhere. `passwordHash`: what the password matched. Throws
   * `credentials_missing` for a disabled person, and if the password was changed meanwhile.
   */
  create(personId: string, from: { userAgent: string; address: string }, passwordHash?: string): Promise<string>
  /** The person of this cookie's session; `null` if there is none, it has ended, or its person is disabled. Counts as use, once a minute. */
  find(secret: string): Promise<SignedIn | null>
  /** Whether it is still valid, for streams that stay open. */
  holds(sessionId: string): Promise<boolean>
  /** Newest use first. */
  list(personId: string): Promise<SessionAbout[]>
  /** Ends one session of this person. `false`: they have no such session. */
  end(personId: string, sessionId: string): Promise<boolean>
  /** Ends all of a person; `except` stays. */
  endAll(personId: string, except?: string): Promise<void>
}
