/** Recordings as the page's player fetches them: in parts, and only those that were shared on the page. */
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import type { ByteRange } from '../../src/core/blobs.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { localAuthor } from './normalize.ts'
import { previewRoutes } from './previews.ts'
import { securityHeaders } from './static.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
const unused = () => Promise.reject(new Error('not used'))

describe('a recording', () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, place) => place % 256))
  const opened: ByteRange[] = []
  const previews = {
    recording: async () => ({
      mediaType: 'audio/mpeg',
      bytes: bytes.length,
      async open(range: ByteRange) {
        opened.push(range)
        return Readable.from([bytes.subarray(range.from, range.to + 1)])
      },
    }),
  }
  async function serve(shared: boolean) {
    const board = { knowsFile: async () => shared }
    const askerOf = async () => ({ author: localAuthor, owner: null })
    const routes = previewRoutes({
      board,
      askerOf,
      maySee: async () => false,
      previews: { page: unused, lines: unused, picture: unused, ...previews },
    })
    const http = await serveMounts([{ prefix: '/', routes, headers: securityHeaders }])
    ends.push(() => http.close())
    return http
  }
  const address = (url: string) => `${url}/console/files/${'a'.repeat(64)}/recording`

  test.each([
    [undefined, 200, 0, 999],
    ['bytes=0-', 206, 0, 999],
    ['bytes=100-199', 206, 100, 199],
    ['bytes=990-5000', 206, 990, 999],
    ['bytes=-10', 206, 990, 999],
    ['bytes=-5000', 206, 0, 999],
    ['bytes=5-4', 200, 0, 999],
    ['bytes=0-1,5-6', 200, 0, 999],
    ['pages=1-2', 200, 0, 999],
  ])('is sent for the range %s with status %i, from byte %i to %i', async (range, status, from, to) => {
    const { url } = await serve(true)
    const response = await fetch(address(url), { headers: range === undefined ? {} : { range } })
    expect(response.status).toBe(status)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes.subarray(from, to + 1))
    const told = Object.fromEntries(response.headers)
    expect(told).toMatchObject({
      'content-type': 'audio/mpeg',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
    })
    expect(told['content-length']).toBe(String(to - from + 1))
    expect(told['content-range']).toBe(status === 206 ? `bytes ${from}-${to}/1000` : undefined)
  })

  test.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=-0'])('has no bytes for %s', async (range) => {
    const { url } = await serve(true)
    const response = await fetch(address(url), { headers: { range } })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe('bytes */1000')
  })

  test('is described to HEAD without being opened', async () => {
    const { url } = await serve(true)
    opened.length = 0
    const response = await fetch(address(url), { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '1000'])
    expect(opened).toEqual([])
  })

  test('that was not shared on the page is not sent, whatever its address', async () => {
    const { url } = await serve(false)
    opened.length = 0
    expect((await fetch(address(url), { headers: { range: 'bytes=0-' } })).status).toBe(404)
    expect(opened).toEqual([])
  })
})
