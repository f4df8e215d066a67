/** The built page as it is sent. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { accountWording } from '../../src/wording/account.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { pageRoutes, securityHeaders } from './static.ts'

async function served(): Promise<string> {
  const { url, close } = await serveMounts([{ prefix: '/', routes: pageRoutes(), headers: securityHeaders }])
  onTestFinished(close)
  return url
}

const linux = process.platform === 'linux'
test.skipIf(!linux)(
  `the head of an asset opens no file${linux ? '' : ' (open files are counted on Linux only)'}`,
  async () => {
    const url = await served()
    const assets = join(import.meta.dirname, 'dist', 'assets')
    const [asset = ''] = readdirSync(assets)
    const openFiles = () => readdirSync('/proc/self/fd').length
    const plain = { 'accept-encoding': 'identity' }
    const { headers } = await fetch(`${url}/assets/${asset}`, { method: 'HEAD', headers: plain })
    expect(Number(headers.get('content-length'))).toBe(readFileSync(join(assets, asset)).length)
    const before = openFiles()
    for (let n = 0; n < 30; n += 1) await fetch(`${url}/assets/${asset}`, { method: 'HEAD' })
    expect(openFiles() - before).toBeLessThan(10)
  },
)

test('assets are sent compressed to those who take it, and each form has its own tag', async () => {
  const url = await served()
  const assets = join(import.meta.dirname, 'dist', 'assets')
  const asset = readdirSync(assets).find((name) => name.endsWith('.js')) ?? ''
  const whole = readFileSync(join(assets, asset), 'utf8')
  const get = async (headers: Record<string, string>) => {
    const answer = await fetch(`${url}/assets/${asset}`, { headers })
    const [encoding, vary, etag] = ['content-encoding', 'vary', 'etag'].map((name) => answer.headers.get(name))
    return { status: answer.status, encoding, vary, etag: etag ?? '', text: await answer.text() }
  }
  const tags = new Set<string>()
  const forms = {
    'gzip, deflate, br, zstd': 'br',
    gzip: 'gzip',
    'br;q=0, gzip;q=0.5': 'gzip',
    identity: null,
    '*': null,
  }
  for (const [accepted, encoding] of Object.entries(forms)) {
    const answer = await get({ 'accept-encoding': accepted })
    expect(answer, accepted).toMatchObject({ status: 200, encoding, vary: 'accept-encoding' })
    expect(answer.text === whole, accepted).toBe(true)
    tags.add(answer.etag)
    const unchanged = { 'accept-encoding': accepted, 'if-none-match': answer.etag }
    expect(await get(unchanged), accepted).toMatchObject({ status: 304, text: '' })
  }
  expect(tags.size).toBe(3)
})

test('the first load of the chat is small, and has nothing of the account screens', () => {
  const dist = join(import.meta.dirname, 'dist')
  const html = readFileSync(join(dist, 'index.html'), 'utf8')
  const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path = '']) => join(dist, path))
  expect(scripts.length).toBeGreaterThan(0)
  const compressed = scripts.reduce((sum, path) => sum + readFileSync(`${path}.gz`).length, 0)
  expect(compressed).toBeLessThan(190_000)
  for (const path of scripts) expect(readFileSync(path, 'utf8')).not.toContain(accountWording.signIn.heading)
})
