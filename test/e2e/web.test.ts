/**
 * Parley as a whole with the web: a search engine of SearXNG's shape and sites of every kind, a question answered without a model by
 * quotations that open.
 */
import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConsoleStatus } from '../../adapters/console/api.ts'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import { addressOf, describeCited } from '../../src/core/source.ts'
import { noticeWording } from '../../src/wording/answers.ts'
import { pageEgressWording } from '../../src/wording/requests.ts'
import { searchWording, snippetWording, unreadWording, webReason } from '../../src/wording/search.ts'
import { doctorWording } from '../../src/wording/terminal.ts'
import { makePdf } from '../fixtures/make-pdf.ts'
import { type SearchServer, startSearch } from '../servers/search.ts'
import { articlePage, startWebsites, type Websites } from '../servers/websites.ts'
import { ConsoleClient } from './parley.ts'

let home: string
let search: SearchServer
let sites: Websites
let parley: App
let client: ConsoleClient

const filler = Array.from(
  { length: 8 },
  (_, at) => `Paragraph ${at} tells at some length of the history of heating, of boilers, stoves and of radiators.`,
)
const noise = 'The Zeppelin heat pump makes a noise of 41 decibels at a distance of one metre.'
const pageOf = (title: string, fact: string, head = '') => articlePage(title, [...filler, fact, ...filler], head)
const hit = (url: string, title = url) => ({ url, title, snippet: '' })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-web-'))
  search = await startSearch('searxng')
  sites = await startWebsites()
  await writeFile(join(home, 'parley.yaml'), `search:\n  provider: searxng\n  url: ${search.url}\n`)
  const env = { PARLEY_HOME: join(home, 'home'), PORT: '0' }
  parley = await createApp(readConfig({ env, cwd: home }), { log: silentLog, egress: sites.egress })
  client = new ConsoleClient(parley.url ?? '')

  sites.serve('pumps.example', '/noise', {
    body: pageOf(
      'How loud are heat pumps?',
      noise,
      '<meta property="og:site_name" content="Pump News"><meta property="article:published_time" content="2026-03-02T08:00:00Z">',
    ),
  })
  sites.serve(
    'latin.example',
    '/seite',
    (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'text/html; charset=iso-8859-1' })
        .end(
          Buffer.from(
            pageOf('Die Wärmepumpe', 'Die Zeppelin-Wärmepumpe läuft in Übergangszeiten mit 38 Dezibel Lärm.'),
            'latin1',
          ),
        ),
  )
  const pdf = await makePdf((doc) => {
    doc.addPage().text('Title page of the data sheet')
    doc.addPage().text('The Zeppelin heat pump weighs 174 kilograms without its feet.')
  })
  sites.serve('docs.example', '/sheet.pdf', { type: 'application/pdf', body: pdf })
  sites.serve('shy.example', '/robots.txt', { type: 'text/plain', body: 'User-agent: *\nDisallow: /private\n' })
  sites.serve('shy.example', '/private/page', { body: pageOf('Private', noise) })
  sites.serve('broken.example', '/robots.txt', (_, response) => void response.writeHead(500).end())
  sites.serve('consent.example', '/page', {
    body: articlePage('Heat pumps', ['We value your privacy. We and our 812 partners store cookies.', 'Accept all']),
  })
  sites.serve('challenge.example', '/page', { body: articlePage('Just a moment...', ['Verifying you are human.']) })
  for (const [from, to] of [
    ['/a', '/b'],
    ['/b', '/a'],
  ] as const)
    sites.serve('loop.example', from, (_, response) => void response.writeHead(302, { location: to }).end())
  sites.serve(
    'inward.example',
    '/',
    (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  )
  sites.serve('huge.example', '/page', { body: `<!doctype html>${'<p>heat pump</p>'.repeat(700_000)}` })
  sites.serve('drip.example', '/page', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    const timer = setInterval(() => response.write('<'), 300)
    response.once('close', () => clearInterval(timer))
  })
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await search?.close()
  await sites?.[Symbol.asyncDispose]()
  if (home) await rm(home, { recursive: true, force: true })
})

