/**
 * The door at /api/messages. What has no place there is refused before the SDK looks at it: other algorithms than RS256,
 * tokens without an end or of another issuer, a service that is none of Teams'. The signature, its key, the audience and the
 * times are the SDK's to check, and the handler runs behind both.
 */
import type { HttpRouteHandler, IHttpServerAdapter } from '@microsoft/teams.apps'
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Mount } from '../../src/core/http.ts'
import type { Log } from '../../src/core/log.ts'
import type { Hosts } from './hosts.ts'
import type { SigningKeys } from './keys.ts'
import { messagesPath, microsoft, type TeamsSettings } from './settings.ts'

export interface Ingress {
  adapter: IHttpServerAdapter
  mount: Mount
  /** Takes nothing more in; returns when calls under way have ended. */
  close(): Promise<void>
}

/** Teams' own limit of a message lies far below. */
const maxBytes = 1_000_000

const Header = z.object({ alg: z.literal('RS256'), kid: z.string().min(1).max(200) })
const Claims = z.object({
  iss: z.string(),
  aud: z.string(),
  exp: z.number().int().positive(),
  serviceurl: z.string(),
})
const Body = z.looseObject({
  type: z.string().max(100),
  serviceUrl: z.string().max(500),
  channelId: z.string().optional(),
})

export function createIngress(
  settings: TeamsSettings,
  hosts: Hosts,
  keys: Pick<SigningKeys, 'reachable'>,
  log: Log,
): Ingress {
  let handler: HttpRouteHandler | undefined
  let closing = false
  const running = new Set<Promise<Response>>()

  /** Why a token is not even to be looked at; `undefined` when the SDK may. */
  function objection(authorization: string | undefined, serviceUrl: string): string | undefined {
    const [, head = '', claims = ''] = /^Bearer ([\w-]+)\.([\w-]+)\.[\w-]+$/.exec(authorization ?? '') ?? []
    if (!Header.safeParse(decode(head)).success) return 'no token signed by RS256 with a named key'
    const parsed = Claims.safeParse(decode(claims))
    if (!parsed.success) return 'a token without issuer, audience, end or service'
    const { iss, aud, serviceurl } = parsed.data
    if (iss !== (settings.tokenIssuer ?? microsoft.issuer)) return 'a token of another issuer'
    if (aud !== settings.clientId) return 'a token for another app'
    return trimmed(serviceurl) === trimmed(serviceUrl) ? undefined : 'a token for another service'
  }

  async function answer(context: HttpContext): Promise<Response> {
    if (closing || handler === undefined) return context.body(null, 503)
    const body = Body.safeParse(parse(context.get('body').toString()))
    if (!body.success) throw new ParleyError('request_invalid', 'That is no activity of Microsoft Teams.')
    const { authorization } = context.env.incoming.headers
    const why = settings.unchecked ? undefined : objection(authorization, body.data.serviceUrl)
    if (why !== undefined || !hosts.isService(body.data.serviceUrl)) {
      log.warn({ why: why ?? 'a service that is none of Teams’' }, 'an event for Teams was refused')
      throw new ParleyError('credentials_missing', 'This activity is not signed by Microsoft Teams for this bot.')
    }
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const { status, body: answered } = await handler({ body: body.data, headers })
    // What failed here may work in a moment; 500 says that it never will.
    if (status === 500) return context.body(null, 503)
    // A good token looks like a bad one while the keys are out of reach: Teams shall deliver it again.
    if (status === 401 && !(await keys.reachable())) return context.body(null, 503)
    const init = { status, headers: { 'cache-control': 'no-store' } }
    return answered === undefined ? new Response(null, init) : Response.json(answered, init)
  }

  return {
    adapter: {
      registerRoute(_method, path, route) {
        if (path === messagesPath) handler = route
      },
    },
    mount: {
      prefix: messagesPath,
      routes: [
        {
          method: 'POST',
          path: messagesPath,
          access: ['platform'],
          body: { maxBytes },
          async handle(context) {
            const task = answer(context)
            running.add(task)
            try {
              return await task
            } finally {
              running.delete(task)
            }
          },
        },
      ],
    },
    async close() {
      closing = true
      await Promise.allSettled(running)
    },
  }
}

const trimmed = (url: string) => url.replace(/\/$/, '').toLowerCase()

function decode(part: string): unknown {
  return parse(Buffer.from(part, 'base64url').toString())
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
