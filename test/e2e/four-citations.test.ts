/**
 * A question that needs two files of last week, one web page and one PDF link, on Slack, Discord, Teams and the page: its answer has four
 * citations that open, and a fifth, which its source does not support, is not shown.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPage } from '../../adapters/console/page/build.ts'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import { addressOf } from '../../src/core/source.ts'
import { noticeWording } from '../../src/wording/answers.ts'
import { pageWording } from '../../src/wording/page.ts'
import { findBrowser, launchBrowser, noBrowser } from '../browser.ts'
import { startTestDatabase, type TestDatabase, type TestServer } from '../database.ts'
import { makePdf } from '../fixtures/make-pdf.ts'
import { type StandInDiscord, startDiscord } from '../servers/discord.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { type SearchServer, startSearch } from '../servers/search.ts'
import { startSlack } from '../servers/slack.ts'
import { addPeople, finished } from '../servers/slack-rig.ts'
import { bot, shown } from '../servers/slack-state.ts'
import type { SlackStandIn } from '../servers/slack-types.ts'
import { startTeams, type TeamsStandIn } from '../servers/teams.ts'
import { createPeople, thread } from '../servers/teams-people.ts'
import { claimsOf, isFinished, isReply, until } from '../servers/teams-state.ts'
import { articlePage, startWebsites, type Websites } from '../servers/websites.ts'
import { ConsoleClient } from './parley.ts'

const offer = 'The offer for the Zeppelin heat pump: the price is 9,870 euros, and it holds until the end of the year.'
const contract = 'The contract for the Zeppelin heat pump: the delivery time is 46 days after the order was placed.'
const noise = 'The noise of the Zeppelin heat pump is 41 decibels at a distance of one metre.'
const weight = 'The weight of the Zeppelin heat pump is 174 kilograms without its feet.'
const wrong = 'Running it costs 2,340 euros a year'
const lastWeek = () => new Date(Date.now() - 7 * 86_400_000)
const files = { 'offer.txt': offer, 'contract.txt': contract }
let question = ''

let server: TestServer
let database: TestDatabase
let home: string
let search: SearchServer
let sites: Websites
let model: ScriptedOpenAi
let slack: SlackStandIn
let discord: StandInDiscord
let teams: TeamsStandIn
let chats: App
let page: App
const opened = new AsyncDisposableStack()

/** The label that a passage with these words was given under. */
function labelOf(body: unknown, words: string): string {
  const text = JSON.stringify(body)
  return [...text.slice(0, text.indexOf(words)).matchAll(/source=\\"(\d+:[a-z]\d+(?:-\d+)?)\\"/g)].at(-1)?.[1] ?? 'x'
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-four-'))
  opened.defer(() => rm(home, { recursive: true, force: true }))
  server = opened.use(await startTestDatabase())
  search = opened.use(await startSearch('searxng'))
  sites = opened.use(await startWebsites())
  slack = opened.use(await startSlack())
  discord = opened.use(await startDiscord())
  teams = opened.use(await startTeams())
  model = opened.adopt(
    await startScriptedOpenAi({
      script: ({ body }) => {
        if (!questionTextOf(body).includes('compare')) return { tokens: ['Noted.'] }
        const cite = (words: string) => `[${labelOf(body, words)}]`
        const answer = `It costs 9,870 euros ${cite('9,870 euros')}. It comes after 46 days ${cite('46 days')}. It makes 41 decibels ${cite('41 decibels')}. It weighs 174 kilograms ${cite('174 kilograms')}. ${wrong} ${cite('9,870 euros')}.`
        return { tokens: answer.match(/.{1,9}/gs) ?? [] }
      },
    }),
    (each) => each.close(),
  )
  const head =
    '<meta property="og:site_name" content="Pump News"><meta property="article:published_time" content="2026-03-02T08:00:00Z">'
  sites.serve('pumps.example', '/noise', { body: articlePage('How loud are heat pumps?', [noise, noise], head) })
  const sheet = await makePdf((doc) => {
    doc.addPage().text('Title page of the data sheet')
    doc.addPage().text(weight)
  })
  sites.serve('docs.example', '/sheet.pdf', { type: 'application/pdf', body: sheet })
  search.finds({ url: sites.at('pumps.example', '/noise'), title: 'How loud are heat pumps?', snippet: '' })
  question = `Search the web and compare. What is the price in the offer for the Zeppelin heat pump? What is the delivery time in the contract for the Zeppelin heat pump? How many decibels of noise does it make, and how many kilograms does it weigh? ${sites.at('docs.example', '/sheet.pdf')}`

  const yaml = `search: { provider: searxng, url: "${search.url}" }\nteams: { fileHosts: ["${teams.fileHost}"] }\n`
  await writeFile(join(home, 'parley.yaml'), yaml)
  database = await server.createDatabase()
  const common = { PORT: '0', OPENAI_BASE_URL: model.url, LOG_LEVEL: 'silent' }
  const start = async (name: string, url: string, more: Record<string, string> = {}) => {
    const env = { ...common, PARLEY_HOME: join(home, name), DATABASE_URL: url, ...more }
    return opened.use(
      await createApp(readConfig({ env, cwd: home }), {
        log: silentLog,
        egress: sites.egress,
        webLimits: { searchMs: 30_000, pagesMs: 30_000 },
      }),
    )
  }
  chats = await start('chats', (await server.createDatabase()).url, {
    SLACK_BOT_TOKEN: bot.token,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: slack.apiUrl,
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.url,
    ...teams.environment(),
  })
  slack.target = chats.url ?? ''
  teams.target = chats.url ?? ''
  await writeFile(join(home, 'parley.yaml'), yaml.split('\n').slice(0, 1).join('\n'))
  page = await start('page', database.url)
})
afterAll(() => opened.disposeAsync(), 60_000)