describe('a question that is searched for', () => {
  it('is answered from pages that were read, with citations that name the site and open', async () => {
    search.finds(
      hit(sites.at('pumps.example', '/noise?utm_source=x')),
      hit(sites.at('www.pumps.example', '/noise')),
      hit(sites.at('docs.example', '/sheet.pdf'), 'Data sheet'),
    )
    const reply = await client.ask('Search the web for the noise in decibels of the Zeppelin heat pump')
    expect(reply.text).toContain('41 decibels')
    const [cited] = reply.citations
    expect(cited).toMatchObject({
      source: { kind: 'page', title: 'How loud are heat pumps?', site: 'Pump News', published: '2026-03-02' },
      quote: expect.stringContaining('41 decibels'),
    })
    if (cited === undefined) throw new Error('nothing is cited')
    expect(describeCited(cited)).toBe('Pump News, 2026-03-02')
    expect(addressOf(cited)).toBe(sites.at('pumps.example', '/noise'))
    expect(search.asked).toEqual(['the noise in decibels of the Zeppelin heat pump'])
    expect(reply.receipt.web).toEqual({
      because: webReason.wished,
      engine: 'SearXNG',
      queries: [{ query: 'the noise in decibels of the Zeppelin heat pump', found: 3 }],
      pages: [
        { title: 'How loud are heat pumps?', address: sites.at('pumps.example', '/noise'), outcome: 'used' },
        { title: 'sheet.pdf', address: sites.at('docs.example', '/sheet.pdf'), outcome: 'used' },
      ],
    })
    // One page under two addresses was read once.
    expect(sites.asked.filter((path) => path.endsWith('/noise'))).toHaveLength(1)

    // What the page's panel shows: the text of the page around the passage.
    const { contentHash } = cited.source
    if (cited.at.kind !== 'lines') throw new Error('a page has lines')
    const { from, to } = cited.at
    const around = await client.call('GET', `/console/files/${contentHash}/text?kind=lines&from=${from}&to=${to}`)
    expect(JSON.stringify(await around.json())).toContain('41 decibels')
  })

  it('is answered again from the cache, and the same search is not sent twice', async () => {
    const asked = search.asked.length
    const reply = await client.ask('Search the web for the noise in decibels of the Zeppelin heat pump')
    expect(reply.text).toContain('41 decibels')
    expect(search.asked).toHaveLength(asked)
    expect(sites.asked.filter((path) => path.endsWith('/noise'))).toHaveLength(1)
  })

  it('says for each page why it was not read, and fetches no page that robots.txt disallows', async () => {
    const bad: [string, string, string][] = [
      ['shy.example', '/private/page', unreadWording.robots],
      ['broken.example', '/page', unreadWording.robotsUnknown],
      ['consent.example', '/page', unreadWording.consent],
      ['challenge.example', '/page', unreadWording.robotTest],
    ]
    search.finds(...bad.map(([host, path]) => hit(sites.at(host, path))))
    const reply = await client.ask('Search the web for pumps that are kept secret')
    const { pages = [] } = reply.receipt.web ?? {}
    expect(pages.map(({ outcome, problem }) => [outcome, problem])).toEqual(
      bad.map(([, , problem]) => ['unread', problem]),
    )
    expect(reply.receipt.notices).toContain(noticeWording.webNothing)
    expect(sites.asked).not.toContain('shy.example/private/page')
  })
})

it('of pages that could not be read, it quotes what the search engine shows, marked as that', async () => {
  const shown = 'The Krypton heat pump makes a noise of 39 decibels, says its maker.'
  search.finds({ ...hit(sites.at('challenge.example', '/page'), 'The Krypton heat pump'), snippet: shown })
  const reply = await client.ask('Search the web for the noise in decibels of the Krypton heat pump')
  expect(reply.text).toContain('39 decibels')
  const [cited] = reply.citations
  if (cited === undefined) throw new Error('nothing is cited')
  expect(describeCited(cited)).toBe('challenge.example, search result')
  expect(addressOf(cited)).toBe(sites.at('challenge.example', '/page'))
  expect(cited.source.contentHash).toBeUndefined()
  expect(reply.receipt.web?.pages).toMatchObject([
    { outcome: 'unread', problem: `${unreadWording.robotTest} ${snippetWording.receipt}` },
  ])
  expect(reply.receipt.notices).toEqual([snippetWording.notice])
})

