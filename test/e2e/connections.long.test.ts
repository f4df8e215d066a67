/**
 * One Parley whose platforms break, each in its own way, at the start and while it runs: the others and the page answer all
 * the while, health and doctor say what is wrong, and what is mended comes back without a restart.
 */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { connectionPauses } from '../../src/core/connection.ts'
import { silentLog } from '../../src/core/log.ts'
import { readTerminalToken } from '../../src/store/home.ts'
import { hasEnded, type StandInDiscord, startDiscord } from '../servers/discord.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { startSlack } from '../servers/slack.ts'
import { addPeople, finished } from '../servers/slack-rig.ts'
import { bot, shown } from '../servers/slack-state.ts'
import type { SlackStandIn } from '../servers/slack-types.ts'
import { startTeams, type TeamsStandIn } from '../servers/teams.ts'
import { createPeople, personalChat } from '../servers/teams-people.ts'
import { isFinished, isReply, until } from '../servers/teams-state.ts'
import { ConsoleClient, environment, removeHome, temporaryHome } from './parley.ts'

/** As in life, but sooner. */
const pauses = { firstMs: 20, mostMs: 150, steadyMs: 100, probeEveryMs: 100 }
const answer = 'It does answer.'

let slack: SlackStandIn
let discord: StandInDiscord
let teams: TeamsStandIn
let model: ScriptedOpenAi
let home: string
let parley: App | undefined

beforeEach(async () => {
  ;[slack, discord, teams] = await Promise.all([startSlack(), startDiscord(), startTeams()])
  addPeople(slack)
  model = await startScriptedOpenAi({ script: () => ({ tokens: answer.split(/(?<= )/) }) })
  home = await temporaryHome()
})
afterEach(async () => {
  await parley?.[Symbol.asyncDispose]()
  parley = undefined
  await Promise.all([slack, discord, teams].map((each) => each?.[Symbol.asyncDispose]()))
  await model?.close()
  if (home) await removeHome(home)
})

async function start(): Promise<void> {
  const env = environment(home, {
    SLACK_BOT_TOKEN: bot.token,
    SLACK_APP_TOKEN: bot.appToken,
    SLACK_API_URL: slack.apiUrl,
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.url,
    OPENAI_BASE_URL: model.url,
    ...teams.environment(),
  })
  parley = await createApp(readConfig({ env, cwd: home }), { log: silentLog, pauses })
  teams.target = parley.url ?? ''
}

interface Reported {
  platform: string
  connection: string
  state: string
  since: string
  userMessage?: string
  until?: string
}

const terminal = async () => ({ authorization: `Bearer ${await readTerminalToken(home)}` })

async function health(
  path = '/readyz',
  headers?: Record<string, string>,
): Promise<{ status: number; connections: Reported[] }> {
  const response = await fetch(new URL(path, parley?.url ?? ''), { headers: headers ?? (await terminal()) })
  return { status: response.status, connections: ((await response.json()) as { connections: Reported[] }).connections }
}

/** Resolves once the connections whose names are given, and no others, are broken. */
async function broken(...names: string[]): Promise<Reported[]> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const { connections } = await health()
    const away = connections.filter(({ state }) => state !== 'connected')
    const found = away.map(({ platform, connection }) => `${platform} ${connection}`).sort()
    if (JSON.stringify(found) === JSON.stringify([...names].sort())) return away
    if (Date.now() > deadline) throw new Error(`broken are ${found.join(', ')}, not ${names.join(', ')}`)
  }
}

async function onThePage(): Promise<void> {
  expect((await new ConsoleClient(parley?.url ?? '', await terminal()).ask('Does it?')).text).toBe(answer)
}

async function onSlack(): Promise<void> {
  const channel = 'C0GENERAL1'
  const { ts } = await slack.say({ channel, text: `<@${bot.user}> Does it?`, mention: true })
  const reply = await slack.until(() => slack.replies(channel, ts).find(finished), 'the reply on Slack', 60_000)
  expect(shown(reply)).toBe(answer)
}

async function onDiscord(): Promise<void> {
  const user = discord.world.addUser(`Ann ${randomUUID().slice(0, 4)}`)
  const channel = discord.world.directChat(user.id)
  discord.write({ author: user, channel, text: 'Does it?' })
  const done = () => discord.said(channel.id).find(hasEnded)
  expect((await discord.until(done, 'the reply on Discord', 60_000)).content).toContain(answer)
}