const webAddresses = () => [sites.at('pumps.example', '/noise'), `${sites.at('docs.example', '/sheet.pdf')}#page=2`]

it('on Slack', async () => {
  addPeople(slack)
  const channel = 'C0GENERAL1'
  const shared = Object.entries(files).map(([name, text]) =>
    slack.addFile({ name, mimetype: 'text/plain', content: Buffer.from(text) }),
  )
  const ts = `${Math.floor(lastWeek().getTime() / 1_000)}.000100`
  await slack.say({ channel, text: `<@${bot.user}> Keep these`, mention: true, files: shared, ts })
  await slack.until(() => slack.replies(channel, ts).find(finished), 'the first reply on Slack', 60_000)
  const asked = await slack.say({ channel, text: `<@${bot.user}> ${question}`, mention: true })
  const reply = await slack.until(() => slack.replies(channel, asked.ts).find(finished), 'the reply on Slack', 60_000)
  const all = JSON.stringify(reply.blocks)
  for (const [at, address] of [
    ...shared.map(({ id, name }) => `https://acme.slack.com/files/${id}/${name}`),
    ...webAddresses(),
  ].entries())
    expect(all, `source ${at + 1}`).toContain(`<${address}|`)
  expect(all).toMatch(/offer\.txt, line 1, shared by Alice on \d{4}-\d\d-\d\d/)
  expect(all).toContain('How loud are heat pumps?, Pump News, 2026-03-02')
  expect(shown(reply)).toContain(`${wrong}.`)
  expect(all).toContain(noticeWording.unsupportedCitations(1))
})

