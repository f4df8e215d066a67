/** Recordings in the shape of vercel/chat's files: the bot's user is beside the events, or in `metadata`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { replayFolder } from '../../src/cli/replay.ts'
import { slackWording } from '../../src/wording/slack.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-replay-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const metadata = {
  botName: 'Chat SDK Demo',
  botUserId: 'U0RECORDED1',
  channelId: 'C0RECORDED1',
  threadTs: '1767.000100',
}
const place = `slack/T0RECORDED1/${metadata.channelId}`

function event(type: string, ts: string, more: object = {}) {
  const said = { type, user: 'U0TESTER001', ts, event_ts: ts, team: 'T0RECORDED1', channel: metadata.channelId }
  return {
    token: 't',
    team_id: 'T0RECORDED1',
    api_app_id: 'A0RECORDED1',
    type: 'event_callback',
    event_id: `Ev${ts}`,
    event_time: 1767,
    // As a recording of another installation would have it.
    authorizations: [{ enterprise_id: null, team_id: 'T0RECORDED1', user_id: 'U0OTHER0001', is_bot: true }],
    event: { ...said, text: `<@${metadata.botUserId}> Hey`, channel_type: 'channel', ...more },
  }
}

async function replayed(file: object): Promise<string[]> {
  await writeFile(join(folder, 'slack.json'), JSON.stringify(file))
  const lines: string[] = []
  await replayFolder({ platform: 'slack', folder, json: false, print: (line) => lines.push(line) })
  return lines
}

it('the user of `metadata.botUserId` is mentioned, and its own words are ignored', async () => {
  const lines = await replayed({
    metadata,
    mention: event('app_mention', '1767.000100'),
    other: event('message', '1767.000200', { text: '<@U0OTHER0001> Hey' }),
    own: event('message', '1767.000300', { user: metadata.botUserId, bot_id: 'B0RECORDED1', text: 'Hello' }),
    followUp: event('message', '1767.000400', { thread_ts: '1767.000100', text: 'And then?' }),
    deleted: event('message', '1767.000500', {
      subtype: 'message_deleted',
      deleted_ts: '1767.000100',
      text: undefined,
    }),
  })
  expect(lines).toEqual([
    `message   slack.json#mention  mention by U0TESTER001 in ${place}/1767.000100: "Hey"`,
    `ignored   slack.json#other  ${slackWording.ignored.notAddressed}`,
    `ignored   slack.json#own  ${slackWording.ignored.byBot}`,
    `message   slack.json#followUp  thread by U0TESTER001 in ${place}/1767.000100: "And then?"`,
    `withdrawal slack.json#deleted  of ${metadata.channelId}-1767.000100`,
    '2 message, 2 ignored, 1 withdrawal',
  ])
})

it('values beside the events win over those in `metadata`; without either, the authorization says who the bot is', async () => {
  const mention = event('message', '1767.000100')
  expect((await replayed({ botUserId: 'U0THIRD0001', metadata, mention }))[0]).toMatch(/^ignored/)
  const authorized = event('message', '1767.000100', { text: '<@U0OTHER0001> Hey' })
  expect((await replayed({ mention: authorized }))[0]).toMatch(/^message .* "Hey"$/)
})
