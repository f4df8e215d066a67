/**
 * A simulated Teams, built from Microsoft's documentation: the login, the signing keys, the connector's API, Graph and a file
 * server. Differences from the real one: it uses HTTP; login and connector share a port. Where the documentation is
 * silent it is stricter: a stream that has not ended cannot be edited.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createGraphMessages } from './teams-graph.ts'
import { createKey, jwks, type SigningKey, signToken } from './teams-issuer.ts'
import { createTeamsPlaces } from './teams-places.ts'
import { createState, type Refusal, type Rules, teamsRules, type Wire } from './teams-state.ts'

export const bot = {
  appId: '11111111-2222-4333-8444-555555555555',
  id: '28:11111111-2222-4333-8444-555555555555',
  name: 'Parley',
  secret: 'the-secret-of-the-app',
}
export const tenant = 'a1b2c3d4-e5f6-4890-abcd-ef1234567890'
export const issuer = 'https://api.botframework.com'

export interface Person {
  id: string
  name: string
  aadObjectId: string
  tenantId?: string
  userRole?: string
}

export interface SharedFile {
  id: string
  name: string
  content: Buffer
  /** The URL expires after this many downloads. */
  downloads?: number
  /** The server responds when this has resolved. */
  after?: Promise<unknown>
}

export interface TeamsStandIn extends AsyncDisposable {
  origin: string
  serviceUrl: string
  /** Host and port of the file server, which must never receive a token. */
  fileHost: string
  state: ReturnType<typeof createState>
  people: Map<string, Person>
  files: Map<string, SharedFile>
  uploads: Map<string, Buffer>
  /** Whether an admin lets Parley read files through Graph. */
  consent: { files: boolean; messages: boolean; members: boolean }
  /** Graph's messages, by the end of their URL. */
  graphMessages: Map<string, object>
  /** What people said, as Graph tells it. */
  said: ReturnType<typeof createGraphMessages>
  /** Who is where, and the files in channels. */
  places: ReturnType<typeof createTeamsPlaces>
  key: SigningKey
  /** All requests to Microsoft's servers but those for files, those to the login, and tokens that reached the file server. */
  seen: { requests: number; logins: number; tokensAtFiles: number }
  /** Which of Microsoft's servers answer 503 now. */
  away: { login: boolean; keys: boolean; graph: boolean }
  /** Rejects all tokens issued so far. */
  revoke(): void
  /** Parley's URL. */
  target: string
  token(claims?: Record<string, unknown>): string
  deliver(activity: object, authorization?: string): Promise<{ status: number; body: unknown }>
  downloadUrl(file: SharedFile): string
  /** Environment variables for a Parley that uses this server. */
  environment(): Record<string, string>
}

