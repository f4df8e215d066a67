/** What a team may be told, on the page of its manager: over real HTTP on Parley itself, and in a browser. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CollectionRow, TeamCollectionList } from '../../adapters/console/account-api.ts'
import { buildPage } from '../../adapters/console/page/build.ts'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import { accountWording, adminWording } from '../../src/wording/account.ts'
import { collectionWording } from '../../src/wording/collections.ts'
import { teamWording } from '../../src/wording/sign-in.ts'
import { openTestAccounts, goodPassword as password } from '../accounts-rig.ts'
import { findBrowser, launchBrowser, noBrowser } from '../browser.ts'
import { startTestDatabase } from '../database.ts'
import { articlePage, startWebsites, type Websites } from '../servers/websites.ts'
import { createPageClient, type PageClient } from './page-client.ts'

const words = adminWording.collections
const opened = new AsyncDisposableStack()
let sites: Websites
let app: App
let url: string
let ada: PageClient
/** Ben manages the first team and is a member of the second one. */
let ben: PageClient
let ownTeam: string
let otherTeam: string

async function signIn(email: string): Promise<PageClient> {
  const client = createPageClient(url)
  await client.send('POST', '/console/sign-in', { email, password })
  return client
}

beforeAll(async () => {
  const server = opened.use(await startTestDatabase())
  const database = await server.createDatabase()
  const accounts = opened.use(openTestAccounts(database))
  sites = opened.use(await startWebsites())
  const home = await mkdtemp(join(tmpdir(), 'parley-team-'))
  opened.defer(() => rm(home, { recursive: true, force: true }))
  const env = { PARLEY_HOME: home, PORT: '0', DATABASE_URL: database.url, LOG_LEVEL: 'silent' }
  app = opened.use(await createApp(readConfig({ env, cwd: home }), { log: silentLog, egress: sites.egress }))
  url = app.url ?? ''
  await accounts.setUp()
  ada = await signIn('ada@example.com')
  const benId = await accounts.invited('Ben')
  const team = async (name: string, role: string, places: string[] = []) => {
    const { id } = await ada.send('POST', '/console/admin/teams', { name })
    await ada.send('PUT', `/console/admin/teams/${id}`, { places })
    await ada.send('PUT', `/console/admin/teams/${id}/members/${benId}`, { role })
    return String(id)
  }
  ownTeam = await team('Research', 'manager', ['workspace:slack/T1'])
  otherTeam = await team('Sales', 'member')
  ben = await signIn('ben@example.com')
}, 60_000)
afterAll(() => opened.disposeAsync())

const path = (team = ownTeam) => `/console/teams/${team}/collections`
const listed = async () => ((await ben.get(path())) as unknown as TeamCollectionList).collections
const create = async (name: string, scope: string) =>
  (await ada.send('POST', '/console/admin/collections', { name, scope })) as unknown as CollectionRow
const share = (id: string, scope: string) =>
  ada.send('PUT', `/console/admin/collections/${id}/grants`, { scope, granted: true })

