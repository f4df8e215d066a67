/**
 * The files of deploy/proxy in real processes: what browsers and programs meet behind each of them. First before Parley's HTTP
 * app with routes of the test, which can tell when something arrived; then before a whole Parley.
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type ClientRequest, type IncomingHttpHeaders, request as plain, type ServerResponse } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import { request as secure } from 'node:https'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Mount } from '../../src/core/http.ts'
import { createClientAddress } from '../../src/ops/client-address.ts'
import type { RouteEntry } from '../../src/ops/http.ts'
import { serveMounts } from '../servers/mounts.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { noShippedProxy, type ShippedProxy, shippedDomain, shippedProxies, startShipped } from '../servers/proxies.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

/** A request on its way, over either version of HTTP. */
interface Exchange {
  body: Writable
  /** Settles with the headers of the answer. */
  answered: Promise<{ status: number; headers: IncomingHttpHeaders; pieces: AsyncIterator<Buffer> }>
  leave(): void
}

interface Way extends AsyncDisposable {
  open(method: string, path: string, headers?: Record<string, string>): Exchange
}

function exchangeOver(request: ClientRequest): Exchange {
  const answered = new Promise<Awaited<Exchange['answered']>>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (answer) => {
      const { statusCode: status = 0, headers } = answer
      resolve({ status, headers, pieces: answer[Symbol.asyncIterator]() })
    })
  })
  answered.catch(() => undefined)
  return { body: request, answered, leave: () => void request.destroy() }
}

const close = async () => {}

function straightTo(url: string): Way {
  return {
    open: (method, path, headers = {}) => exchangeOver(plain(new URL(path, url), { method, headers, agent: false })),
    [Symbol.asyncDispose]: close,
  }
}

/** `from`: the address of the caller, within this machine. */
function http1Through({ httpsPort: port, certificate: ca }: ShippedProxy, from?: string): Way {
  const peer = { host: '127.0.0.1', port, ca, servername: shippedDomain, localAddress: from, agent: false as const }
  return {
    open: (method, path, headers = {}) =>
      exchangeOver(secure({ ...peer, method, path, headers: { host: shippedDomain, ...headers } })),
    [Symbol.asyncDispose]: close,
  }
}

function http2Through({ httpsPort, certificate: ca }: ShippedProxy): Way {
  const session = connectHttp2(`https://127.0.0.1:${httpsPort}`, { ca, servername: shippedDomain })
  session.on('error', () => undefined)
  return {
    open(method, path, headers = {}) {
      const own = { ':method': method, ':path': path, ':authority': shippedDomain }
      const stream = session.request({ ...own, ...headers }, { endStream: false })
      const answered = new Promise<Awaited<Exchange['answered']>>((resolve, reject) => {
        stream.on('error', reject)
        stream.on('response', (all) => {
          const pieces: AsyncIterator<Buffer> = (stream as Readable)[Symbol.asyncIterator]()
          resolve({ status: Number(all[':status']), headers: all, pieces })
        })
      })
      answered.catch(() => undefined)
      return { body: stream, answered, leave: () => stream.close(constants.NGHTTP2_CANCEL) }
    },
    async [Symbol.asyncDispose]() {
      session.destroy()
    },
  }
}

async function textOf(pieces: AsyncIterator<Buffer>): Promise<string> {
  let text = ''
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) text += next.value.toString()
  return text
}

/** Reads until `wanted` has come; fails if the answer ends before. */
async function readUntil(pieces: AsyncIterator<Buffer>, wanted: string | RegExp): Promise<string> {
  let text = ''
  while (typeof wanted === 'string' ? !text.includes(wanted) : !wanted.test(text)) {
    const next = await pieces.next()
    if (next.done) throw new Error(`the answer ended after: ${text}`)
    text += next.value.toString()
  }
  return text
}

