/** One Parley on Slack, Discord, Teams and its own page at once: the same question about the same file gets the same cited answer everywhere. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeManual } from '../fixtures/make-pdf.ts'
import { hasEnded } from '../servers/discord.ts'
import { addPeople, finished } from '../servers/slack-rig.ts'
import { bot, shown } from '../servers/slack-state.ts'
import { createPeople, personalChat } from '../servers/teams-people.ts'
import { claimsOf, isFinished, isReply, until } from '../servers/teams-state.ts'
import { type AllChats, startAllChats } from './all-chats.ts'
import { ConsoleClient } from './parley.ts'

const fact = 'The emergency shut-off valve of the Zephyr compressor must be replaced every 4,250 operating hours.'
const question = 'How often must the shut-off valve of the Zephyr compressor be replaced?'
const answer = 'Every 4,250 operating hours [1].'

let all: AllChats
let slack: AllChats['slack']
let discord: AllChats['discord']
let teams: AllChats['teams']
let model: AllChats['model']
let parley: AllChats['parley']
let manual: Buffer

beforeAll(async () => {
  manual = await makeManual({ pages: 20, facts: { 13: fact } })
  // Answers from the passages that it was given, or not at all.
  all = await startAllChats(({ body }) => {
    const given = JSON.stringify(body)
    const label = [...given.slice(0, given.indexOf('4,250')).matchAll(/\d+:p\d+/g)].at(-1)?.[0]
    return {
      tokens: label ? ['Every ', '4,250 ', 'operating hours ', `[${label}].`] : ['I do not know.'],
      everyMs: 20,
    }
  })
  ;({ slack, discord, teams, model, parley } = all)
})
afterAll(() => all?.[Symbol.asyncDispose]())

async function onSlack(): Promise<void> {
  addPeople(slack)
  const channel = 'C0GENERAL1'
  const file = slack.addFile({ name: 'manual.pdf', mimetype: 'application/pdf', content: manual })
  const { ts } = await slack.say({ channel, text: `<@${bot.user}> ${question}`, mention: true, files: [file] })
  const reply = await slack.until(() => slack.replies(channel, ts).find(finished), 'the reply on Slack', 60_000)
  expect(shown(reply).replace(/\[(\[\d\])\]\(https:[^)]*manual\.pdf\)/, '$1')).toBe(answer)
  expect(JSON.stringify(reply.blocks)).toContain('manual.pdf, p. 13')
}

async function onDiscord(): Promise<void> {
  const user = discord.world.addUser('Ann')
  const channel = discord.world.addChannel(discord.world.addGuild('Team', user), 'general')
  const pdf = discord.attach(channel, 'manual.pdf', manual, 'application/pdf')
  const options = [
    { type: 3, name: 'text', value: question },
    { type: 11, name: 'file', value: pdf.id },
  ]
  const data = { type: 1, name: 'ask', options, resolved: { attachments: { [pdf.id]: pdf } } }
  const use = discord.use({ user, channel, type: 2, data })
  const reply = await discord.until(
    () => (hasEnded(use.original) ? use.original : null),
    'the reply on Discord',
    240_000,
  )
  expect(reply?.content).toContain('4,250 operating hours')
  expect(reply?.content).toMatch(/-# .*manual\.pdf.*p\. 13/)
}

async function onTeams(): Promise<void> {
  const people = createPeople(teams)
  const place = { conversation: personalChat }
  await people.say(place, question, { files: [people.addFile('manual.pdf', manual)] })
  const reply = await until(
    () => teams.state.messages(personalChat).filter(isReply).find(isFinished),
    'the reply in Teams',
    240_000,
  )
  expect(reply.activity.text).toBe(answer)
  expect(reply.stream?.state).toBe('final')
  const [claim] = claimsOf(reply)
  expect(claim).toMatchObject({ position: 1, appearance: { name: 'manual.pdf, p. 13' } })
  expect(claim?.appearance.abstract).toContain('4,250')
  expect(teams.state.broken).toEqual([])
}

async function onThePage(): Promise<void> {
  const client = new ConsoleClient(parley.url, parley.headers)
  const threadId = randomUUID()
  const { turnId } = await client.send(threadId, question, [
    await client.upload('manual.pdf', manual, 'application/pdf'),
  ])
  const reply = await client.reply(threadId, turnId, 60_000)
  expect(reply.text).toBe(answer)
  expect(reply.citations).toMatchObject([{ n: 1, source: { title: 'manual.pdf' }, at: { kind: 'page', page: 13 } }])
}

it('the same question about the same PDF gets the same cited answer on all four platforms', async () => {
  await Promise.all([onSlack(), onDiscord(), onTeams(), onThePage()])
  expect(model.requests).toHaveLength(4)
})
