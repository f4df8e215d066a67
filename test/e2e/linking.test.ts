/** One person on the page, in Slack, in Discord and in Teams: their accounts are linked, and one budget pays for all of them. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAction } from '../../src/core/command.ts'
import { type NanoUsd, usd } from '../../src/core/money.ts'
import type { IdentityKey } from '../../src/core/person.ts'
import { scopeOf } from '../../src/core/scope.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { linkWording } from '../../src/wording/linking.ts'
import { openTestAccounts, goodPassword as password } from '../accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { paidAnswer, paidSettings } from '../fixtures/paid-answers.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { addPeople, finished, alice as slackAlice } from '../servers/slack-rig.ts'
import { bot, buttonsOf, shown } from '../servers/slack-state.ts'
import { tenant } from '../servers/teams.ts'
import { createPeople, personalChat, alice as teamsAlice, thread } from '../servers/teams-people.ts'
import { actionsOf, isFinished, isReply, until } from '../servers/teams-state.ts'
import { type AllChats, startAllChats } from './all-chats.ts'
import { createPageClient, type PageClient } from './page-client.ts'

interface Chat {
  /** Of Alice, as the page lists it. */
  account: IdentityKey
  /** Alice types `/parley link` in a channel. */
  explain(): Promise<{ text: string; alone: boolean }>
  /** Bob types this in the same channel. What he is told. */
  typedByBob(text: string): Promise<string>
  /** Alice types this in a direct message. What she is told, and the button below. */
  type(text: string): Promise<{ text: string; press(): Promise<unknown> }>
  /** The last that Alice read in her direct messages. */
  lastRead(): string
  /** Somebody asks; resolves when it is answered. */
  ask(who: 'Alice' | 'Bob', text: string): Promise<unknown>
}

const publicUrl = 'https://parley.example.com'
let server: TestServer
let accounts: ReturnType<typeof openTestAccounts>
let all: AllChats
let ada: PageClient
let adaId: string
const chats: Record<string, Chat> = {}
/** What the model's bills sum up to, by who asked. */
const billed: Record<'Ada' | 'Bob', NanoUsd> = { Ada: 0n, Bob: 0n }

beforeAll(async () => {
  server = await startTestDatabase()
  const database = await server.createDatabase()
  accounts = openTestAccounts(database)
  adaId = await accounts.setUp()
  all = await startAllChats(
    ({ body }, index) => {
      const { cost, answer } = paidAnswer(index)
      billed[questionTextOf(body).includes('Bob') ? 'Bob' : 'Ada'] += cost
      return answer
    },
    { settings: paidSettings, env: { DATABASE_URL: database.url, PUBLIC_URL: publicUrl, OPENAI_API_KEY: 'sk-test' } },
  )
  ada = createPageClient(all.parley.url)
  await ada.send('POST', '/console/sign-in', { email: 'ada@example.com', password })
  Object.assign(chats, { Slack: onSlack(all), Discord: onDiscord(all), Teams: onTeams(all) })
})
afterAll(async () => {
  await all?.[Symbol.asyncDispose]()
  await accounts?.[Symbol.asyncDispose]()
  await server?.dispose()
})

const codeForm = /\b[B-DF-HJ-NP-TV-Z2-9]{4}-[B-DF-HJ-NP-TV-Z2-9]{4}\b/
const newCode = async () => String((await ada.send('POST', '/console/me/link-code')).code)
const state = () => ada.get('/console/me/link-code')
const identities = async () => (await ada.get('/console/me/identities')).identities as IdentityKey[]