async function ask(way: Way, method: string, path: string, headers: Record<string, string> = {}, body = '') {
  const exchange = way.open(method, path, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
  exchange.body.end(body)
  const answer = await exchange.answered
  return { status: answer.status, headers: answer.headers, text: await textOf(answer.pieces) }
}

/** The first words of a stream that does not end: a proxy that holds events back never sends them. */
async function firstWords(exchange: Exchange, wanted: string): Promise<void> {
  exchange.body.end()
  await readUntil((await exchange.answered).pieces, wanted)
  exchange.leave()
}

/** What arrives at the test's app, each taken once, in order. */
function createArrivals<T>() {
  const there: T[] = []
  const waiting: ((value: T) => void)[] = []
  return {
    add: (value: T) => void (waiting.shift()?.(value) ?? there.push(value)),
    next: () => {
      const first = there.shift()
      return first === undefined ? new Promise<T>((resolve) => waiting.push(resolve)) : Promise.resolve(first)
    },
  }
}

interface Upload {
  /** Settles with the first byte. */
  begun: Promise<void>
}

async function startApp() {
  const streams = createArrivals<ServerResponse>()
  const uploads = createArrivals<Upload>()
  const addressOf = createClientAddress([{ address: '127.0.0.1', prefix: 32 }])
  const access = ['health'] as const
  const mount: Mount = {
    prefix: '/',
    routes: [
      {
        method: 'GET',
        path: '/console/events',
        access,
        handle({ env: { outgoing } }) {
          outgoing.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
          outgoing.write('data: first\n\n')
          streams.add(outgoing)
          return undefined
        },
      },
      {
        method: 'PUT',
        path: '/console/uploads/:id',
        access,
        body: 'upload',
        async handle(context) {
          const { promise: begun, resolve } = Promise.withResolvers<void>()
          uploads.add({ begun })
          const hash = createHash('sha256')
          let bytes = 0
          for await (const piece of context.get('upload') as AsyncIterable<Buffer>) {
            resolve()
            bytes += piece.length
            hash.update(piece)
          }
          return context.json({ bytes, hash: hash.digest('hex') })
        },
      },
      {
        method: 'GET',
        path: '/console/status',
        access,
        handle(context) {
          const { incoming } = context.env
          const { headers, httpVersion, socket } = incoming
          const peer = socket.remotePort
          return context.json({ headers, httpVersion, peer, address: addressOf(incoming) })
        },
      },
    ],
  }
  return { ...(await serveMounts([mount])), streams, uploads }
}

interface Seen {
  headers: Record<string, string>
  httpVersion: string
  peer: number
  address: string
}

const pretending = {
  'x-forwarded-for': '127.0.0.1, 10.0.0.1',
  'x-forwarded-host': 'localhost',
  'x-forwarded-proto': 'http',
  'x-real-ip': '127.0.0.1',
  forwarded: 'for=127.0.0.1;host=localhost;proto=http',
}
/** All of 127/8 belongs to this machine on Linux alone. */
const caller = process.platform === 'linux' ? '127.0.0.9' : '127.0.0.1'
const programs = Object.keys(shippedProxies) as (keyof typeof shippedProxies)[]
const titles = programs.map((program) => {
  const why = noShippedProxy(program)
  return { program, why, title: `deploy/proxy/${shippedProxies[program]}${why === '' ? '' : ` (${why})`}` }
})

for (const { program, why, title } of titles)
  describe.skipIf(why !== '')(title, () => {
    let app: Awaited<ReturnType<typeof startApp>>
    let proxy: ShippedProxy
    beforeAll(async () => {
      app = await startApp()
      proxy = await startShipped(program, app.url)
    })
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]()
      await app?.close()
    })

    const versions = {
      'HTTP/1.1': () => http1Through(proxy),
      'HTTP/2': () => http2Through(proxy),
    }
    describe.each(Object.entries(versions))('over %s', (_, through) => {
      it('each event arrives while the stream is open, before the next one exists', async () => {
        await using way = through()
        const exchange = way.open('GET', '/console/events', { 'accept-encoding': 'gzip, br' })
        exchange.body.end()
        const { headers, pieces } = await exchange.answered
        expect(headers['content-encoding']).toBeUndefined()
        const stream = await app.streams.next()
        await readUntil(pieces, 'data: first\n\n')
        for (let n = 1; n <= 20; n++) {
          stream.write(`data: ${n}\n\n`)
          await readUntil(pieces, `data: ${n}\n\n`)
        }
        exchange.leave()
        // Parley ends its side, too. A heartbeat finds a caller that left without a word.
        const heartbeat = setInterval(() => stream.write(': still here\n\n'), 100)
        await once(stream, 'close').finally(() => clearInterval(heartbeat))
      })

      it('an upload of 110 MB passes, and reaches Parley while it is being sent', async () => {
        await using way = through()
        const piece = Buffer.alloc(1_000_000, 'parley ')
        const exchange = way.open('PUT', '/console/uploads/1', { 'content-length': '110000000' })
        const failed = exchange.answered.then(({ status }) => Promise.reject(new Error(`answered ${status} too early`)))
        failed.catch(() => undefined)
        exchange.body.write(piece)
        const { begun } = await Promise.race([app.uploads.next(), failed])
        await begun
        const hash = createHash('sha256').update(piece)
        for (let n = 1; n < 110; n++) {
          hash.update(piece)
          if (!exchange.body.write(piece)) await once(exchange.body, 'drain')
        }
        exchange.body.end()
        const { status, pieces } = await exchange.answered
        expect([status, JSON.parse(await textOf(pieces))]).toEqual([
          200,
          { bytes: 110_000_000, hash: hash.digest('hex') },
        ])
      })
    })

    it('the first event comes through while the stream goes on', async () => {
      await using through = http2Through(proxy)
      await firstWords(through.open('GET', '/console/events'), 'data: first\n\n')
    })

    it('Parley sees the caller’s own address, whatever the caller pretends', async () => {
      await using way = http1Through(proxy, caller)
      for (const headers of [{}, pretending]) {
        const seen = JSON.parse((await ask(way, 'GET', '/console/status', headers)).text) as Seen
        expect(seen.address).toBe(caller)
        expect(seen.headers).toMatchObject({
          host: shippedDomain,
          'x-forwarded-for': caller,
          'x-forwarded-host': shippedDomain,
          'x-forwarded-proto': 'https',
        })
        expect(Object.keys(seen.headers)).not.toEqual(expect.arrayContaining(['forwarded']))
        expect(Object.keys(seen.headers)).not.toEqual(expect.arrayContaining(['x-real-ip']))
      }
    })

    it('requests share a connection of HTTP/1.1 to Parley', async () => {
      await using way = http2Through(proxy)
      const seen: Seen[] = []
      for (let n = 0; n < 12; n++) seen.push(JSON.parse((await ask(way, 'GET', '/console/status')).text) as Seen)
      expect(new Set(seen.map(({ httpVersion }) => httpVersion))).toEqual(new Set(['1.1']))
      expect(new Set(seen.map(({ peer }) => peer)).size).toBeLessThan(12)
    })

    it('a body that is announced as larger is refused', async () => {
      await using way = http1Through(proxy)
      const exchange = way.open('PUT', '/console/uploads/1', { 'content-length': '130000000' })
      exchange.body.on('error', () => undefined)
      exchange.body.write(Buffer.alloc(1_000_000))
      const { status } = await exchange.answered
      exchange.leave()
      expect(status).toBe(413)
    })

    it('plain HTTP is sent to HTTPS', async () => {
      await using way = straightTo(`http://127.0.0.1:${proxy.httpPort}`)
      const { status, headers } = await ask(way, 'GET', '/console/status?a=1', { host: shippedDomain })
      expect([301, 308]).toContain(status)
      expect(headers.location).toMatch(/^https:\/\/parley\.example\.com(?::\d+)?\/console\/status\?a=1$/)
    })
  })

