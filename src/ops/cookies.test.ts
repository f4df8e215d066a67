/** Which cookie a browser gets, by the address that it uses. */
import type { IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { createCookies } from './cookies.ts'

const chrome = 'Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
const safari = 'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15'

function request(host: string, { agent = chrome, cookie = '', forwarded = false } = {}): IncomingMessage {
  const headers = { host, 'user-agent': agent, cookie, ...(forwarded ? { 'x-forwarded-for': '203.0.113.9' } : {}) }
  return { headers, httpVersion: '1.1', socket: { remoteAddress: '127.0.0.1' } } as unknown as IncomingMessage
}

it.each([
  ['https://parley.example.com', request('parley.example.com', { forwarded: true }), '__Host-parley', true],
  ['https://parley.example.com', request('127.0.0.1:8787', { forwarded: true }), '__Host-parley', true],
  ['https://parley.example.com', request('127.0.0.1:8787'), '__Host-parley-1a2b', true],
  [undefined, request('localhost:8787'), '__Host-parley-1a2b', true],
  [undefined, request('localhost:8787', { agent: safari }), 'parley-1a2b', false],
  [undefined, request('parley.lan:8787'), 'parley', false],
  ['http://parley.lan', request('parley.lan', { forwarded: true }), 'parley', false],
])('with PUBLIC_URL %s, case %#', (publicUrl, from, name, secure) => {
  const cookies = createCookies({ publicUrl, installation: '1a2b' })
  const written = cookies.set(from, 'session', 'abc', 60)
  expect(written).toBe(`${name}=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`)
  from.headers.cookie = `x=1; ${name}-flow=no; ${name}=abc; y`
  expect(cookies.read(from, 'session')).toBe('abc')
  expect(cookies.clear(from, 'session')).toContain(`${name}=; Max-Age=0`)
})

it('reads one name alone, and nothing that is not a value of Parley’s', () => {
  const cookies = createCookies({ publicUrl: 'https://parley.example.com', installation: '1a2b' })
  for (const cookie of [
    'parley=abc',
    '__Host-parley-1a2b=abc',
    '__host-parley=abc',
    '__Host-parley=',
    '__Host-parley=a"b',
  ])
    expect(cookies.read(request('parley.example.com', { forwarded: true, cookie }), 'session'), cookie).toBeUndefined()
})
