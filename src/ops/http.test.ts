/** The one app on a real port: addresses, bodies and headers that are wrong, each with its status and one sentence. */

import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { serveMounts } from '../../test/servers/mounts.ts'
import type { ParleyError } from '../core/errors.ts'
import type { Mount } from '../core/http.ts'
import type { Log } from '../core/log.ts'
import { accessWording, requestWording } from '../wording/requests.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const errors: unknown[] = []
const log: Log = { debug() {}, info() {}, warn() {}, error: (fields) => void errors.push(fields) }

const talk: Mount = {
  prefix: '/',
  headers: { 'x-own': 'yes' },
  routes: [
    {
      method: 'GET',
      path: '/things/:id{.+}',
      access: ['page'],
      handle: (context) => context.text(context.req.param('id') ?? ''),
    },
    {
      method: 'POST',
      path: '/things',
      access: ['page'],
      body: { maxBytes: 1000 },
      handle: (context) => context.json({ bytes: context.get('body').length }),
    },
    {
      method: 'PUT',
      path: '/things',
      access: ['page'],
      body: 'upload',
      async handle(context) {
        let bytes = 0
        for await (const piece of context.get('upload')) bytes += (piece as Buffer).length
        return context.json({ bytes })
      },
    },
    {
      method: 'GET',
      path: '/broken',
      access: ['page'],
      handle() {
        throw new Error('a secret cause')
      },
    },
    {
      method: 'GET',
      path: '/cut',
      access: ['page'],
      handle(context) {
        context.env.outgoing.writeHead(200)
        context.env.outgoing.write('half')
        throw new Error('in the middle')
      },
    },
  ],
}
const other: Mount = {
  prefix: '/other',
  routes: [{ method: 'GET', path: '/other/:id', access: ['page'], handle: (context) => context.text('other') }],
  writeError: (_context, { userMessage }: ParleyError) => new Response(`other: ${userMessage}`, { status: 418 }),
}

async function setUp(more: Parameters<typeof serveMounts>[1] = {}) {
  errors.length = 0
  const http = await serveMounts([talk, other], { log, ...more })
  ends.push(() => http.close())
  const { port } = new URL(http.url)
  /** Sends bytes as they are and answers all that comes back until the connection ends. */
  const raw = (head: string) =>
    new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(head))
      socket.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      socket.on('close', () => resolve(text)).on('error', () => undefined)
    })
  return { url: http.url, raw }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}Connection: close\r\n\r\n`

/** A raw HTTP response with this status and these parts, in order. */
const response = (status: number, parts: string[]) =>
  new RegExp(
    [`^HTTP/1\\.1 ${status} `, ...parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))].join(
      '[\\s\\S]*',
    ),
    'i',
  )

describe('an address', () => {
  it('that does not exist is 404, in the format of its mount', async () => {
    const { url } = await setUp()
    const unknown = await fetch(`${url}/nothing`)
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { error: { code: 'address_unknown', userMessage: requestWording.nothingHere } },
    ])
    expect(unknown.headers.get('x-own')).toBe('yes')
    expect(await (await fetch(`${url}/other/a/b`)).text()).toBe(`other: ${requestWording.nothingHere}`)
    expect(await (await fetch(`${url}/other`)).text()).toBe(`other: ${requestWording.nothingHere}`)
  })

  it('that cannot be decoded is 404 everywhere, and is not logged as a failure', async () => {
    const { raw } = await setUp()
    for (const path of ['/%E0%A4%A', '/things/%E0%A4%A', '/things/a%', '/%', '/things/%FF', '/nothing/%C0%80'])
      expect(await raw(get(path)), path).toMatch(/^HTTP\/1\.1 404 /)
    expect(await raw(get('/other/%E0%A4%A'))).toMatch(/^HTTP\/1\.1 418 [\s\S]*other: There is nothing/)
    expect(errors).toEqual([])
  })

  it('is decoded once', async () => {
    const { url } = await setUp()
    expect(await (await fetch(`${url}/things/openai%2Fgpt%205%2525`)).text()).toBe('openai/gpt 5%25')
  })

  it('that needs another method says which', async () => {
    const { url } = await setUp()
    const wrong = await fetch(`${url}/things`, { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, PUT'])
    expect(await wrong.json()).toMatchObject({ error: { code: 'method_unknown' } })
    expect((await fetch(`${url}/things/x`, { method: 'HEAD' })).status).toBe(200)
  })
})

describe('a body', () => {
  const post = (url: string, body: BodyInit, more: RequestInit & { duplex?: 'half' } = {}) =>
    fetch(`${url}/things`, { method: 'POST', body, ...more })

  it('over the limit is 413, announced or not', async () => {
    const { url } = await setUp()
    expect(await (await post(url, 'x'.repeat(1000))).json()).toEqual({ bytes: 1000 })
    const announced = await post(url, 'x'.repeat(1001))
    expect([announced.status, await announced.json()]).toEqual([
      413,
      {
        error: {
          code: 'request_too_large',
          userMessage: requestWording.tooLarge(0.001),
        },
      },
    ])
    const pieces = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 20; n += 1) controller.enqueue(new Uint8Array(100))
        controller.close()
      },
    })
    expect((await post(url, pieces, { duplex: 'half' })).status).toBe(413)
  })

  it.each([
    ['over the limit', '/things', 413],
    ['for an address that does not exist', '/nothing', 404],
  ])('%s is read to its end, so that a caller that sends first gets the answer', async (_, path, status) => {
    const { url } = await setUp()
    const bytes = 30_000_000
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`,
        )
        socket.write(Buffer.alloc(bytes), () => socket.setEncoding('utf8').on('data', (piece) => (text += piece)))
      })
      socket.on('close', () => resolve(text)).on('error', reject)
    })
    expect(answer).toMatch(response(status, ['connection: close', '{"error":']))
  })

  it('over the limit that does not come gets its answer all the same', async () => {
    const { raw } = await setUp({ idleMs: 50 })
    const answer = await raw('POST /things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nhalf')
    expect(answer).toMatch(response(413, ['connection: close', requestWording.tooLarge(0.001)]))
  })

  it.each(['POST', 'PUT'])('that stops coming is 408 (%s)', async (method) => {
    const { raw } = await setUp({ idleMs: 50 })
    const answer = await raw(`${method} /things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\nhalf`)
    expect(answer).toMatch(response(408, ['connection: close', requestWording.late]))
  })

  it('that arrives too slowly is dropped, even without long pauses', async () => {
    const { url, raw } = await setUp({ idleMs: 300 })
    void url
    const dripping = new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () =>
        socket.write('POST /things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n'),
      )
      const drip = setInterval(() => socket.write('x'), 20)
      socket.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      socket
        .on('error', () => undefined)
        .on('close', () => {
          clearInterval(drip)
          resolve(text)
        })
    })
    expect(await dripping).toMatch(/^HTTP\/1\.1 408 /)
    expect(await raw(get('/things/still-here'))).toMatch(/still-here$/)
  })

  it('that is cut off affects no other request and is not logged as a failure', async () => {
    const { url, raw } = await setUp()
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write('POST /things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\nhalf', () =>
        socket.destroy(),
      )
    })
    await new Promise((resolve) => socket.on('close', resolve))
    expect(await raw(get('/things/still-here'))).toMatch(/still-here$/)
    expect(errors).toEqual([])
  })
})

