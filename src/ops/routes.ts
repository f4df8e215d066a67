/** Parley's own routes: health, what the terminal asks of the Parley that runs, and the page's one-time link. */

import type { ConnectionReport } from '../core/connection.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { HttpContext, Mount } from '../core/http.ts'
import { accessWording, requestWording } from '../wording/requests.ts'
import type { Gate } from './access.ts'
import type { RouteEntry } from './http.ts'

export interface OwnRoutesDeps {
  gate: Gate
  /** Whether this process can do its work now; a sentence when not. */
  ready(): Promise<string | null>
  /** How each platform's connection is. A broken one is named and leaves Parley ready: the others, and the page, do their work. */
  connections(): (ConnectionReport & { platform: string })[]
  /** What `parley doctor` asks a running Parley. */
  doctor(): Promise<unknown>
  /** What `parley route` asks a running Parley. Throws a ParleyError for what makes no sense. */
  explain(request: unknown): Promise<unknown>
  /** THE table of routes, complete once the port is open. */
  routes(): readonly RouteEntry[]
}

export const openPath = '/open'
/** The path of the page's one-time link. */
export const linkFor = (code: string) => `${openPath}?token=${code}`

export function createOwnRoutes({ gate, ready, connections, doctor, explain, routes }: OwnRoutesDeps): Mount {
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
      {
        method: 'POST',
        path: '/links',
        access: ['terminal'],
        handle: (context) => context.json({ path: linkFor(gate.createLinkCode()) }, 200, noStore),
      },
      {
        method: 'GET',
        path: openPath,
        access: ['link'],
        handle(context) {
          const headers = { ...noStore, 'referrer-policy': 'no-referrer' }
          // Previews and prefetches must not use up the link.
          if (context.req.method === 'HEAD' || context.req.header('sec-purpose')?.includes('prefetch'))
            return context.body(null, 204, headers)
          const cookie = gate.redeem(context.req.query('token') ?? '')
          if (cookie === null) throw new ParleyError('credentials_missing', accessWording.linkExpired)
          return context.body(null, 303, { ...headers, location: '/', 'set-cookie': cookie })
        },
      },
    ],
  }
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
