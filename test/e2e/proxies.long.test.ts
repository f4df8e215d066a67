/**
 * Parley behind proxies as people set them up. Of all routes, taken from the running Parley's own table, none answers to a
 * stranger but the platforms' own, which ask for a signature, health, and those that sign people in.
 */

import { request as send } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RouteEntry } from '../../src/ops/http.ts'
import { doctorWording } from '../../src/wording/terminal.ts'
import {
  find,
  isRoot,
  noOtherUser,
  type RunningProxy,
  startCaddy,
  startNginx,
  startRewriting,
  statusAsAnotherUser,
} from '../servers/proxies.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

interface Setup {
  name: string
  env: Record<string, string>
  /** Something is meant to be reached from outside. */
  exposed: boolean
}

const slackAndTeams = {
  SLACK_BOT_TOKEN: 'xoxb-1',
  SLACK_SIGNING_SECRET: 'signing-secret',
  SLACK_API_URL: 'http://127.0.0.1:1/api/',
  TEAMS_CLIENT_ID: 'a1b2c3d4-e5f6-4890-abcd-ef1234567890',
  TEAMS_CLIENT_SECRET: 'x',
  TEAMS_TENANT_ID: 'common',
}
const setups: Setup[] = [
  { name: 'where nothing is offered to the outside', env: {}, exposed: false },
  { name: 'with PUBLIC_URL', env: { PUBLIC_URL: 'https://parley.example.com' }, exposed: true },
  { name: 'with Slack over HTTP and Teams, without PUBLIC_URL', env: slackAndTeams, exposed: true },
]

interface Kind {
  start(target: string): Promise<RunningProxy>
  /** Why it cannot be tried here. */
  skip: string | false
  /** Adds nothing that tells it from a browser but its user. */
  invisible?: true
}

const nginx = find('nginx') === null ? 'nginx is not installed' : false
const caddy = find('caddy') === null ? 'caddy is not installed' : false
const strip = ['-X-Forwarded-For', '-X-Forwarded-Proto', '-X-Forwarded-Host', '-Via']
const kinds: Record<string, Kind> = {
  'nginx as it comes': { skip: nginx, start: (to) => startNginx(`location / { proxy_pass ${to}; }`) },
  'nginx with HTTP/1.1, the default of its newer versions': {
    skip: nginx,
    invisible: true,
    start: (to) =>
      startNginx(`location / { proxy_pass ${to}; proxy_http_version 1.1; proxy_set_header Connection ""; }`),
  },
  'nginx with the headers of most guides': {
    skip: nginx,
    start: (to) =>
      startNginx(`location / {
        proxy_pass ${to}; proxy_http_version 1.1; proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme; }`),
  },
  'Caddy as it comes': { skip: caddy, start: (to) => startCaddy(`  reverse_proxy ${new URL(to).host}`) },
  'Caddy with all its headers taken off': {
    skip: caddy,
    invisible: true,
    start: (to) =>
      startCaddy(`  reverse_proxy ${new URL(to).host} {
    header_up Host {upstream_hostport}
${strip.map((name) => `    header_up ${name}`).join('\n')}
  }`),
  },
  'a proxy that rewrites Host as Apache does': {
    skip: false,
    start: (to) => startRewriting(to, { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'parley.example.com' }),
  },
}

/** An address of the route, with something in the place of its parameters. */
const exampleOf = (path: string) =>
  path
    .replace(/:(?:id|turnId|uploadId)(?=\/|$)/, '00000000-0000-4000-8000-000000000001')
    .replace(/:hash/, 'a'.repeat(64))
    .replace(/:action\{(\w+)[^}]*\}/, '$1')
    .replaceAll(/:\w+(?:\{[^}]*\})?/g, '1')

const signsIn = ({ access }: RouteEntry) => access.includes('signIn')
const isPublic = ({ access }: RouteEntry) => access.includes('public')

interface Asked {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
}

