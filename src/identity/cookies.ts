/** The cookies of the page. Implemented in src/ops/cookies.ts. */
import type { IncomingMessage } from 'node:http'

/** `session`: a signed-in browser. `flow`: a sign-in that went to another site. */
export type CookieName = 'session' | 'flow'

export interface Cookies {
  read(request: IncomingMessage, name: CookieName): string | undefined
  /** The value of a `Set-Cookie` header. */
  set(request: IncomingMessage, name: CookieName, value: string, maxAgeSeconds: number): string
  clear(request: IncomingMessage, name: CookieName): string
}