describe.each(['Slack', 'Discord', 'Teams'])('on %s', { timeout: 120_000 }, (name) => {
  const chat = () => {
    const found = chats[name]
    if (found === undefined) throw new Error(`no chat on ${name}`)
    return found
  }

  it('`/parley link` answers the asker alone, and its answer is no secret', async () => {
    const { text, alone } = await chat().explain()
    expect(alone).toBe(true)
    expect(text).toContain(`${publicUrl}/link`)
    expect(text).not.toMatch(codeForm)
    expect(await state()).toEqual({ state: 'none' })
  })

  it('another person in the channel who types the code gets nothing, and the code ends', async () => {
    const code = await newCode()
    expect(code).toMatch(codeForm)
    expect(await chat().typedByBob(`link ${code}`)).toContain('Codes are for direct messages only')
    expect(await state()).toEqual({ state: 'none' })
    expect((await chat().type(`link ${code}`)).text).toContain(linkWording.unknownCode)
    expect((await ada.call('POST', '/console/me/link-code/confirm')).status).toBe(400)
  })

  it('the asker types the code in a direct message, agrees there, and confirms on the page', async () => {
    const before = await identities()
    const code = await newCode()
    const asked = await chat().type(`link ${code}`)
    expect(asked.text).toContain('Ada Lovelace')
    expect(await state()).toMatchObject({ state: 'typed', account: chat().account })
    // Neither the code nor one side is enough.
    expect((await ada.call('POST', '/console/me/link-code/confirm')).status).toBe(400)
    await asked.press()
    await expect.poll(state).toMatchObject({ state: 'agreed', account: chat().account })
    expect(await identities()).toEqual(before)
    await ada.send('POST', '/console/me/link-code/confirm')
    expect(await identities()).toMatchObject([...before, chat().account])
    await expect.poll(chat().lastRead).toContain('now linked to')
    const { text } = await chat().explain()
    expect(text).toContain('Ada Lovelace')
  })
})

it('one budget pays for what a person asks on the page and in all their chats, to the nano-dollar', async () => {
  const budgets = createBudgets(accounts.database)
  const scope = scopeOf.person(adaId)
  await budgets.set({ scope, period: 'month', amount: usd('5'), timeZone: 'UTC' }, 'test')
  await askOnPage('Asked on the page?')
  for (const chat of Object.values(chats)) {
    await chat.ask('Alice', 'How long is the notice period?')
    await chat.ask('Bob', 'Bob asks how long it is.')
  }
  const [own] = await budgets.list([scope])
  expect(own).toMatchObject({ spent: billed.Ada, reserved: 0n })
  expect(billed.Ada).toBeGreaterThan(0n)
  const { rows } = await accounts.database.pool.query<{ cost: string }>('select cost from ledger')
  expect(rows).toHaveLength(7)
  expect(rows.reduce((sum, { cost }) => sum + BigInt(cost), 0n)).toBe(billed.Ada + billed.Bob)
})

async function askOnPage(text: string): Promise<void> {
  const threadId = randomUUID()
  await ada.send('POST', `/console/threads/${threadId}/messages`, { id: randomUUID(), text, uploads: [] })
  await expect.poll(async () => JSON.stringify(await ada.get(`/console/threads/${threadId}`))).toContain('"receipt":{')
}

function onSlack({ slack }: AllChats): Chat {
  addPeople(slack)
  const bob = 'U0BOB00001'
  slack.state.users.set(bob, { id: bob, name: 'Bob', team: 'T0PARLEY01', more: {} })
  const [channel, direct] = ['C0GENERAL1', 'D0ALICE001']
  const inDirect = () => slack.state.messages.filter((each) => each.channel === direct && each.bot_id === bot.id)
  const person = { user_id: slackAlice, user_name: 'alice', channel_id: channel, channel_name: 'general' }
  return {
    account: { provider: 'slack', issuer: 'T0PARLEY01', subject: slackAlice },
    async explain() {
      const { body } = await slack.form({ command: '/parley', text: 'link', ...person })
      return { text: body, alone: JSON.parse(body).response_type === 'ephemeral' }
    },
    async typedByBob(text) {
      const from = slack.state.messages.length
      await slack.say({ channel, user: bob, text: `<@${bot.user}> ${text}`, mention: true })
      const whispered = () => slack.state.messages.slice(from).find(({ only }) => only === bob)
      return shown(await slack.until(whispered, 'a word to Bob alone'))
    },
    async type(text) {
      const from = inDirect().length
      await slack.say({ channel: direct, text })
      const message = await slack.until(() => inDirect()[from], 'an answer on Slack')
      const [value] = buttonsOf(message)
      const press = () =>
        slack.interact({
          type: 'block_actions',
          user: { id: slackAlice, name: 'alice' },
          channel: { id: direct, name: 'directmessage' },
          container: { type: 'message', message_ts: message.ts, channel_id: direct },
          message: { ts: message.ts, thread_ts: message.thread_ts, blocks: message.blocks },
          actions: [{ type: 'button', action_id: 'parley:command', block_id: 'b', value }],
        })
      return { text: shown(message), press }
    },
    lastRead: () => inDirect().map(shown).at(-1) ?? '',
    async ask(who, text) {
      const user = who === 'Alice' ? slackAlice : bob
      const { ts } = await slack.say({ channel, user, text: `<@${bot.user}> ${text}`, mention: true })
      return await slack.until(() => slack.replies(channel, ts).find(finished), 'the reply on Slack', 60_000)
    },
  }
}