/** Unlike fetch it sends the `Host` it is given. */
function statusOf(url: string, { method, path, headers = {}, body = '' }: Asked): Promise<number> {
  const all = { ...headers, 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const asked = send(new URL(path, url), { method, headers: all, agent: false }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const command = (text: string) => JSON.stringify({ id: '00000000-0000-4000-8000-000000000002', text })

describe.each(setups)('$name', ({ env, exposed }) => {
  const publicUrl = 'PUBLIC_URL' in env
  let home: string
  let parley: ParleyProcess
  let routes: RouteEntry[]
  let key: string
  const cli = (...args: string[]) => run(['src/cli.ts', ...args], environment(home, env))

  beforeAll(async () => {
    home = await temporaryHome()
    parley = await startParley(home, env)
    routes = JSON.parse((await cli('routes', '--json')).stdout) as RouteEntry[]
    const { stdout } = await cli('admin', 'keys', 'create', 'ci', '--amount', '1', '--period', 'day')
    key = /parley-[\w-]{20,}/.exec(stdout)?.[0] ?? `no key in: ${stdout}`
  }, 120_000)
  afterAll(async () => {
    await parley?.[Symbol.asyncDispose]()
    if (home) await removeHome(home)
  })

  it('the table names every route and who may call it', () => {
    expect(routes.length).toBeGreaterThan(25)
    for (const { access, path } of routes) expect(access, path).not.toEqual([])
    const open = routes.filter(({ access }) => access.includes('health') || access.includes('platform'))
    const paths = ['/healthz', '/readyz', ...('SLACK_BOT_TOKEN' in env ? ['/slack/events', '/api/messages'] : [])]
    expect(open.map(({ path }) => path).sort()).toEqual(paths.sort())
    // The public keys of tokens, and fixed pages that the Teams app's package links.
    const ofTeams = 'TEAMS_CLIENT_ID' in env ? ['/teams/about', '/teams/privacy', '/teams/terms'] : []
    expect(routes.filter(isPublic).map(({ path }) => path)).toEqual(['/.well-known/jwks.json', ...ofTeams])
  })

  for (const [name, { skip, invisible, start }] of Object.entries(kinds)) {
    const why = skip || (invisible && !exposed && !isRoot ? 'only root can start a proxy of another user' : false)
    it.skipIf(why !== false)(`behind ${name}${why ? ` (${why})` : ''} no route answers a stranger`, async () => {
      await using proxy = await start(parley.url)
      const ask = (asked: Asked) => statusOf(proxy.url, asked)
      const answered: string[] = []
      for (const { method, path, access } of routes) {
        const status = await ask({ method, path: exampleOf(path), body: method === 'GET' ? '' : '{}' })
        if (access.includes('health') || access.includes('public')) expect(status, path).toBe(200)
        // With PUBLIC_URL the page is for everybody who can sign in. Its own routes show no data; see access-matrix.test.ts.
        else if (signsIn({ method, path, access }) && exposed && (publicUrl || invisible)) continue
        // What is no activity of Teams is refused before its signature is looked for.
        else if (![401, 403, ...(access.includes('platform') ? [400] : [])].includes(status))
          answered.push(`${method} ${path}: ${status}`)
      }
      expect(answered).toEqual([])
      // A key works, so it was the proxy's Parley that refused.
      const headers = { authorization: `Bearer ${key}` }
      expect(await ask({ method: 'GET', path: '/v1/models', headers })).toBe(200)
      expect(await ask({ method: 'GET', path: '/console/threads', headers })).toBeGreaterThanOrEqual(401)
    })
  }

  const indistinct = exposed ? '' : ' (skipped: nothing tells it from a browser of that user; see decision 29)'
  it.skipIf(!exposed)(`behind a proxy of Parley’s own user that adds nothing, the same${indistinct}`, async () => {
    await using proxy = await startRewriting(parley.url, {})
    for (const { method, path, access } of routes) {
      if (access.includes('health') || access.includes('public') || signsIn({ method, path, access })) continue
      const asked = { method, path: exampleOf(path), body: method === 'GET' ? '' : '{}' }
      // What changes something must come from a page of Parley's own; that is looked at first.
      expect(path === '/api/messages' ? [400] : [401, 403], `${method} ${path}`).toContain(
        await statusOf(proxy.url, asked),
      )
    }
  })

  it('a proxy that claims to be this machine is refused', async () => {
    const { host } = new URL(parley.url)
    const headers = { host, 'x-forwarded-for': '203.0.113.9' }
    const json = { ...headers, 'content-type': 'application/json' }
    expect(await statusOf(parley.url, { method: 'GET', path: '/', headers })).toBe(publicUrl ? 200 : 403)
    const data = await statusOf(parley.url, { method: 'GET', path: '/console/threads', headers })
    expect(data).toBe(publicUrl ? 401 : 403)
    expect(await statusOf(parley.url, { method: 'GET', path: '/doctor', headers })).toBe(403)
    const posted = { method: 'POST', path: '/console/commands', body: command('roles list') }
    expect(await statusOf(parley.url, { ...posted, headers: json })).toBe(403)
    // Without the header: the terminal's channel and the doctor want the terminal's token, whoever is on this machine.
    expect(await statusOf(parley.url, { ...posted, headers: { 'content-type': 'application/json' } })).toBe(401)
    expect(await statusOf(parley.url, { method: 'GET', path: '/doctor' })).toBe(401)
    expect(await statusOf(parley.url, { method: 'POST', path: '/route', body: '{}' })).toBe(401)
  })

  it.skipIf(noOtherUser !== '')(
    `another user of this machine is refused${noOtherUser === '' ? '' : ` (${noOtherUser})`}`,
    () => {
      for (const path of [...(exposed ? [] : ['/']), '/console/threads', '/doctor', '/routes'])
        expect(statusAsAnotherUser([parley.url + path]), path).toBe('401')
      expect(statusAsAnotherUser(['-d', command('roles list'), `${parley.url}/console/commands`])).toBe('401')
      expect(statusAsAnotherUser([`${parley.url}/readyz`])).toBe('200')
    },
  )

  it('the terminal works, and the page shows data where it needs no account', async () => {
    expect((await cli('admin', 'roles', 'list')).stdout).toMatch(/Admins of the whole installation/)
    expect(await statusOf(parley.url, { method: 'GET', path: '/' })).toBe(200)
    const data = await statusOf(parley.url, { method: 'GET', path: '/console/threads' })
    expect(data).toBe(exposed ? 401 : 200)
    expect(parley.log()).not.toMatch(/terminal-[\w-]{20}/)
  })
})

it('doctor fails if PUBLIC_URL exposes the page, and says what to do', async () => {
  const [openHome, home] = [await temporaryHome(), await temporaryHome()]
  try {
    await using open = await startParley(openHome)
    await using parley = await startParley(home, { PUBLIC_URL: open.url })
    const exposed = await run(['src/cli.ts', 'doctor'], environment(home, { PUBLIC_URL: open.url }))
    expect([exposed.code, exposed.stdout]).toEqual([
      1,
      expect.stringContaining(
        doctorWording.line(false, doctorWording.check.publicAddress, doctorWording.publicOpen(open.url)),
      ),
    ])
    const itself = await run(['src/cli.ts', 'doctor'], environment(openHome, { PUBLIC_URL: parley.url }))
    expect(itself.stdout).not.toContain(doctorWording.line(false, doctorWording.check.publicAddress, ''))
  } finally {
    await removeHome(openHome)
    await removeHome(home)
  }
}, 120_000)
