/** A page of the web is read without what surrounds its article, and whole where there is none. */
import { expect, it, vi } from 'vitest'
import { articlePage } from '../../test/servers/websites.ts'
import { limitsFor } from './limits.ts'
import { provider } from './providers/web-page.ts'

async function read(html: string) {
  const texts: string[] = []
  const ending = await provider.read(
    { bytes: new Uint8Array(Buffer.from(html)), name: 'page.html', mediaType: 'text/html' },
    limitsFor('html'),
    {
      segment: async (text) => {
        texts.push(text)
        return true
      },
      progress: async () => {},
      problem: () => {},
      image: async () => false,
    },
  )
  return { text: texts.join('\n'), page: ending.page }
}

const paragraph =
  'A heat pump moves heat from a cold place to a warm one, which takes less energy than making it there.'

it('an article keeps its tables and code, and loses menus, footers and scripts', async () => {
  const body = [
    ...Array.from({ length: 8 }, () => paragraph),
    '<table><tr><th>Model<th>Noise<tr><td>Zeppelin<td>41 dB</table>',
    '<pre>pump --speed 3\npump --stop</pre>',
    '<script>alert(1)</script>',
  ]
  const head =
    '<meta property="og:site_name" content="Pump News"><script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2026-03-02T08:00:00Z"}</script><time datetime="2026-03-02">'
  const { text, page } = await read(articlePage('How loud are heat pumps?', body, head))
  expect(text).toMatch(/^# How loud are heat pumps\?/)
  expect(text).toContain('| Zeppelin | 41 dB |')
  expect(text).toContain('```\npump --speed 3\npump --stop\n```')
  expect(text).not.toMatch(/Section 12|Imprint|alert/)
  expect(page).toEqual({ title: 'How loud are heat pumps?', site: 'Pump News', published: '2026-03-02' })
})

it('a page that is no article is read whole', async () => {
  const { text } = await read('<!doctype html><title>Hours</title><ul><li>Monday: 9 to 5<li>Sunday: closed</ul>')
  expect(text).toContain('Monday: 9 to 5')
  expect(text).toContain('Sunday: closed')
})

it('broken markup is read as far as it goes', async () => {
  const { text } = await read(`<html><head><title>a<b></head><p>${paragraph}<div><table><td>x<p></div>`.repeat(3))
  expect(text).toContain('A heat pump moves heat')
})

it.each([
  ['2026/01/05', '2026-01-05'],
  ['January 5, 2026', '2026-01-05'],
  ['Mon, 05 Jan 2026 23:30:00 GMT', '2026-01-05'],
  ['soon', undefined],
])('a date of %s is the same day in every time zone', async (date, published) => {
  for (const zone of ['Asia/Tokyo', 'America/Los_Angeles']) {
    vi.stubEnv('TZ', zone)
    const { page } = await read(`<title>News</title><meta name="date" content="${date}"><p>${paragraph}`)
    expect(page?.published).toBe(published)
  }
  vi.unstubAllEnvs()
})