async function onTeams(): Promise<void> {
  const before = teams.state.messages(personalChat).filter(isReply).length
  const { status } = await createPeople(teams).say({ conversation: personalChat }, 'Does it?')
  expect(status).toBe(200)
  const find = () => teams.state.messages(personalChat).filter(isReply).slice(before).find(isFinished)
  expect((await until(find, 'the reply in Teams', 60_000)).activity.text).toBe(answer)
}

const slackNames = ['slack bot token', 'slack Socket Mode']
const teamsNames = ['teams login', 'teams signing keys']

it('starts with three broken platforms and answers on the page; each returns without a restart once it is fixed', async () => {
  discord.revoke()
  slack.options.without = { 'auth.test': 'invalid_auth', 'apps.connections.open': 'invalid_auth' }
  teams.away.login = teams.away.keys = true
  await start()
  const away = await broken(...slackNames, ...teamsNames, 'discord gateway')
  expect((await health()).status).toBe(200)
  // Callers other than the terminal see which connection is broken, and nothing else.
  const { connections: seen } = await health('/healthz', {})
  expect(seen).toHaveLength(5)
  for (const each of seen) expect(Object.keys(each).sort()).toEqual(['connection', 'platform', 'since', 'state'])
  for (const { state, userMessage, until: next, since } of away) {
    expect(state).toBe('waiting')
    expect(userMessage).toMatch(/\.$/)
    expect(Date.parse(next ?? '')).toBeGreaterThanOrEqual(Date.parse(since))
  }
  const doctor = await parley?.doctor()
  expect(doctor?.find(({ name }) => name === 'discord gateway')).toMatchObject({
    ok: false,
    userMessage: expect.stringMatching(/not connected since .*DISCORD_TOKEN.*tries again at/),
  })
  expect(doctor?.find(({ name }) => name === 'slack Socket Mode')?.userMessage).toContain('SLACK_APP_TOKEN')
  // Unreachable keys do not make a token wrong: Teams must deliver the event again.
  expect((await createPeople(teams).say({ conversation: personalChat }, 'Too early')).status).toBe(503)
  await onThePage()

  discord.restore()
  await broken(...slackNames, ...teamsNames)
  await onDiscord()
  teams.away.login = teams.away.keys = false
  await broken(...slackNames)
  await onTeams()
  slack.options.without = { 'apps.connections.open': 'invalid_auth' }
  await broken('slack Socket Mode')
  slack.options.without = {}
  await broken()
  await onSlack()
  expect((await parley?.doctor())?.filter(({ ok }) => !ok)).toEqual([])
}, 120_000)

it('a platform that breaks later does not affect the others, and returns once it is fixed', async () => {
  await start()
  await broken()

  await discord.until(() => discord.gateway.connected() > 0, 'a connection')
  discord.state.flags = 0
  discord.gateway.closeAll(4014)
  await broken('discord gateway')
  await Promise.all([onSlack(), onTeams(), onThePage()])
  discord.state.flags = 1 << 18
  await broken()
  await onDiscord()

  slack.options.without = { 'auth.test': 'account_inactive', 'apps.connections.open': 'account_inactive' }
  slack.disconnect()
  await broken(...slackNames)
  await Promise.all([onDiscord(), onTeams(), onThePage()])
  slack.options.without = {}
  await broken()
  await onSlack()

  teams.away.login = teams.away.keys = true
  await broken('teams signing keys')
  await Promise.all([onDiscord(), onSlack(), onThePage()])
  teams.away.login = teams.away.keys = false
  await broken()
  await onTeams()
}, 120_000)

it('Slack gets a new connection when it asks for one, and a refused socket is retried until it opens', async () => {
  await start()
  await broken()
  const opened = () => slack.calls.filter(({ method }) => method === 'apps.connections.open').length
  const before = opened()
  slack.disconnect('refresh_requested')
  await slack.until(() => opened() > before && slack.sockets() === 1, 'another connection')
  await onSlack()
  slack.refuse(true)
  slack.disconnect()
  await broken('slack Socket Mode')
  slack.refuse(false)
  await broken()
  await onSlack()
}, 60_000)

it('a fixed connection is back within a minute, however long it was broken', () => {
  const { mostMs, openMs, probeEveryMs } = connectionPauses
  // The worst case: an attempt that hangs, the longest pause, then an attempt that succeeds.
  expect(openMs + mostMs + 10_000).toBeLessThanOrEqual(60_000)
  expect(probeEveryMs).toBeLessThanOrEqual(60_000)
})
