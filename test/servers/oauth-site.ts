/** A site that signs people in by OAuth 2, in the shapes that GitHub and Discord document. */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface OAuthSite {
  url: string
  clientId: string
  clientSecret: string
  /** By path. What is not here answers 503. */
  answers: Record<string, unknown>
  /** The path that says it has another page. */
  more: string
  /** Instead of a token. */
  token: Record<string, unknown> | undefined
  requests: string[]
  asked: URLSearchParams
  close(): Promise<void>
}

const authorizePaths = ['/login/oauth/authorize', '/oauth2/authorize']
const tokenPaths = ['/login/oauth/access_token', '/api/oauth2/token']

export async function startOAuthSite(): Promise<OAuthSite> {
  const accessToken = randomBytes(16).toString('hex')
  const codes = new Map<string, string | null>()
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', site.url)
    site.requests.push(pathname)
    if (authorizePaths.includes(pathname)) {
      site.asked = searchParams
      const code = randomBytes(8).toString('hex')
      codes.set(code, searchParams.get('code_challenge'))
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code, state: searchParams.get('state') ?? '' }).toString()
      response.writeHead(302, { location: back.href }).end()
    } else if (tokenPaths.includes(pathname)) {
      json(response, 200, site.token ?? redeem(new URLSearchParams(await text(request))))
    } else if (request.headers.authorization !== `Bearer ${accessToken}`) {
      json(response, 401, { message: 'Bad credentials' })
    } else {
      const link: Record<string, string> =
        pathname === site.more ? { link: `<${site.url}${pathname}?page=2>; rel="next"` } : {}
      json(response, pathname in site.answers ? 200 : 503, site.answers[pathname] ?? {}, link)
    }
  })

  function redeem(form: URLSearchParams): Record<string, unknown> {
    const challenge = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    if (form.get('client_secret') !== site.clientSecret) return { error: 'incorrect_client_credentials' }
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const fits = challenge === null || challenge === proof
    return challenge === undefined || !fits
      ? { error: 'bad_verification_code' }
      : { access_token: accessToken, token_type: 'bearer', scope: 'read:user,user:email' }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const site: OAuthSite = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'parley',
    clientSecret: 'a secret of the client',
    answers: {},
    more: '',
    token: undefined,
    requests: [],
    asked: new URLSearchParams(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return site
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