describe('headers', () => {
  it.each(['Host: 127.0.0.1', 'Origin: http://127.0.0.1', 'Authorization: Bearer x', 'Content-Type: text/plain'])(
    'that decide something come once: %s',
    async (header) => {
      const { raw } = await setUp()
      const answer = await raw(get('/things/x', `${header}\r\n${header}\r\n`))
      expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"request_invalid"/)
    },
  )

  it('that are not valid HTTP get one sentence', async () => {
    const { raw } = await setUp()
    expect(await raw('NONSENSE\r\n\r\n')).toMatch(response(400, [requestWording.notHttp]))
    expect(await raw(get('/things/x', `X-Long: ${'x'.repeat(20_000)}\r\n`))).toMatch(
      response(431, [requestWording.headersTooLong]),
    )
    expect(await raw(get('/things/x').replace('Host: 127.0.0.1', 'Host: a b'))).toMatch(
      response(400, [requestWording.addressOrHostInvalid]),
    )
    expect(await raw(get('http://127.0.0.1/things/x'))).toMatch(response(400, [requestWording.addressWithoutSlash]))
  })
})

describe('what fails inside', () => {
  it('is one sentence for the caller and one line in the log', async () => {
    const { url } = await setUp()
    const broken = await fetch(`${url}/broken`)
    expect(broken.status).toBe(500)
    expect(await broken.text()).not.toContain('secret')
    expect(errors).toMatchObject([{ err: { message: 'a secret cause' }, path: '/broken' }])
    await expect(fetch(`${url}/cut`).then((answer) => answer.text())).rejects.toThrow()
    expect(errors).toHaveLength(2)
  })

  it('is a plain sentence in a browser', async () => {
    const { url } = await setUp({ exposed: true })
    const headers = { 'sec-fetch-dest': 'document' }
    const refused = await fetch(`${url}/things/x`, { headers })
    expect([refused.status, await refused.text()]).toEqual([401, accessWording.setUpNeeded])
  })
})
