/** Files that were posted for others: as they come, pinned ones, and those of the last days. */
import { beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { bob, general, openSlackInbound, type SlackInbound } from '../../test/servers/slack-inbound.ts'
import { settingsFor } from '../../test/servers/slack-rig.ts'
import { bot, team } from '../../test/servers/slack-state.ts'
import { createSlack } from './platform.ts'

let rig: SlackInbound
let slack: SlackInbound['slack']
let posted: SlackInbound['posted']

beforeEach(async () => {
  rig = await openSlackInbound()
  ;({ slack, posted } = rig)
  return () => rig.close()
})

describe('a file in a channel', () => {
  const share = (text: string, more: object = {}) =>
    slack.say({ channel: general, user: bob, text, files: [rig.markdown('plan.md')], ...more })

  it('is told with its author, its message and its time', async () => {
    const { ts } = await share('The new plan')
    expect(posted).toMatchObject([
      {
        channel: general,
        messageId: `${general}-${ts}`,
        account: bob,
        by: 'Bob',
        at: new Date(Number(ts) * 1000).toISOString(),
        attachment: { name: 'plan.md', mediaType: 'text/markdown', id: expect.stringContaining(`${team}-F`) },
      },
    ])
    expect(rig.received).toEqual([])
  })

  it('is told in a thread, too, and when people talk to each other there', async () => {
    await share(`<@U0ALICE001> look`, { thread: '1795000000.000100' })
    expect(rig.asked).toHaveLength(1)
    expect(posted).toHaveLength(1)
  })

  it('is told when an app posts it', async () => {
    await share('Your weekly report', {
      user: 'U0ROBOT001',
      more: { bot_id: 'B0ROBOT001', bot_profile: { name: 'Reports' } },
    })
    expect(posted).toMatchObject([{ by: 'Reports' }])
  })

  it.each<[string, object]>([
    ['a question to Parley', { text: `<@${bot.user}> What is in it?`, mention: true }],
    ['a follow-up in its thread', { thread: '1795000000.000100', text: 'and this one?' }],
    ['a direct message', { channel: 'D0BOB00001' }],
    ['an answer of Parley', { user: bot.user, more: { bot_id: bot.id } }],
  ])('is not told of %s', async (_, more) => {
    await share('See above', more)
    expect(posted).toEqual([])
  })

  it('costs Slack nothing where files are not read, and is looked up where they are', async () => {
    const stub = { id: rig.markdown('plan.md').id, mode: 'file_access', file_access: 'check_file_info' }
    const event = { type: 'message', channel_type: 'channel', channel: general, user: bob, text: 'The plan' }
    const post = () => slack.event({ ...event, ts: slack.state.nextTs(), files: [stub] })
    rig.own.filesPosted = async () => {}
    await slack.say({ channel: general, user: bob, text: 'Parley has heard of this workspace' })
    const before = slack.calls.length
    await post()
    expect(slack.calls.slice(before)).toEqual([])
    rig.own.filesPosted = undefined
    await post()
    expect(posted).toMatchObject([{ by: 'Bob', attachment: { name: 'plan.md' } }])
    expect(slack.calls.slice(before).map(({ method }) => method)).toEqual(['files.info', 'users.info'])
  })

  it('is not told where somebody only forwards it', async () => {
    const attachments = [{ is_share: true, text: 'see', files: [slack.fileRecord(rig.markdown('secret.md'))] }]
    await slack.say({ channel: general, user: bob, text: 'fyi', more: { attachments } })
    expect(posted).toEqual([])
  })
})

describe('files of a place', () => {
  const place = { platform: 'slack', workspaceId: team, channelId: general }
  const options = (limit: number) => ({ limit, signal: AbortSignal.timeout(10_000) })
  function files() {
    const deps = { records: rig.records, quota: createLocalQuota(), log: silentLog }
    const { placeFiles } = createSlack({ settings: settingsFor(slack, 'http'), ...deps })
    if (placeFiles === undefined) throw new Error('Slack has files of places')
    return placeFiles
  }
  const names = (found: { attachment: { name: string } }[]) => found.map(({ attachment }) => attachment.name)
  const say = async (name: string, more: object = {}) =>
    (await slack.say({ channel: general, user: bob, text: name, files: [rig.markdown(name)], ...more })).ts

  it('pinned ones come newest first, as many as wanted, without those of Parley', async () => {
    const pins = [await say('one.md'), await say('two.md'), await say('three.md', { user: bot.user })]
    slack.state.channels.set(general, { name: 'general', pins: [...pins, rig.said('a pinned word')] })
    const found = await files().pinned(place, options(10))
    expect(found).toMatchObject([
      { messageId: `${general}-${pins[1]}`, by: 'Bob', attachment: { name: 'two.md' } },
      { messageId: `${general}-${pins[0]}` },
    ])
    expect(names(await files().pinned(place, options(1)))).toEqual(['two.md'])
  })

  it('recent ones come newest first, also from threads, and not from other channels', async () => {
    const first = await say('one.md')
    await say('elsewhere.md', { channel: 'C0OTHER001' })
    const second = await say('two.md', { thread: first })
    await say('three.md', { user: bot.user })
    const found = await files().recent(place, options(10))
    expect(found).toMatchObject([
      { messageId: `${general}-${second}`, by: 'Bob', attachment: { name: 'two.md' } },
      { messageId: `${general}-${first}` },
    ])
    expect(names(await files().recent(place, options(1)))).toEqual(['two.md'])
  })

  it('recent ones of a long list come in pages', async () => {
    for (let at = 0; at < 130; at += 1) {
      const file = rig.markdown(`${at}.md`)
      file.user = bob
      file.shares.push({ channel: general, ts: slack.state.nextTs() })
    }
    const found = await files().recent(place, options(120))
    expect([found.length, names(found)[0], names(found).at(-1)]).toEqual([120, '129.md', '10.md'])
    expect(rig.callsOf('files.list')).toHaveLength(2)
  })

  it('are an error where Parley lacks the scope', async () => {
    slack.options.without = { 'pins.list': 'missing_scope' }
    await expect(files().pinned(place, options(5))).rejects.toMatchObject({ code: 'platform_rejected' })
  })
})