export async function startTeams(own: Partial<Rules> = {}): Promise<TeamsStandIn> {
  const rules = { ...teamsRules, ...own }
  const state = createState(rules)
  const key = createKey()
  const people = new Map<string, Person>()
  const files = new Map<string, SharedFile>()
  const uploads = new Map<string, Buffer>()
  const granted = new Map<string, string>()
  const graphMessages = new Map<string, object>()
  const consent = { files: true, messages: true, members: true }
  const said = createGraphMessages({ tenant, consent, people, nextId: state.nextId })
  const places = createTeamsPlaces({ tenant, people, consent })
  const seen = { requests: 0, logins: 0, tokensAtFiles: 0 }
  const away = { login: false, keys: false, graph: false }

  const scopeOf = ({ headers }: IncomingMessage) => granted.get((headers.authorization ?? '').replace('Bearer ', ''))

  async function login(request: IncomingMessage, response: ServerResponse): Promise<void> {
    seen.logins += 1
    const form = new URLSearchParams((await buffer(request)).toString())
    if (form.get('client_id') !== bot.appId || form.get('client_secret') !== bot.secret)
      return send(response, 401, {
        error: 'invalid_client',
        error_description: 'AADSTS7000215: Invalid client secret.',
      })
    const token = signToken({ aud: form.get('scope'), jti: randomUUID() }, { key })
    granted.set(token, form.get('scope') ?? '')
    send(response, 200, { token_type: 'Bearer', expires_in: 3599, access_token: token })
  }

  async function connector(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (scopeOf(request) !== 'https://api.botframework.com/.default')
      return refuse(response, { status: 401, code: 'Unauthorized', message: 'no token' })
    const path = decodeURIComponent(url.pathname.slice('/connector/v3/'.length))
    const about = places.connector(path, url)
    if (about !== undefined) return isRefusal(about) ? refuse(response, about) : send(response, 200, about)
    const [, attachment] = /^attachments\/([^/]+)\/views\/original$/.exec(path) ?? []
    if (attachment !== undefined) return sendFile(response, files.get(attachment))
    if (path === 'conversations') return await openPersonalChat(request, response)
    const [, conversation = '', rest = ''] = /^conversations\/([^/]+)\/(.*)$/.exec(path) ?? []
    const body = JSON.parse((await buffer(request)).toString() || '{}') as Wire
    const limit = state.limited(state.room(conversation))
    const answer = limit ?? act(request.method ?? '', conversation, rest, body, url)
    const status = 'status' in answer ? answer.status : request.method === 'POST' ? 201 : 200
    state.calls.push({ method: request.method ?? '', conversation, status, at: Date.now() })
    if ('status' in answer) return refuse(response, answer)
    send(response, status, answer)
  }

  /** A person's chat with the app is there once they have added the app for themselves. */
  async function openPersonalChat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { members, tenantId } = JSON.parse((await buffer(request)).toString()) as {
      members?: { id: string }[]
      tenantId?: string
    }
    const [member, ...more] = members ?? []
    if (member === undefined || more.length > 0 || tenantId === undefined)
      return refuse(response, {
        status: 400,
        code: 'BadSyntax',
        message: 'a personal chat has one member and a tenant',
      })
    if (state.strangers.has(member.id))
      return refuse(response, { status: 403, code: 'BotNotInConversationRoster', message: 'not added' })
    send(response, 201, { id: `a:1direct-${member.id.slice(3)}` })
  }

  function act(method: string, conversation: string, rest: string, body: Wire, url: URL): { id?: string } | Refusal {
    const only = url.searchParams.get('isTargetedActivity') === 'true' ? body.recipient?.id : undefined
    const [, id = ''] = /^activities\/(.+)$/.exec(rest) ?? []
    if (method === 'POST' && rest === 'activities') return state.create(conversation, body, only)
    if (method === 'PUT') return state.update(conversation, id, body)
    if (method === 'DELETE') return state.remove(conversation, id)
    return { status: 405, code: 'MethodNotAllowed', message: method }
  }

  /** Drive items by their web address, and messages with their attachments. */
  async function graph(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (away.graph) return refuse(response, { status: 503, code: 'ServiceUnavailable', message: '' })
    if (scopeOf(request) !== `${origin}/graph/.default`)
      return refuse(response, { status: 401, code: 'InvalidAuthenticationToken', message: '' })
    const path = url.pathname.slice('/graph/v1.0/'.length)
    const content = places.contentIn(path)
    const [, share] = /^shares\/u!([\w-]+)\/driveItem\/content$/.exec(path) ?? []
    if (share === undefined && content === undefined) {
      const message = [...graphMessages].find(([end]) => decodeURIComponent(path).endsWith(end))?.[1]
      if (message && !consent.messages)
        return refuse(response, { status: 403, code: 'Forbidden', message: 'Missing role permissions' })
      if (message) return send(response, 200, message)
      const asked = new URL(request.url ?? '/', origin)
      const answer = said.answer(asked) ??
        places.graph(decodeURIComponent(path), asked) ?? {
          status: 404,
          code: 'NotFound',
          message: path,
        }
      return isRefusal(answer) ? refuse(response, answer) : send(response, 200, answer)
    }
    if (!consent.files) return refuse(response, { status: 403, code: 'accessDenied', message: 'Access denied' })
    const address = Buffer.from(share ?? '', 'base64url').toString()
    const file = files.get(content ?? new URL(address).pathname.split('/').at(-2) ?? '')
    if (file === undefined) return refuse(response, { status: 404, code: 'itemNotFound', message: address })
    // Graph redirects to a file server.
    response.writeHead(302, { location: downloadUrl(file) }).end()
  }

  async function fileServer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== undefined) seen.tokensAtFiles += 1
    const [, kind, id = ''] = (request.url ?? '').split('?')[0]?.split('/') ?? []
    if (kind === 'upload' && request.method === 'PUT') {
      const content = await buffer(request)
      const range = `bytes 0-${content.length - 1}/${content.length}`
      if (request.headers['content-range'] !== range) return send(response, 416, {})
      uploads.set(id, content)
      return send(response, 201, { id })
    }
    const file = files.get(id)
    if (file?.downloads === 0) return send(response, 401, { error: 'the address has expired' })
    if (file?.downloads !== undefined) file.downloads -= 1
    await file?.after
    sendFile(response, file)
  }

  const main = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const { pathname: path } = url
    seen.requests += 1
    const handle = async () => {
      if (path.endsWith('/oauth2/v2.0/token') ? away.login : path.startsWith('/v1/.well-known/') && away.keys)
        return send(response, 503, {})
      if (path.endsWith('/oauth2/v2.0/token')) return await login(request, response)
      if (path === '/v1/.well-known/openidconfiguration')
        return send(response, 200, { issuer, jwks_uri: `${origin}/v1/.well-known/keys` })
      if (path === '/v1/.well-known/keys') return send(response, 200, jwks([key]))
      if (path.startsWith('/connector/v3/')) return await connector(request, response, url)
      if (path.startsWith('/graph/v1.0/')) return await graph(request, response, url)
      send(response, 404, {})
    }
    handle().catch(() => response.destroy())
  })
  const fileHostServer = createServer((request, response) => {
    fileServer(request, response).catch(() => response.destroy())
  })
  const origin = `http://127.0.0.1:${await listen(main)}`
  const fileHost = `127.0.0.1:${await listen(fileHostServer)}`
  const serviceUrl = `${origin}/connector`
  const downloadUrl = ({ id }: SharedFile) => `http://${fileHost}/download/${id}?tempauth=${randomUUID()}`

  const standIn: TeamsStandIn = {
    origin,
    serviceUrl,
    fileHost,
    state,
    people,
    files,
    uploads,
    consent,
    graphMessages,
    said,
    places,
    key,
    seen,
    away,
    downloadUrl,
    target: '',
    revoke: () => granted.clear(),
    token: (claims = {}) => signToken({ ...claimsNow(serviceUrl), ...claims }, { key }),
    async deliver(activity, authorization = `Bearer ${standIn.token()}`) {
      const response = await fetch(`${standIn.target}/api/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) },
        body: JSON.stringify(activity),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    environment: () => ({
      TEAMS_CLIENT_ID: bot.appId,
      TEAMS_CLIENT_SECRET: bot.secret,
      TEAMS_TENANT_ID: tenant,
      TEAMS_OPENID_METADATA_URL: `${origin}/v1/.well-known/openidconfiguration`,
      TEAMS_TOKEN_ISSUER: issuer,
      TEAMS_LOGIN_URL: origin,
      TEAMS_GRAPH_URL: `${origin}/graph`,
      TEAMS_SERVICE_URL: serviceUrl,
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all([close(main), close(fileHostServer)])
    },
  }
  return standIn
}

/** The claims of Bot Framework tokens. */
export function claimsNow(serviceUrl: string): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return { iss: issuer, aud: bot.appId, serviceurl: serviceUrl, nbf: now - 60, iat: now - 60, exp: now + 3600 }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function sendFile(response: ServerResponse, file: SharedFile | undefined): void {
  if (file === undefined) send(response, 404, {})
  else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(file.content)
}

const isRefusal = (answer: object): answer is Refusal => 'code' in answer && 'status' in answer

function refuse(response: ServerResponse, { status, code, message, retryAfter }: Refusal): void {
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter))
  send(response, status, { error: { code, message } })
}
