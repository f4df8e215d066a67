/**
 * The port of HTTP: a route says where it is, who may call it, and how it answers. The one app (src/ops/http.ts) checks
 * the caller and reads the body before a handler runs, so a handler never sees a caller that its route does not name.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Context } from 'hono'
import type { ActiveKey, KeyScope } from './api-key.ts'
import type { ErrorCode, ParleyError } from './errors.ts'
import type { SignedIn } from './person.ts'

/**
 * The callers of a route.
 *
 * `health`: anyone. `public`: anyone, for pages that show no data. `platform`: anyone; the adapter checks the platform's signature
 * first. `key:…`: callers with an API key that has this scope, or with a token that was made with such a key. `key`: callers with
 * the key itself, whatever its scopes.
 * `page`: a signed-in person; while there are no accounts, the user of this machine; also the terminal. `admin`: those of them who
 * are admins of the installation. `costs`: those who may read all amounts.
 * `signIn`: anyone who can open the page, for the page itself and for what signs people in. A change must come from the page.
 * `terminal`: callers on this machine that can read the token file in PARLEY_HOME.
 *
 * A route that shows what belongs to somebody also checks its owner: an entry here says only who the caller is.
 */
export type Access =
  | `key:${KeyScope}`
  | 'health'
  | 'public'
  | 'platform'
  | 'key'
  | 'page'
  | 'admin'
  | 'costs'
  | 'signIn'
  | 'terminal'

/** The caller that was let through, by the first entry of `access` that fits. */
export type Caller =
  | { as: 'health' | 'public' | 'platform' | 'signIn' }
  | { as: 'terminal' }
  /** `null`: the user of this machine, while there are no accounts. */
  | { as: 'page'; person: SignedIn | null }
  | { as: 'key'; key: ActiveKey }

export interface HttpEnv {
  /** For what has to write past web streams, or belongs to an SDK that wants Node's own objects. */
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse }
  Variables: {
    caller: Caller
    /** The whole body; empty where the route does not read one. */
    body: Buffer
    /** The body as it comes in, where the route asks for that. */
    upload: Readable
  }
}

export type HttpContext = Context<HttpEnv>

export interface Route {
  /** A route for GET answers HEAD too. */
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** A pattern of Hono's: `/console/threads/:id`. */
  path: string
  /** One of these is enough. There is no default. */
  access: readonly [Access, ...Access[]]
  /** `maxBytes` reads the whole body before the handler; `upload` hands it on as it comes. Absent: the body is not read. */
  body?: { maxBytes: number } | 'upload'
  /** Answers nothing when it writes to `context.env.outgoing` itself. */
  handle(context: HttpContext): Response | undefined | Promise<Response | undefined>
}

/** The routes of one platform, and how their callers read a failure. */
export interface Mount {
  /** Failures at this address and below it are written by this mount, also where it has no route. */
  prefix: string
  routes: readonly Route[]
  /** On every answer; where they depend on the request, made for it. */
  headers?: Readonly<Record<string, string>> | ((context: HttpContext) => Readonly<Record<string, string>>)
  /** Answers a browser that asks whether a page of another origin may call an address; nothing: it may not. */
  preflight?(context: HttpContext): Response | undefined
  /** Default: `{error: {code, userMessage}}` with the status of `statusOf`. */
  writeError?(context: HttpContext, error: ParleyError): Response
}

const statuses: Partial<Record<ErrorCode, 401 | 403 | 404 | 405 | 408 | 409 | 413 | 429 | 503 | 507>> = {
  credentials_missing: 401,
  sign_in_refused: 401,
  request_forbidden: 403,
  code_invalid: 403,
  address_unknown: 404,
  conversation_not_found: 404,
  turn_not_found: 404,
  file_missing: 404,
  person_not_found: 404,
  team_not_found: 404,
  method_unknown: 405,
  request_incomplete: 408,
  turn_not_latest: 409,
  already_set_up: 409,
  request_too_large: 413,
  file_too_large: 413,
  rate_limited: 429,
  database_unreachable: 503,
  queue_unreachable: 503,
  disk_failed: 503,
  disk_full: 507,
}

export function statusOf({ code }: ParleyError) {
  return statuses[code] ?? (code === 'internal' ? 500 : code.startsWith('file_') ? 422 : 400)
}
