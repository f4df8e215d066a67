/** A real OpenID issuer, as strict as the certified library it is: people sign in by a page of its own, here by fetch. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type Adapter, type AdapterPayload } from 'oidc-provider'

export interface OidcProvider {
  url: string
  clientId: string
  clientSecret: string
  /** What the issuer says of an account. */
  accounts: Record<string, Record<string, unknown>>
  /** Goes to the issuer's address, signs in as this account, and returns where the browser is sent back to. */
  signIn(address: string, account: string): Promise<URL>
  close(): Promise<void>
}

const signingKey = generateKeyPair('RS256', { extractable: true }).then(({ privateKey }) => exportJWK(privateKey))

/** For browsers; once to sign in, and once to agree. */
const form =
  '<!doctype html><title>Issuer</title><form method="post"><label>Account <input name="account"></label><button>Continue</button></form>'

export async function startOidcProvider(redirectUris: string[], port = 0): Promise<OidcProvider> {
  const [clientId, clientSecret] = ['parley', 'a secret of the client']
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: OidcProvider = {
    url,
    clientId,
    clientSecret,
    accounts: {},
    signIn: visit,
    close: () => close(server),
  }
  const provider = new Provider(url, {
    jwks: { keys: [await signingKey] },
    adapter: memory(),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: redirectUris,
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    cookies: { keys: ['a key of the issuer for the tests'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId, ...issuer.accounts[accountId] }),
    }),
  })
  const callback = provider.callback()
  server.on('request', async (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return callback(request, response)
    if (request.method === 'GET') return void response.setHeader('content-type', 'text/html').end(form)
    try {
      // The form of the issuer's own page: who signs in, and that they agree.
      const accountId = new URLSearchParams(await text(request)).get('account') ?? ''
      const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
      if (prompt.name === 'login')
        return await provider.interactionFinished(request, response, { login: { accountId } })
      const grant =
        (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
        new provider.Grant({ accountId: session?.accountId ?? accountId, clientId: String(params.client_id) })
      grant.addOIDCScope(String(params.scope))
      return await provider.interactionFinished(
        request,
        response,
        { consent: { grantId: await grant.save() } },
        { mergeWithLastSubmission: true },
      )
    } catch (thrown) {
      response.writeHead(400).end(String(thrown))
    }
  })

  /** A browser that knows nobody yet. */
  async function visit(address: string, account: string): Promise<URL> {
    const cookies = new Map<string, string>()
    let next = new URL(address)
    for (let step = 0; step < 10; step += 1) {
      if (next.origin !== url) return next
      const isForm = next.pathname.startsWith('/interaction/')
      const response = await fetch(next, {
        method: isForm ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(isForm ? { body: new URLSearchParams({ account }) } : {}),
      })
      for (const cookie of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=')
        cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null) throw new Error(`the issuer answered ${response.status}: ${await response.text()}`)
      next = new URL(location, next)
    }
    throw new Error('the issuer redirects for ever')
  }

  return issuer
}

/** What the issuer remembers, by kind and id. */
function memory(): (kind: string) => Adapter {
  const rows = new Map<string, AdapterPayload>()
  const findBy = (kind: string, field: 'uid' | 'userCode', value: string) =>
    [...rows].find(([key, row]) => key.startsWith(`${kind}/`) && row[field] === value)?.[1]
  return (kind) => ({
    upsert: async (id, payload) => void rows.set(`${kind}/${id}`, payload),
    find: async (id) => rows.get(`${kind}/${id}`),
    findByUid: async (uid) => findBy(kind, 'uid', uid),
    findByUserCode: async (code) => findBy(kind, 'userCode', code),
    destroy: async (id) => void rows.delete(`${kind}/${id}`),
    consume: async (id) => {
      const row = rows.get(`${kind}/${id}`)
      if (row !== undefined) row.consumed = Math.floor(Date.now() / 1000)
    },
    revokeByGrantId: async (grantId) => {
      for (const [key, row] of rows) if (row.grantId === grantId) rows.delete(key)
    },
  })
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
}