describe('links in a question', () => {
  it('are read on behalf of the person who gave them: a PDF, a page in another encoding, and a page that robots.txt disallows', async () => {
    const sheet = await client.ask(
      `How heavy is the Zeppelin heat pump in kilograms? ${sites.at('docs.example', '/sheet.pdf')}`,
    )
    expect(sheet.text).toContain('174 kilograms')
    expect(sheet.citations[0]).toMatchObject({ source: { kind: 'page' }, at: { kind: 'page', page: 2 } })
    expect(sheet.citations[0] && addressOf(sheet.citations[0])).toBe(`${sites.at('docs.example', '/sheet.pdf')}#page=2`)
    expect(sheet.receipt.web?.because).toBe(webReason.links(1))

    const latin = await client.ask(`Wie viel Dezibel Lärm macht die Wärmepumpe? ${sites.at('latin.example', '/seite')}`)
    expect(latin.text).toContain('38 Dezibel')
    expect(latin.text).toContain('Übergangszeiten')

    const shy = await client.ask(`How many decibels of noise? ${sites.at('shy.example', '/private/page')}`)
    expect(shy.text).toContain('41 decibels')
  })

  it.each([
    ['redirects in a circle', 'loop.example', '/a', pageEgressWording.redirects(5)],
    ['redirects to the metadata of a cloud', 'inward.example', '/', pageEgressWording.notPublic],
    ['a name of a private network', 'inside.example', '/', pageEgressWording.notPublic],
    ['a page of 11 MB', 'huge.example', '/page', pageEgressWording.tooLarge(4)],
    ['a page that comes byte by byte', 'drip.example', '/page', /within 6 s|did not arrive/],
    ['a page that is not there', 'pumps.example', '/gone', pageEgressWording.status(404)],
  ])(
    'that cannot be read are named with the reason: %s',
    async (_what, host, path, reason) => {
      const address = sites.at(host, path)
      const reply = await client.ask(`What does ${address} say about heat pumps?`)
      expect(reply.receipt.notices.join('\n')).toContain(address.replace(/\/$/, ''))
      expect(reply.receipt.notices.join('\n')).toMatch(typeof reason === 'string' ? reason.slice(0, 40) : reason)
    },
    240_000,
  )
})

it('is searched while the files are read, once, and the answer rests on both', async () => {
  const retrievals: string[] = []
  const jobs: string[] = []
  const onRetrieval = (event: unknown) => void retrievals.push((event as { retriever: string }).retriever)
  const onJob = (event: unknown) => void jobs.push((event as { name: string }).name)
  subscribe('tracing:parley:retrieval:asyncEnd', onRetrieval)
  subscribe('tracing:parley:job:asyncEnd', onJob)
  try {
    search.finds(hit(sites.at('pumps.example', '/noise')))
    const upload = await client.upload(
      'offer.txt',
      'The offer for the Zeppelin heat pump is 9,870 euros, noise not stated.',
    )
    const reply = await client.ask('Search the web: noise in decibels and offer of the Zeppelin heat pump?', [upload])
    expect(reply.text).toContain('41 decibels')
    expect(reply.text).toContain('9,870 euros')
    expect(reply.citations.map(({ source }) => source.kind).toSorted()).toEqual(['file', 'page'])
    // Nothing was shared elsewhere, so memory is not asked.
    expect(retrievals).toEqual(['web'])
    // A job ends after its answer is there, and that of the question before may end here.
    await expect.poll(() => jobs).toContain('turn')
    const once = jobs.filter((name) => name !== 'sweep' && name !== 'turn')
    expect(once.toSorted()).toEqual(['extract', 'search'])
    // No more words of the question in a row than a sentence of a file has.
    expect(search.asked.at(-1)?.split(' ').length).toBeLessThan(8)
  } finally {
    unsubscribe('tracing:parley:retrieval:asyncEnd', onRetrieval)
    unsubscribe('tracing:parley:job:asyncEnd', onJob)
  }
})

it('doctor asks the search engine, and says what to set where it does not answer in JSON', async () => {
  const checked = async () => (await parley.doctor()).find(({ name }) => name === doctorWording.check.search)
  search.finds(hit('https://a.example/'))
  expect(await checked()).toMatchObject({ ok: true, userMessage: doctorWording.searchAnswers('SearXNG', 1) })
  search.answers({ status: 403, body: '<!doctype html>' })
  expect(await checked()).toMatchObject({ ok: false, userMessage: searchWording.jsonOff })
  await client.send(randomUUID(), '/policy web off')
  const status = async () => (await (await client.call('GET', '/console/status')).json()) as ConsoleStatus
  await expect.poll(async () => (await status()).web).toBe('off')
  await client.send(randomUUID(), '/policy web auto')
  await expect.poll(async () => (await status()).web).toBe('open')
})

it('a search that fails, and one that never answers, cost a line and not the answer', async () => {
  const upload = await client.upload('cellar.txt', 'The cellar key hangs behind the boiler.')
  search.answers({ status: 403, body: '<!doctype html>' })
  const refused = await client.ask('Search the web and the file: where does the cellar key hang?', [upload])
  expect(refused.text).toContain('behind the boiler')
  expect(refused.receipt.notices).toContain(searchWording.jsonOff)
  search.hangs()
  const late = await client.ask('Search the web and the file for the cellar key: where does it hang now?', [upload])
  expect(late.text).toContain('behind the boiler')
  expect(late.receipt.notices).toContain(searchWording.slow('SearXNG', 2.4))
})
