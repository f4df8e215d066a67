/** Parley's own routes: health, and what the terminal asks of the Parley that runs. */

import { z } from 'zod'
import type { ConnectionReport } from '../core/connection.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { HttpContext, Mount } from '../core/http.ts'
import { PersonRole } from '../core/person.ts'
import { requestWording } from '../wording/requests.ts'
import type { RouteEntry } from './http.ts'

export interface LetIn {
  /** A code that creates the first account. Throws `already_set_up`. */
  setUp(): Promise<{ code: string }>
  /** A code that invites somebody, or resets the password of the account with this address. Throws `request_forbidden`. */
  invite(invitation: { role: PersonRole; email?: string | undefined }): Promise<{ code: string; resets: boolean }>
}

const Invite = z.object({ role: PersonRole, email: z.string().max(254).optional() })

export interface OwnRoutesDeps {
  /** Whether this process can do its work now; a sentence when not. */
  ready(): Promise<string | null>
  /** How each platform's connection is. A broken one is named and leaves Parley ready: the others, and the page, do their work. */
  connections(): (ConnectionReport & { platform: string })[]
  /** What the terminal asks where nobody can sign in: links that let somebody in. */
  letIn: LetIn
  /** What `parley doctor` asks a running Parley. */
  doctor(): Promise<unknown>
  /** What `parley route` asks a running Parley. Throws a ParleyError for what makes no sense. */
  explain(request: unknown): Promise<unknown>
  /** THE table of routes, complete once the port is open. */
  routes(): readonly RouteEntry[]
}

export function createOwnRoutes({ ready, connections, letIn, doctor, explain, routes }: OwnRoutesDeps): Mount {
  const noStore = { 'cache-control': 'no-store' }
  /** A health probe sees which connections are broken; only the terminal sees why. */
  const connected = (context: HttpContext) =>
    connections().map(({ platform, name, state: { is, since, ...state } }) => {
      const shown = { platform, connection: name, state: is, since }
      return context.get('caller').as === 'terminal' ? { ...shown, ...state } : shown
    })
  return {
    prefix: '/',
    headers: { 'x-content-type-options': 'nosniff' },
    routes: [
      {
        method: 'GET',
        path: '/healthz',
        access: ['terminal', 'health'],
        handle: (context) => Response.json({ ok: true, connections: connected(context) }, { headers: noStore }),
      },
      {
        method: 'GET',
        path: '/readyz',
        access: ['terminal', 'health'],
        async handle(context) {
          const problem = await ready()
          const state = problem === null ? { ok: true } : { ok: false, userMessage: problem }
          const init = { status: problem === null ? 200 : 503, headers: noStore }
          return Response.json({ ...state, connections: connected(context) }, init)
        },
      },
      {
        method: 'POST',
        path: '/set-up-codes',
        access: ['terminal'],
        handle: async (context) => context.json(await letIn.setUp(), 200, noStore),
      },
      {
        method: 'POST',
        path: '/invitations',
        access: ['terminal'],
        body: { maxBytes: 10_000 },
        async handle(context) {
          const wanted = Invite.safeParse(jsonOf(context.get('body')))
          if (!wanted.success) throw new ParleyError('request_invalid', requestWording.jsonNeeded)
          return context.json(await letIn.invite(wanted.data), 200, noStore)
        },
      },
      {
        method: 'GET',
        path: '/doctor',
        access: ['terminal'],
        handle: async () => Response.json(await doctor(), { headers: noStore }),
      },
      {
        method: 'POST',
        path: '/route',
        access: ['terminal'],
        body: { maxBytes: 1_000_000 },
        handle: async (context) => Response.json(await explain(jsonOf(context.get('body'))), { headers: noStore }),
      },
      {
        method: 'GET',
        path: '/routes',
        access: ['terminal'],
        handle: (context) => context.json(routes(), 200, noStore),
      },
    ],
  }
}

/** How this machine reaches a server that is bound to all addresses. */
export function localAddress(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (thrown) {
    throw new ParleyError('request_invalid', requestWording.jsonNeeded, {
      cause: asParleyError(thrown),
    })
  }
}