function onDiscord({ discord }: AllChats): Chat {
  const [alice, bob] = [discord.world.addUser('Alice'), discord.world.addUser('Bob')]
  const general = discord.world.addChannel(discord.world.addGuild('Team', discord.world.addUser('Olga')), 'general')
  const direct = discord.world.directChat(alice.id)
  const command = async (user: typeof alice, code: string | undefined) => {
    const options = code === undefined ? [] : [{ type: 3, name: 'code', value: code }]
    const data = { type: 1, name: 'parley', options: [{ type: 1, name: 'link', options }] }
    const use = discord.use({ user, channel: general, type: 2, data })
    const answer = await discord.until(() => use.acknowledged, 'an answer on Discord')
    return { text: answer.data?.content ?? '', alone: use.ephemeral }
  }
  return {
    account: { provider: 'discord', issuer: 'discord', subject: alice.id },
    explain: async () => {
      const { text, alone } = await command(alice, undefined)
      return { text: String(text), alone }
    },
    typedByBob: async (text) => String((await command(bob, text.replace('link ', ''))).text),
    async type(text) {
      const from = discord.said(direct.id).length
      discord.write({ author: alice, channel: direct, text })
      const message = await discord.until(() => discord.said(direct.id)[from], 'an answer on Discord')
      const id = /"custom_id":"((?:[^"\\]|\\.)*)"/.exec(JSON.stringify(message.components ?? []))?.[1] ?? ''
      const data = { component_type: 2, custom_id: JSON.parse(`"${id}"`) as string }
      return {
        text: message.content,
        press: async () => discord.use({ user: alice, channel: direct, type: 3, data, message }),
      }
    },
    lastRead: () => discord.said(direct.id).at(-1)?.content ?? '',
    async ask(who, text) {
      const author = who === 'Alice' ? alice : bob
      const { id } = discord.write({ author, channel: general, text, mention: true })
      const ended = () =>
        discord.said(id).some(({ components }) => /"more:|"regenerate:/.test(JSON.stringify(components ?? [])))
      return await discord.until(ended, 'the reply on Discord', 60_000)
    },
  }
}

function onTeams({ teams }: AllChats): Chat {
  const people = createPeople(teams)
  const bob = { id: '29:1bob-of-the-directory', name: 'Bob', aadObjectId: 'bbbbbbbb-0000-4000-8000-000000000002' }
  teams.people.set(bob.id, bob)
  const place = thread('1767000000055')
  const notices = (conversation: string) => teams.state.messages(conversation).filter((each) => !isReply(each))
  const told = async (conversation: string, say: () => Promise<unknown>) => {
    const from = notices(conversation).length
    await say()
    return await until(() => notices(conversation)[from], 'an answer in Teams')
  }
  const inDirect = { conversation: personalChat }
  return {
    account: { provider: 'teams', issuer: tenant, subject: teamsAlice.aadObjectId ?? '' },
    async explain() {
      const { activity, only } = await told(place.conversation, () => people.say(place, '/parley link'))
      return { text: activity.text ?? '', alone: only === teamsAlice.id }
    },
    async typedByBob(text) {
      const { activity, only } = await told(place.conversation, () => people.say(place, text, { from: bob }))
      expect(only).toBe(bob.id)
      return activity.text ?? ''
    },
    async type(text) {
      const message = await told(personalChat, () => people.say(inDirect, text))
      const { activity } = message
      const press = () => {
        const action = decodeAction(actionsOf(message)[0] ?? '')
        if (action === undefined) throw new Error('no button in Teams')
        return people.press(inDirect, message.id, action)
      }
      return { text: activity.text ?? JSON.stringify(activity.attachments), press }
    },
    lastRead: () => JSON.stringify(notices(personalChat).at(-1)?.activity ?? ''),
    async ask(who, text) {
      const root = teams.state.nextId()
      const { conversation } = thread(root)
      const from = who === 'Alice' ? teamsAlice : bob
      await people.say(thread(root), text, { id: root, from })
      const answered = () => teams.state.messages(conversation).filter(isReply).find(isFinished)
      return await until(answered, 'the reply in Teams', 60_000)
    },
  }
}
