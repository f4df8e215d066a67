/** Files that were shared in a Slack channel before: who finds them again, by a real Parley on a simulated Slack. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePdf } from '../fixtures/make-pdf.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { startSlack } from '../servers/slack.ts'
import { addPeople, alice, finished } from '../servers/slack-rig.ts'
import { bot, type StandInMessage, shown, team } from '../servers/slack-state.ts'
import type { SlackStandIn } from '../servers/slack-types.ts'
import { type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

const [bob, carol] = ['U0BOB00001', 'U0CAROL001']
const heron = 'C0HERON001'
const secret = 'The Heron release is on the third of May.'

let slack: SlackStandIn
let model: ScriptedOpenAi
let home: string
let parley: ParleyProcess

beforeAll(async () => {
  slack = await startSlack()
  addPeople(slack)
  for (const [id, name] of [
    [bob, 'Bob'],
    [carol, 'Carol'],
  ] as const)
    slack.state.users.set(id, { id, name, team, more: {} })
  slack.state.channels.set(heron, { name: 'heron', private: true, members: [alice, bob, bot.user] })
  model = await startScriptedOpenAi({
    script: ({ body }) => ({
      tokens: JSON.stringify(body).includes(secret) ? ['On the third of May ', '[1:p1].'] : ['Nobody told me.'],
    }),
  })
  home = await temporaryHome()
  parley = await startParley(home, {
    SLACK_BOT_TOKEN: bot.token,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: slack.apiUrl,
    OPENAI_BASE_URL: model.url,
  })
  slack.target = parley.url
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await slack?.[Symbol.asyncDispose]()
  await model?.close()
  if (home) await removeHome(home)
})

async function answered(channel: string, ts: string): Promise<StandInMessage> {
  return await slack.until(() => slack.replies(channel, ts).find(finished), 'a finished reply')
}
async function askAlone(user: string): Promise<StandInMessage> {
  const channel = `D${user.slice(1)}`
  const { ts } = await slack.say({ channel, user, text: 'When is the Heron release?' })
  return await answered(channel, ts)
}

it('a file of last week in a private channel is found in a direct message by its members only, and by nobody who left', async () => {
  const content = await makePdf((doc) => void doc.addPage().text(secret))
  const file = slack.addFile({ name: 'plan.pdf', mimetype: 'application/pdf', content })
  const lastWeek = `${Math.floor(Date.now() / 1000) - 7 * 86_400}.000100`
  const asked = { channel: heron, user: bob, text: `<@${bot.user}> Here is the plan`, mention: true, files: [file] }
  await slack.say({ ...asked, ts: lastWeek })
  await answered(heron, lastWeek)

  const found = await askAlone(alice)
  const link = `https://acme.slack.com/files/${file.id}/plan.pdf`
  expect(shown(found)).toBe(`On the third of May [[1]](${link}).`)
  expect(JSON.stringify(found.blocks)).toContain(`<${link}|plan.pdf, p. 1, shared by Bob`)
  expect(shown(await askAlone(carol))).toBe('Nobody told me.')

  slack.state.channels.set(heron, { name: 'heron', private: true, members: [bob, bot.user] })
  const left = { type: 'member_left_channel', user: alice, channel: heron, channel_type: 'G', team }
  expect((await slack.event({ ...left, event_ts: slack.state.nextTs() })).status).toBe(200)
  expect(shown(await askAlone(alice))).toBe('Nobody told me.')
  expect(shown(await askAlone(bob))).toContain('On the third of May')
})
