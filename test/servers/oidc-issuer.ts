/**
 * An OpenID issuer that says whatever a test wants: it signs people in at once, with the claims it is given, and breaks any rule of
 * the protocol on request. `test/servers/oidc-provider.ts` is the one that keeps them.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'

export interface Forgery {
  /** Changes the claims of the ID token after the issuer's own are set. */
  claims?: Record<string, unknown>
  algorithm?: 'none' | 'HS256'
  /** Signs with a key that is not published, under the name of one that is. */
  strangerKey?: boolean
  /** In the address that the browser comes back to. */
  state?: string
  iss?: string | null
  /** Comes back with an error instead of a code. */
  error?: string
  /** The token endpoint answers this. */
  token?: { status: number; body: unknown }
  userInfo?: { status: number; body: unknown }
}

export interface OidcIssuer {
  url: string
  clientId: string
  clientSecret: string
  /** Of whoever signs in next. */
  claims: Record<string, unknown>
  /** Only the user info has these. */
  userInfo: Record<string, unknown>
  metadata: Record<string, unknown>
  forgery: Forgery
  /** Paths that were asked for. */
  requests: string[]
  /** The parameters of the last authorization. */
  asked: URLSearchParams
  /** Makes a new key; the old one is not published any more. */
  rotate(): Promise<void>
  close(): Promise<void>
}

interface Key {
  kid: string
  privateKey: CryptoKey
  publicJwk: JWK
}

export async function startOidcIssuer(options: { port?: number; host?: string } = {}): Promise<OidcIssuer> {
  const { port = 0, host = '127.0.0.1' } = options
  const stranger = await createKey()
  let key = await createKey()
  const codes = new Map<string, { nonce: string | null; challenge: string | null; redirectUri: string }>()

  const server = createServer((request, response) => {
    void answer(request, response).catch((thrown: unknown) => {
      response.writeHead(500).end(String(thrown))
    })
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  const url = `http://${host}:${(server.address() as AddressInfo).port}`

  const issuer: OidcIssuer = {
    url,
    clientId: 'parley',
    clientSecret: 'a secret of the client',
    claims: { sub: 'ada', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true },
    userInfo: {},
    metadata: {},
    forgery: {},
    requests: [],
    asked: new URLSearchParams(),
    async rotate() {
      key = await createKey()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    issuer.requests.push(pathname)
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return json(200, { ...metadataOf(url), ...issuer.metadata })
      case '/keys':
        return json(200, { keys: [key.publicJwk] })
      case '/authorize': {
        response.writeHead(303, { location: authorize(searchParams).href }).end()
        return
      }
      case '/token': {
        if (issuer.forgery.token !== undefined) return json(issuer.forgery.token.status, issuer.forgery.token.body)
        const form = new URLSearchParams(await text(request))
        const granted = redeem(form)
        if (typeof granted === 'string') return json(400, { error: granted })
        const idToken = await sign(granted.nonce)
        return json(200, { access_token: 'an access token', token_type: 'Bearer', id_token: idToken })
      }
      case '/userinfo': {
        const { status, body } = issuer.forgery.userInfo ?? {
          status: 200,
          body: { sub: issuer.claims.sub, ...issuer.userInfo },
        }
        return json(status, body)
      }
      default:
        return json(404, {})
    }
  }

  function authorize(asked: URLSearchParams): URL {
    const { forgery } = issuer
    issuer.asked = asked
    const redirectUri = asked.get('redirect_uri') ?? ''
    const back = new URL(redirectUri)
    if (forgery.error === undefined) {
      const code = randomBytes(16).toString('hex')
      codes.set(code, { nonce: asked.get('nonce'), challenge: asked.get('code_challenge'), redirectUri })
      back.searchParams.set('code', code)
    } else back.searchParams.set('error', forgery.error)
    back.searchParams.set('state', forgery.state ?? asked.get('state') ?? '')
    const iss = forgery.iss === undefined ? url : forgery.iss
    if (iss !== null) back.searchParams.set('iss', iss)
    return back
  }

  /** What the code was made for, or the error. */
  function redeem(form: URLSearchParams): { nonce: string | null } | string {
    if (form.get('client_secret') !== issuer.clientSecret || form.get('client_id') !== issuer.clientId)
      return 'invalid_client'
    const code = form.get('code') ?? ''
    const made = codes.get(code)
    codes.delete(code)
    if (made === undefined || made.redirectUri !== form.get('redirect_uri')) return 'invalid_grant'
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    return made.challenge === null || made.challenge === challenge ? { nonce: made.nonce } : 'invalid_grant'
  }

  async function sign(nonce: string | null): Promise<string> {
    const { forgery } = issuer
    const now = Math.floor(Date.now() / 1000)
    const own = { iss: url, aud: issuer.clientId, iat: now, exp: now + 300, nonce: nonce ?? undefined }
    const claims = { ...own, ...issuer.claims, ...forgery.claims }
    if (forgery.algorithm === 'none') return new UnsecuredJWT(claims).encode()
    const token = new SignJWT(claims).setProtectedHeader({ alg: forgery.algorithm ?? 'RS256', kid: key.kid })
    if (forgery.algorithm === 'HS256') return await token.sign(new TextEncoder().encode(JSON.stringify(key.publicJwk)))
    return await token.sign(forgery.strangerKey ? stranger.privateKey : key.privateKey)
  }

  return issuer
}

async function createKey(): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomBytes(4).toString('hex')
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

const metadataOf = (url: string) => ({
  issuer: url,
  authorization_endpoint: `${url}/authorize`,
  token_endpoint: `${url}/token`,
  userinfo_endpoint: `${url}/userinfo`,
  jwks_uri: `${url}/keys`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  token_endpoint_auth_methods_supported: ['client_secret_post'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
})
