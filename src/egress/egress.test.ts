/** Fetching addresses that somebody names, against a local server in place of the Internet. */
import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfSigned } from '../../test/fixtures/self-signed.ts'
import { pageEgressWording } from '../wording/requests.ts'
import { createEgress, type EgressPurpose } from './egress.ts'
import { type EgressOptions, isPublic } from './guard.ts'

const { key, cert } = selfSigned
let server: Server
let port: number
const seen: string[] = []
beforeAll(async () => {
  server = createServer({ key, cert }, (request, response) => {
    const url = request.url ?? ''
    seen.push(`${request.headers.host} ${url}`)
    if (url === '/picture') response.setHeader('content-type', 'image/png').end('png')
    else if (url.startsWith('/to/')) response.writeHead(302, { location: decodeURIComponent(url.slice(4)) }).end()
    else if (url.startsWith('/hop/')) response.writeHead(302, { location: `/hop/${Number(url.slice(5)) + 1}` }).end()
    else if (url === '/page') response.setHeader('content-type', 'text/html').end('<p>')
    else if (url.startsWith('/packed/')) {
      const bytes = gzipSync(url.endsWith('bomb') ? Buffer.alloc(20_000_000) : 'hello')
      response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(bytes)
    } else if (url === '/large') response.setHeader('content-type', 'image/png').end(Buffer.alloc(5000))
    else if (url === '/announced')
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': 9e9 }).flushHeaders()
    else if (url === '/stalls') response.writeHead(200, { 'content-type': 'image/png' }).write('a')
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.closeAllConnections())

/** All names lead to the server, whose address counts as public. */
const internet = (more: EgressOptions = {}) =>
  createEgress({
    lookup: (host, answer) =>
      host === 'mixed.example'
        ? answer(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '10.0.0.7', family: 4 },
          ])
        : host === 'inside.example'
          ? answer(null, [{ address: '10.0.0.7', family: 4 }])
          : answer(null, [{ address: '127.0.0.1', family: 4 }]),
    allowed: (address) => address === '127.0.0.1' || isPublic(address),
    ports: [443, port],
    ca: cert,
    ...more,
  })
/** As pages are fetched. */
const pages: EgressPurpose = {
  wording: pageEgressWording,
  schemes: ['https:', 'http:'],
  ports: [80, 443],
  accept: 'text/html',
  redirects: 5,
}
const web = (more: EgressOptions = {}) =>
  createEgress(
    {
      lookup: (_host, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }]),
      allowed: (address) => address === '127.0.0.1' || isPublic(address),
      ports: [80, 443, port],
      ca: cert,
      ...more,
    },
    pages,
  )