it('a manager sees and changes what is for their team alone, and nobody else does', async () => {
  const made = (await ben.send('POST', path(), { name: 'Ours' })) as unknown as CollectionRow
  expect(made.grants).toEqual([`team:${ownTeam}`])
  const withPlace = await create('In our channel', `team:${ownTeam}`)
  await share(withPlace.id, 'channel:slack/T1/C1')
  const everybodys = await create('For everybody, too', `team:${ownTeam}`)
  await share(everybodys.id, 'all')
  const secret = await create('Of the others', `team:${otherTeam}`)
  expect((await listed()).map(({ name, changeable }) => [name, changeable]).toSorted()).toEqual([
    ['For everybody, too', false],
    ['In our channel', true],
    ['Ours', true],
  ])

  const link = { address: sites.at('docs.example', '/plan'), refresh: 'weekly' }
  const changes = (id: string, team?: string) =>
    [
      ['POST', `${path(team)}/${id}/sources`, link],
      ['POST', `${path(team)}/${id}/refresh`, {}],
      ['DELETE', `${path(team)}/${id}/sources/${id}`, undefined],
      ['DELETE', `${path(team)}/${id}`, undefined],
    ] as const
  const refused = async (client: PageClient, all: ReturnType<typeof changes>, userMessage: string) => {
    for (const [method, at, body] of all) {
      const { status, body: answer } = await client.call(method, at, body)
      expect([status >= 400, answer.error], `${method} ${at}`).toMatchObject([true, { userMessage }])
    }
  }
  await refused(ben, changes(everybodys.id), collectionWording.notYours('For everybody, too'))
  // Of another team, Ben is not told that there is any.
  await refused(ben, changes(secret.id), collectionWording.gone)
  await refused(ben, changes(secret.id, otherTeam), teamWording.missing)
  await refused(ben, changes('00000000-0000-4000-8000-000000000001'), collectionWording.gone)
  for (const [method, body] of [['GET'], ['POST', { name: 'Mine now' }]] as const)
    expect((await ben.call(method, path(otherTeam), body)).status).toBe(404)

  for (const { id } of [made, withPlace]) {
    const { sources } = (await ben.send('POST', `${path()}/${id}/sources`, link)) as unknown as CollectionRow
    expect(sources).toMatchObject([{ kind: 'link', title: link.address }])
    await ben.send('POST', `${path()}/${id}/refresh`, {})
    await ben.send('DELETE', `${path()}/${id}/sources/${sources[0]?.id}`)
    await ben.send('DELETE', `${path()}/${id}`)
  }
  expect((await listed()).map(({ name }) => name)).toEqual(['For everybody, too'])
}, 60_000)

const here = findBrowser() !== null
it.skipIf(!here)(
  here ? 'on the page, a manager adds a file and a site, and removes them' : `on the page (${noBrowser})`,
  async () => {
    await buildPage()
    sites.serve('docs.example', '/guide/', { body: articlePage('Guide', ['The heron flies at noon. '.repeat(8)]) })
    const browser = opened.adopt(await launchBrowser(), (each) => each.close())
    const tab = await browser.newPage({ viewport: { width: 1200, height: 1000 } })
    tab.setDefaultTimeout(30_000)
    const button = (name: string) => tab.getByRole('button', { name, exact: true })
    await tab.goto(`${url}/me/teams/${ownTeam}`)
    await tab.getByLabel(accountWording.field.email).fill('ben@example.com')
    await tab.getByLabel(accountWording.field.password).fill(password)
    await button(accountWording.signIn.submit).click()

    await tab.getByLabel(words.name).fill('Field guide')
    await button(words.submit).click()
    await tab.getByText(words.noSources).waitFor()
    await tab.getByLabel(words.files, { exact: true }).setInputFiles({
      ...{ name: 'birds.txt', mimeType: 'text/plain', buffer: Buffer.from('The osprey dives for fish.') },
    })
    await button(words.upload).click()
    await tab.getByText('birds.txt').waitFor()
    await tab.getByLabel(words.address).fill(sites.at('docs.example', '/guide/'))
    await tab.getByLabel(words.pages).fill('5')
    await button(words.add).click()
    await tab.getByText(`${words.kinds.site} ·`).waitFor()
    await expect
      .poll(async () => (await listed()).find(({ name }) => name === 'Field guide')?.sources, { timeout: 60_000 })
      .toMatchObject([
        { title: 'birds.txt', found: 1, state: 'read' },
        { kind: 'site', found: 1, state: 'read' },
      ])
    await tab.getByText('1 file or page').nth(1).waitFor()
    await button(words.removeSource('birds.txt')).click()
    await tab.getByText('birds.txt').waitFor({ state: 'detached' })

    // What others may be told, too, is shown and cannot be changed here.
    await button(words.toggle(words.edit, 'For everybody, too')).click()
    await tab.getByText(words.othersToo).waitFor()
    expect(await button(words.add).count()).toBe(0)
    await button(words.toggle(words.edit, 'Field guide')).click()
    await button(words.delete).click()
    await button(words.deleteConfirm).click()
    await tab.getByText('Field guide').waitFor({ state: 'detached' })
  },
  120_000,
)
