/**
 * The endpoint /api/messages. It rejects requests before the SDK sees them if their token does not use RS256, never expires or
 * has another issuer, or if their service is not Teams. The SDK then checks the signature, its key, the audience and the
 * times, and calls the handler.
 */
import type { HttpRouteHandler, IHttpServerAdapter } from '@microsoft/teams.apps'
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Mount } from '../../src/core/http.ts'
import type { Log } from '../../src/core/log.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { SigningKeys } from './auth.ts'
import type { Hosts } from './hosts.ts'
import { cloudNames, clouds, issuerOf, messagesPath, type TeamsSettings } from './settings.ts'

export interface Ingress {
  adapter: IHttpServerAdapter
  mount: Mount
  /** Rejects new calls; resolves when the running ones have ended. */
  close(): Promise<void>
}

/** Far above the largest Teams message. */
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

  /** Why a token is rejected without checking its signature; `undefined` hands it to the SDK. */
  function rejectionReason(authorization: string | undefined, serviceUrl: string): string | undefined {
    const [, head = '', claims = ''] = /^Bearer ([\w-]+)\.([\w-]+)\.[\w-]+$/.exec(authorization ?? '') ?? []
    if (!Header.safeParse(decode(head)).success) return 'no RS256 token with a key ID'
    const parsed = Claims.safeParse(decode(claims))
    if (!parsed.success) return 'a token without issuer, audience, expiry or service'
    const { iss, aud, serviceurl } = parsed.data
    if (iss !== issuerOf(settings)) return otherIssuer(iss)
    if (aud !== settings.clientId) return 'a token for another app'
    return trimmed(serviceurl) === trimmed(serviceUrl) ? undefined : 'a token for another service'
  }

  async function answer(context: HttpContext): Promise<Response> {
    if (closing || handler === undefined) return context.body(null, 503)
    const body = Body.safeParse(parse(context.get('body').toString()))
    if (!body.success) throw new ParleyError('request_invalid', teamsWording.errors.notAnActivity)
    const { authorization } = context.env.incoming.headers
    const why = settings.unchecked ? undefined : rejectionReason(authorization, body.data.serviceUrl)
    if (why !== undefined || !hosts.isService(body.data.serviceUrl)) {
      log.warn({ why: why ?? 'not a Teams service' }, 'a Teams event was rejected')
      throw new ParleyError('credentials_missing', teamsWording.errors.notSigned)
    }
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const { status, body: answered } = await handler({ body: body.data, headers })
    // Teams retries after 503, but not after 500.
    if (status === 500) return context.body(null, 503)
    // Without the signing keys a valid token is rejected too; 503 makes Teams deliver it again.
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

/** The commonest cause is the setting of the cloud. */
function otherIssuer(issuer: string): string {
  const named = cloudNames.filter((name) => clouds[name].issuer === issuer)
  return named.length === 0
    ? 'a token from another issuer'
    : `a token of another cloud: set teams.cloud to ${named.join(' or ')}`
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