it('on Discord', async () => {
  const user = discord.world.addUser('Ann')
  const guild = discord.world.addGuild('Team', user)
  const channel = discord.world.addChannel(guild, 'general')
  const ended = (id: string) =>
    discord.said(id).find(({ components }) => /"more:|"regenerate:/.test(JSON.stringify(components ?? [])))
  const first = discord.write({
    author: user,
    channel,
    text: 'Keep these',
    mention: true,
    files: Object.entries(files).map(([name, text]) => ({ name, data: Buffer.from(text), type: 'text/plain' })),
    more: { timestamp: lastWeek().toISOString() },
  })
  await discord.until(() => ended(first.id), 'the first reply on Discord', 60_000)
  const asked = discord.write({ author: user, channel, text: question, mention: true })
  const { content } = await discord.until(() => ended(asked.id), 'the reply on Discord', 60_000)
  const message = `https://discord.com/channels/${guild.id}/${channel.id}/${first.id}`
  expect(content.split(`](<${message}>)`)).toHaveLength(3)
  for (const address of webAddresses()) expect(content).toContain(`](<${address}>)`)
  expect(content).toMatch(/offer\.txt, line 1, shared by Ann on \d{4}-\d\d-\d\d/)
  expect(content).toContain(`${wrong}.`)
})

it('in Teams', async () => {
  const people = createPeople(teams)
  const done = (conversation: string) =>
    until(() => teams.state.messages(conversation).filter(isReply).find(isFinished), 'the reply in Teams', 60_000)
  const before = thread(teams.state.nextId())
  const shared = Object.entries(files).map(([name, text]) => people.addFile(name, Buffer.from(text)))
  await teams.deliver({
    ...people.message(before, 'Keep these', { files: shared }),
    timestamp: lastWeek().toISOString(),
  })
  await done(before.conversation)
  const now = thread(teams.state.nextId())
  await people.say(now, question)
  const reply = await done(now.conversation)
  const claims = claimsOf(reply).map(
    ({ appearance }) => appearance as { name: string; url?: string; keywords?: string[] },
  )
  expect(claims.map(({ url }) => url)).toEqual([
    ...shared.map(({ id, name }) => `https://contoso.sharepoint.com/personal/alice/Documents/${id}/${name}`),
    ...webAddresses(),
  ])
  expect(claims[0]).toMatchObject({
    name: 'offer.txt, line 1',
    keywords: ['Alice', lastWeek().toISOString().slice(0, 10)],
  })
  expect(reply.activity.text).toContain(`${wrong}.`)
})

const here = findBrowser() !== null
it.skipIf(!here)(
  here ? 'on the page, where each opens with its words marked' : `on the page (${noBrowser})`,
  async () => {
    const client = new ConsoleClient(page.url ?? '')
    const uploads = await Promise.all(
      Object.entries(files).map(([name, text]) => client.upload(name, text, 'text/plain')),
    )
    await client.ask('Keep these', uploads)
    const pool = new pg.Pool({ ...database.connection, max: 1 })
    await pool.query(`update share set shared_at = $1`, [lastWeek()])
    await pool.end()

    await buildPage()
    const browser = await launchBrowser()
    try {
      const tab = await browser.newPage({ viewport: { width: 1200, height: 800 } })
      await tab.goto(`${page.url}/t/${randomUUID()}`)
      const input = tab.getByLabel(pageWording.composer.input)
      await input.fill(question)
      await input.press('Enter')
      await tab.locator('.receipt-line').waitFor({ timeout: 60_000 })
      const sources = tab.locator('.sources button')
      expect(await sources.count()).toBe(4)
      for (const [at, words] of ['9,870 euros', '46 days', '41 decibels', '174 kilograms'].entries()) {
        await sources.nth(at).click()
        const panel = tab.getByRole('dialog')
        if (at < 3) await panel.locator('mark', { hasText: words }).first().waitFor()
        else await panel.locator('.page-mark').first().waitFor()
        await tab.keyboard.press('Escape')
      }
      await tab.getByText(noticeWording.unsupportedCitations(1)).first().waitFor()
    } finally {
      await browser.close()
    }
    const { threads } = (await (await client.call('GET', '/console/threads')).json()) as { threads: { id: string }[] }
    const { messages } = await client.thread(threads[0]?.id ?? '')
    const citations = messages.at(-1)?.citations ?? []
    expect(citations.map(({ source }) => source.kind)).toEqual(['memory', 'memory', 'page', 'page'])
    expect(citations.slice(2).map(addressOf)).toEqual(webAddresses())
  },
  240_000,
)