const options = { maxBytes: 1000, type: /^image\//, signal: new AbortController().signal }
const at = (path: string, host = 'example.com') => new URL(`https://${host}:${port}${path}`)

describe('an address that somebody names', () => {
  it('gives its picture, also behind a redirect', async () => {
    const picture = {
      bytes: Buffer.from('png'),
      mediaType: 'image/png',
      charset: undefined,
      status: 200,
      url: at('/picture'),
    }
    expect(await internet().fetch(at('/picture'), options)).toEqual(picture)
    expect(await internet().fetch(at(`/to/${encodeURIComponent(at('/picture').href)}`), options)).toEqual(picture)
    expect(seen).toContain(`example.com:${port} /picture`)
  })

  it.each<[string, () => URL, RegExp]>([
    ['another scheme', () => new URL('http://example.com/a.png'), /https addresses only/],
    ['a file', () => new URL('file:///etc/passwd'), /https addresses only/],
    ['a password', () => new URL('https://user:pass@example.com/a.png'), /user name or password/],
    ['another port', () => new URL('https://example.com:8443/a.png'), /standard https port/],
    ['an address of this machine', () => new URL('https://127.0.0.2/a.png'), /public on the Internet/],
    ['the address in a number', () => new URL('https://2130706434/a.png'), /public on the Internet/],
    ['the metadata of a cloud', () => new URL('https://169.254.169.254/latest'), /public on the Internet/],
    ['this machine in IPv6', () => new URL('https://[::1]/a.png'), /public on the Internet/],
    ['this machine, mapped', () => new URL('https://[::ffff:127.0.0.2]/a.png'), /public on the Internet/],
    ['a name of the own network', () => at('/picture', 'inside.example'), /public on the Internet/],
    ['a name with one address of the own network', () => at('/picture', 'mixed.example'), /public on the Internet/],
    ['a redirect inside', () => at('/to/https%3A%2F%2F10.0.0.7%2Fpicture'), /public on the Internet/],
    [
      'a redirect to a name inside',
      () => at(`/to/https%3A%2F%2Finside.example%3A${port}%2F`),
      /public on the Internet/,
    ],
    ['a redirect to another scheme', () => at('/to/http%3A%2F%2Fexample.com%2F'), /https addresses only/],
    ['redirects without end', () => at('/hop/1'), /redirects more than 3 times/],
    ['a page', () => at('/page'), /gave text\/html/],
    ['nothing', () => at('/nothing'), /status 404/],
    ['too much', () => at('/large'), /MB limit/],
    ['too much, as it says', () => at('/announced'), /MB limit/],
  ])('is refused in a sentence: %s', async (_what, url, sentence) => {
    await expect(internet().fetch(url(), options)).rejects.toMatchObject({
      code: expect.stringMatching(/^file_/),
      userMessage: expect.stringMatching(sentence),
    })
  })

  it('is let go when it stalls, and when nobody waits any more', async () => {
    await expect(internet({ timeoutMs: 50 }).fetch(at('/stalls'), options)).rejects.toMatchObject({
      userMessage: expect.stringMatching(/did not arrive within/),
    })
    const gone = new AbortController()
    const fetching = internet().fetch(at('/stalls'), { ...options, signal: gone.signal })
    gone.abort()
    await expect(fetching).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('without a certificate that somebody vouches for is not trusted', async () => {
    await expect(internet({ ca: undefined as never }).fetch(at('/picture'), options)).rejects.toMatchObject({
      code: 'file_fetch_failed',
    })
  })
})

describe('a page that somebody names', () => {
  const html = { ...options, type: /^text\/html$/ }

  it('is read over http and https, and a redirect from one to the other is followed', async () => {
    const plain = createPlainServer((_, response) => response.writeHead(302, { location: at('/page').href }).end())
    plain.listen(0, '127.0.0.1')
    await once(plain, 'listening')
    const { port: plainPort } = plain.address() as AddressInfo
    const read = web({ ports: [80, 443, port, plainPort] })
    const page = await read.fetch(new URL(`http://example.com:${plainPort}/`), html)
    expect(page).toMatchObject({ mediaType: 'text/html', url: at('/page'), status: 200 })
    plain.close()
  })

  it('is unpacked although nothing packed was asked for, up to the limit', async () => {
    expect((await web().fetch(at('/packed/page'), html)).bytes.toString()).toBe('hello')
    await expect(web().fetch(at('/packed/bomb'), html)).rejects.toMatchObject({ code: 'file_too_large' })
  })

  it.each([
    ['a redirect to the metadata of a cloud', () => at('/to/http%3A%2F%2F169.254.169.254%2Flatest'), /not public/],
    ['a redirect to Azure inside', () => at('/to/http%3A%2F%2F168.63.129.16%2F'), /not public/],
    ['this machine in octal', () => new URL('http://0177.0.0.2/'), /not public/],
    ['this machine in wide digits', () => new URL('http://①②⑦.0.0.2/'), /not public/],
    ['a redirect to a file', () => at('/to/file%3A%2F%2F%2Fetc%2Fpasswd'), /http and https addresses only/],
    ['redirects without end', () => at('/hop/1'), /redirects more than 5 times/],
    ['a picture', () => at('/picture'), /gave image\/png/],
  ])('is refused in a sentence: %s', async (_what, url, sentence) => {
    await expect(web().fetch(url(), html)).rejects.toMatchObject({ userMessage: expect.stringMatching(sentence) })
  })

  it('is not asked at an address that changed between the check and the connection', async () => {
    const asked: string[] = []
    const rebinding = web({
      lookup: (host, answer) => {
        asked.push(host)
        answer(null, [{ address: asked.length === 1 ? '127.0.0.1' : '10.0.0.7', family: 4 }])
      },
    })
    expect((await rebinding.fetch(at('/page'), html)).status).toBe(200)
    await expect(rebinding.fetch(at('/page'), html)).rejects.toMatchObject({
      userMessage: expect.stringMatching(/not public/),
    })
  })

  it('is asked only where the caller agrees to each address on the way', async () => {
    const asked: string[] = []
    const seenBefore = seen.length
    const before = async (url: URL) => {
      asked.push(url.pathname)
      if (url.pathname === '/page') throw new Error('no')
    }
    await expect(web().fetch(at(`/to/${encodeURIComponent('/page')}`), { ...html, before })).rejects.toThrow()
    expect(asked).toEqual([`/to/${encodeURIComponent('/page')}`, '/page'])
    expect(seen.slice(seenBefore)).toEqual([`example.com:${port} /to/${encodeURIComponent('/page')}`])
  })
})

/** Every spelling of an address inside, and names that lead there. */
const inside = [
  // This machine, as a number, in octal, hex and short forms.
  ...[
    '2130706433',
    '017700000001',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '0',
    '0.0.0.0',
  ],
  ...[
    '①②⑦.0.0.1',
    '127。0。0。1',
    '127.0.0.1.',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ],
  ...['[::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]'],
  // The own network.
  ...[
    '10.0.0.7',
    '167772167',
    '0xa000007',
    '10.7',
    '172.16.0.1',
    '172.31.255.254',
    '192.168.0.1',
    '192.168.257',
    '100.64.0.1',
  ],
  ...[
    '[::ffff:10.0.0.7]',
    '[::ffff:a00:7]',
    '[64:ff9b::10.0.0.7]',
    '[2002:a00:7::1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fe80::1]',
  ],
  ...['[fec0::1]', '[::ffff:192.168.0.1]'],
  // Metadata of clouds: AWS and most others, AWS in IPv6, ECS, Alibaba, Azure, Oracle.
  ...['169.254.169.254', '2852039166', '0xa9fea9fe', '[::ffff:169.254.169.254]', '[fd00:ec2::254]', '169.254.170.2'],
  ...['100.100.100.200', '168.63.129.16', '192.0.0.192'],
  // Not for anybody: multicast, broadcast, reserved, documentation, benchmarks, discard.
  ...[
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '198.18.0.1',
    '192.88.99.1',
  ],
  ...['[ff02::1]', '[100::1]', '[2001:db8::1]'],
  // Names of what is inside.
  ...[
    'localhost',
    'localhost.',
    'LOCALHOST',
    'metadata.google.internal',
    '127.0.0.1.nip.example',
    'db',
    'printer.local',
  ],
]
const isThisServer = (host: string) => new URL(`http://${host}/`).hostname === '127.0.0.1'

const tricks = [
  ...[
    'file:///etc/passwd',
    'file://example.com/etc/passwd',
    'ftp://example.com/',
    'gopher://example.com/',
    'data:text/html,a',
  ],
  ...[
    'javascript:alert(1)',
    'ws://example.com/',
    'dict://example.com:11211/',
    'blob:https://example.com/a',
    'about:blank',
  ],
  ...[
    'http://example.com@10.0.0.7/',
    'http://10.0.0.7:80@example.com/',
    'http://example.com%2F@10.0.0.7/',
    'https://a:b@example.com/',
  ],
  ...[
    'http://10.0.0.7#@example.com/',
    'http://10.0.0.7?@example.com/',
    'http://10.0.0.7\\@example.com/',
    'http:10.0.0.7/',
  ],
  ...[
    'http://example.com:22/',
    'http://example.com:25/',
    'http://example.com:6379/',
    'http://example.com:8080/',
    'http://example.com:0/',
  ],
]

const refused = /not public|http and https addresses only|user name or password|port/

describe('an address inside', () => {
  const addresses = [...inside.map((host) => `http://${host}/`), ...inside.map((host) => `https://${host}/`), ...tricks]

  it(`is reached by none of ${addresses.length} spellings and tricks, and each ends at once`, async () => {
    const guard = createEgress({ lookup: (_host, answer) => answer(null, [{ address: '10.0.0.7', family: 4 }]) }, pages)
    for (const address of addresses) {
      if (!URL.canParse(address)) continue
      const began = performance.now()
      const failure = await guard.fetch(new URL(address), { ...options, type: /./ }).catch((error: unknown) => error)
      // The guard's own refusals: nothing was connected to.
      expect(failure, address).toMatchObject({ userMessage: expect.stringMatching(refused) })
      expect(performance.now() - began, address).toBeLessThan(5_000)
    }
  })

  it('is not reached by a redirect to any of them', async () => {
    const before = seen.length
    // The first server counts as public, so forms of its own address are left out.
    const others = inside.filter((host) => !isThisServer(host))
    for (const host of others) {
      const failure = await web({
        lookup: (name, answer) =>
          answer(null, [{ address: name === 'example.com' ? '127.0.0.1' : '10.0.0.7', family: 4 }]),
      })
        .fetch(at(`/to/${encodeURIComponent(`http://${host}/latest`)}`), { ...options, type: /./ })
        .catch((error: unknown) => error)
      expect(failure, host).toMatchObject({ userMessage: expect.stringMatching(refused) })
    }
    expect(seen.slice(before).filter((line) => !line.includes('/to/'))).toEqual([])
    expect(others.length).toBeGreaterThan(40)
  })
})

it.each([
  ['8.8.8.8', true],
  ['168.63.129.16', false],
  ['2606:4700::1111', true],
  ['10.1.2.3', false],
  ['100.64.0.1', false],
  ['192.168.1.1', false],
  ['172.31.255.255', false],
  ['0.0.0.0', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['fe80::1', false],
  ['fd00::1', false],
  ['::', false],
  ['::ffff:8.8.8.8', false],
  ['64:ff9b::a00:1', false],
  ['2002:a00:1::', false],
  ['2001:db8::1', false],
  ['localhost', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublic(address)).toBe(expected)
})