describe('Parley behind the files of deploy/proxy', () => {
  const origin = `https://${shippedDomain}`
  const ada = { email: 'ada@example.com', password: 'plum tractor violin' }
  const fromPage = { origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  let home: string
  let model: ScriptedOpenAi
  let parley: ParleyProcess
  let routes: RouteEntry[]
  let key: string
  beforeAll(async () => {
    if (titles.every(({ why }) => why !== '')) return
    home = await temporaryHome()
    // A model that never finishes.
    model = await startScriptedOpenAi({
      script: [{ tokens: ['Ninety ', 'days, ', 'as ', 'always.'], cut: { after: 3, how: 'stall' } }],
      models: [{ id: 'house' }],
    })
    const models = '{ default: house, list: [{ id: house, provider: openai, price: { input: 1, output: 1 } }] }'
    writeFileSync(
      join(home, 'parley.yaml'),
      `models: ${models}\ntrustedProxies: [127.0.0.1]\nlimits: { fileMegabytes: 110 }\n`,
    )
    const env = {
      OPENAI_BASE_URL: model.url,
      PUBLIC_URL: `https://${shippedDomain}`,
      SLACK_BOT_TOKEN: 'xoxb-1',
      SLACK_SIGNING_SECRET: 'signing-secret',
      SLACK_API_URL: 'http://127.0.0.1:1/api/',
      TEAMS_CLIENT_ID: 'a1b2c3d4-e5f6-4890-abcd-ef1234567890',
      TEAMS_CLIENT_SECRET: 'x',
      TEAMS_TENANT_ID: 'common',
    }
    parley = await startParley(home, env, home)
    const cli = async (...args: string[]) => (await run(['src/cli.ts', ...args], environment(home, env))).stdout
    routes = JSON.parse(await cli('routes', '--json')) as RouteEntry[]
    const created = await cli('admin', 'keys', 'create', 'ci', '--amount', '5', '--period', 'day')
    key = /parley-[\w-]{20,}/.exec(created)?.[0] ?? `no key in: ${created}`
    const codes = await fetch(`${parley.url}/set-up-codes`, { method: 'POST', headers: parley.headers })
    const { code } = (await codes.json()) as { code: string }
    const setUp = await fetch(`${parley.url}/console/set-up`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify({ code, name: 'Ada', ...ada }),
    })
    expect(setUp.status).toBe(201)
  })
  afterAll(async () => {
    await parley?.[Symbol.asyncDispose]()
    await model?.close()
    if (home) await removeHome(home)
  })

  for (const { program, why, title } of titles)
    describe.skipIf(why !== '')(title, () => {
      const through = async () => {
        const proxy = await startShipped(program, parley.url)
        const dispose = () => proxy[Symbol.asyncDispose]()
        return { ...http1Through(proxy), proxy, [Symbol.asyncDispose]: dispose }
      }
      const signIn = async (way: Way) => await ask(way, 'POST', '/console/sign-in', fromPage, JSON.stringify(ada))
      /** The headers of somebody who is signed in. */
      const signedIn = async (way: Way) => {
        const [set = ''] = (await signIn(way)).headers['set-cookie'] ?? []
        return { ...fromPage, cookie: set.split(';')[0] ?? '' }
      }

      it('platforms, programs and health probes reach Parley', async () => {
        await using way = await through()
        const status = async (
          ...asked: [method: string, path: string, headers?: Record<string, string>, body?: string]
        ) => (await ask(way, ...asked)).status
        expect(await status('POST', '/slack/events', {}, '{}')).toBe(401)
        expect(await status('POST', '/api/messages', {}, '{}')).toBe(400)
        expect(await status('GET', '/teams/privacy')).toBe(200)
        expect(await status('GET', '/readyz')).toBe(200)
        expect(await status('GET', '/v1/models')).toBe(401)
        expect(await status('GET', '/v1/models', { authorization: `Bearer ${key}` })).toBe(200)
      })

      it('an answer of a model arrives piece by piece, and stops when its reader leaves', async () => {
        await using way = await through()
        const before = model.requests.length
        const body = JSON.stringify({
          model: 'house',
          stream: true,
          messages: [{ role: 'user', content: 'How long?' }],
        })
        const exchange = way.open('POST', '/v1/chat/completions', {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
        })
        exchange.body.end(body)
        const { status, headers, pieces } = await exchange.answered
        expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('text/event-stream')])
        await readUntil(pieces, /Ninety/)
        const asked = await model.request(before)
        exchange.leave()
        expect(await asked.closed).toBe('aborted')
      })

      it('the terminal’s addresses are not forwarded', async () => {
        await using way = await through()
        const terminal = routes.filter(({ access }) => access.every((each) => each === 'terminal'))
        expect(terminal.map(({ path }) => path)).toEqual(
          expect.arrayContaining(['/doctor', '/route', '/routes', '/set-up-codes']),
        )
        for (const { method, path } of terminal)
          for (const form of [path, `${path}?a=1`]) {
            const { status, text } = await ask(way, method, form, { authorization: parley.headers.authorization ?? '' })
            expect([status, text.includes('userMessage')], `${method} ${form}`).toEqual([404, false])
          }
      })

      it('a person signs in, and their thread streams', async () => {
        await using way = await through()
        const { status, headers } = await signIn(way)
        const [cookie = ''] = headers['set-cookie'] ?? []
        expect(status).toBe(200)
        expect(cookie).toMatch(/^__Host-parley=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
        const session = { ...fromPage, cookie: cookie.split(';')[0] ?? '' }

        const threadId = randomUUID()
        const open = (over: Way) => over.open('GET', `/console/events?thread=${threadId}`, { cookie: session.cookie })
        const events = open(way)
        events.body.end()
        const { pieces } = await events.answered
        await readUntil(pieces, '"type":"snapshot"')
        const asked = JSON.stringify({ id: randomUUID(), text: 'How long?', uploads: [] })
        const sent = await ask(way, 'POST', `/console/threads/${threadId}/messages`, session, asked)
        expect(sent.status).toBe(202)
        // The model never finishes: what arrives is a part of its answer.
        await readUntil(pieces, /Ninety/)
        const { turnId } = JSON.parse(sent.text) as { turnId: string }
        expect((await ask(way, 'POST', `/console/turns/${turnId}/stop`, session, '{}')).status).toBe(200)
        await readUntil(pieces, '"receipt":{')
        events.leave()

        await using shared = http2Through(way.proxy)
        await firstWords(open(shared), '"type":"snapshot"')
      })

      it('a person sends a file of 110 MB, and nobody else does', async () => {
        await using way = await through()
        const piece = Buffer.alloc(1_000_000, `parley ${program} `)
        const address = `/console/uploads/${randomUUID()}?name=large.bin`
        const file = { ...fromPage, 'content-type': 'application/octet-stream' }
        expect((await ask(way, 'PUT', address, file, 'x')).status).toBe(401)
        const exchange = way.open('PUT', address, { ...(await signedIn(way)), ...file, 'content-length': '110000000' })
        for (let n = 0; n < 110; n++) if (!exchange.body.write(piece)) await once(exchange.body, 'drain')
        exchange.body.end()
        const { status, pieces } = await exchange.answered
        expect([status, JSON.parse(await textOf(pieces))]).toMatchObject([
          200,
          { name: 'large.bin', bytes: 110_000_000 },
        ])
      })

      it.skipIf(caller === '127.0.0.1')('wrong passwords from one address hold up no other', async () => {
        await using way = await through()
        const guess = async (over: Way, headers: Record<string, string> = {}) => {
          const body = JSON.stringify({ email: `${program}@example.com`, password: 'wrong' })
          return (await ask(over, 'POST', '/console/sign-in', { ...fromPage, ...headers }, body)).status
        }
        const guesser = http1Through(way.proxy, caller)
        const statuses: number[] = []
        for (let n = 1; n <= 10; n++) {
          const made = `198.51.100.${n}`
          statuses.push(await guess(guesser, { 'x-forwarded-for': made, forwarded: `for=${made}`, 'x-real-ip': made }))
        }
        expect(statuses).toEqual([...Array(5).fill(401), ...Array(5).fill(429)])
        expect(await guess(way)).toBe(401)
        const { text } = await ask(way, 'GET', '/console/me/sessions', await signedIn(way))
        expect(JSON.parse(text).sessions).toEqual(
          expect.arrayContaining([expect.objectContaining({ address: '127.0.0.1', current: true })]),
        )
      })

      it('no made-up header opens the page', async () => {
        await using way = await through()
        const hosts = ['localhost', '127.0.0.1', new URL(parley.url).host]
        const tricks = [{}, pretending, ...hosts.map((host) => ({ ...pretending, host, origin: `http://${host}` }))]
        for (const trick of tricks)
          for (const path of ['/console/threads', '/console/status', '/console/events']) {
            const { status, text } = await ask(way, 'GET', path, trick)
            // A name that is not the proxy's own gets nothing from Parley. Caddy answers it with an empty page.
            if ('host' in trick) expect([421, 200], text).toContain(status)
            if ('host' in trick) expect(text).not.toContain('{')
            else expect([401, 403], JSON.stringify(trick)).toContain(status)
          }
        // Nor does one let another site change something for a person who is signed in.
        const session = await signedIn(way)
        const elsewhere = { ...session, origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' }
        for (const trick of [elsewhere, { ...elsewhere, 'sec-fetch-site': 'cross-site' }])
          expect((await ask(way, 'POST', '/console/sign-out', trick, '{}')).status).toBe(403)
        expect((await ask(way, 'GET', '/console/me', session)).status).toBe(200)
      })
    })
})
