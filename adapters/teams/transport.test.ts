/** Writing to Teams: streams and their handover, rate limits that all workers share, refusals, private notices. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Platform } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { citation } from '../../test/fakes/source.ts'
import { localBlobs } from '../../test/fixtures/blobs.ts'
import { alice, groupChat, personalChat } from '../../test/servers/teams-people.ts'
import { openTeamsRig, settingsFor, type TeamsRig } from '../../test/servers/teams-rig.ts'
import { actionsOf, claimsOf, type Shown } from '../../test/servers/teams-state.ts'
import { createTeams, type TeamsDeps } from './platform.ts'

const turnId = '0f0f0f0f-0000-4000-8000-000000000001'
const signal = new AbortController().signal
const key = `${turnId}-0`

let rig: TeamsRig
let records: Records
let quota: ReturnType<typeof createLocalQuota>
let stopped: string[]

beforeEach(async () => {
  records = memoryRecords()
  quota = createLocalQuota()
  stopped = []
  rig = await openTeamsRig(records, 'personal', { ...own(), rules: { streamEveryMs: 0, quota: [] } })
  await rig.open(fakeIntake())
})
afterEach(async () => {
  expect(rig.teams.state.broken).toEqual([])
  await rig.close()
})

const own = () => ({
  quota,
  async stopTurn(id: string) {
    stopped.push(id)
  },
})

/** Another process with the same database. */
function otherWorker(more: Partial<TeamsDeps> = {}): Platform {
  const { teams } = rig
  return createTeams({
    settings: settingsFor(teams),
    records,
    blobs: localBlobs('/nonexistent'),
    maxFileBytes: 1,
    log: silentLog,
    ...own(),
    everyMs: 0,
    ...more,
  })
}

function target(conversation: string): ReplyTarget {
  const scope = conversation.startsWith('a:') ? 'personal' : 'groupChat'
  const data = { serviceUrl: rig.teams.serviceUrl, conversation, scope, tenant: 't', user: alice.id }
  return { conversation: { platform: 'teams', workspaceId: 't', channelId: conversation }, data }
}
const message = (text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  turnId,
  text,
  phase: 'streaming',
  citations: [],
  ...more,
})
const final = (text: string, more: Partial<OutgoingMessage> = {}) =>
  message(text, { phase: 'final', end: { state: 'done', receipt }, ...more })
const shown = (conversation: string) => rig.teams.state.messages(conversation)
const only = (conversation: string): Shown => {
  const [one, ...more] = shown(conversation)
  if (one === undefined || more.length > 0) throw new Error(`${shown(conversation).length} messages`)
  return one
}

describe('a stream', () => {
  it('starts with progress, grows in order and ends with its citations', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('_Reading a.pdf…_', { progress: 'Reading a.pdf' }), { key, signal })
    expect(only(personalChat).activity).toMatchObject({
      type: 'typing',
      text: 'Reading a.pdf',
      entities: [{ type: 'streaminfo', streamType: 'informative', streamSequence: 1 }],
    })
    await transport.edit(chat, ref, message('_Reading…_', { progress: 'Reading a.pdf, page 2' }), { signal })
    await transport.edit(chat, ref, message('The rent'), { signal })
    await transport.edit(chat, ref, message('The rent is'), { signal })
    expect(only(personalChat).activity).toMatchObject({
      text: 'The rent is',
      channelData: { streamType: 'streaming', streamSequence: 4 },
    })
    const citations = [citation(1, 'a.pdf', { quote: 'x'.repeat(400) })]
    await transport.edit(chat, ref, final('The rent is 5 [1].', { citations }), { signal })
    expect(only(personalChat)).toMatchObject({
      edits: 0,
      stream: { state: 'final' },
      activity: { text: 'The rent is 5 [1].' },
    })
    const [claim] = claimsOf(only(personalChat))
    expect(claim?.appearance.abstract).toHaveLength(160)
  })

  it('that another process started is continued if it has only progress, otherwise it is edited', async () => {
    const chat = target(personalChat)
    const { transport } = rig.platform
    const ref = await transport.post(chat, message('_Reading…_', { progress: 'Reading' }), { key, signal })
    const other = otherWorker().transport
    await other.edit(chat, ref, message('So'), { signal })
    await other.edit(chat, ref, message('So it'), { signal })
    expect(only(personalChat).stream).toMatchObject({ state: 'open', sequence: 3, text: 'So it' })
    const third = otherWorker().transport
    await third.edit(chat, ref, message('So it is'), { signal })
    expect(only(personalChat).stream?.state).toBe('final')
    await third.edit(chat, ref, final('So it is.'), { signal })
    expect(only(personalChat)).toMatchObject({ edits: 1, activity: { text: 'So it is.' } })
  })

  it('switches to edits before Teams ends it', async () => {
    let time = Date.now()
    const { transport } = otherWorker({ now: () => time })
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('One'), { key, signal })
    time += 101_000
    await transport.edit(chat, ref, message('One two'), { signal })
    expect(only(personalChat)).toMatchObject({ edits: 0, stream: { state: 'final' }, activity: { text: 'One two' } })
    await transport.edit(chat, ref, message('One two three'), { signal })
    expect(only(personalChat)).toMatchObject({ edits: 1, activity: { text: 'One two three' } })
    expect(actionsOf(only(personalChat))).toEqual([`stop:${turnId}`])
  })

  it('never takes text back before it ends', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('A first try'), { key, signal })
    await transport.edit(chat, ref, message('Another'), { signal })
    expect(only(personalChat).activity.text).toBe('A first try')
    await transport.edit(chat, ref, final('Another.'), { signal })
    expect(only(personalChat).activity.text).toBe('Another.')
  })

  it('that its reader stops ends the turn, and the result is posted below it', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('One'), { key, signal })
    const { stream } = only(personalChat)
    if (stream) stream.state = 'cancelled'
    await transport.edit(chat, ref, message('One two'), { signal })
    expect(stopped).toEqual([turnId])
    await transport.edit(chat, ref, message('One two', { phase: 'final', end: { state: 'stopped', receipt } }), {
      signal,
    })
    expect(shown(personalChat)).toHaveLength(2)
  })

  it('does not start in a group chat', async () => {
    const ref = await rig.platform.transport.post(target(groupChat), message('One'), { key, signal })
    expect(only(groupChat).stream).toBeUndefined()
    await rig.platform.transport.edit(target(groupChat), ref, final('One.'), { signal })
    expect(only(groupChat)).toMatchObject({ edits: 1, activity: { text: 'One.' } })
  })
})

describe('Teams’ rate limits', () => {
  it('pause all workers after a 429', async () => {
    const chat = target(groupChat)
    rig.teams.state.storm(1, 1)
    await expect(rig.platform.transport.post(chat, final('One.'), { key, signal })).rejects.toMatchObject({
      code: 'platform_rate_limited',
      retryAfterMs: 1000,
    })
    const started = Date.now()
    await otherWorker().transport.post(chat, final('Two.'), { key: 'another', signal })
    expect(Date.now() - started).toBeGreaterThan(900)
  })

  it('hold for posts of several workers at once', async () => {
    await rig.close()
    rig = await openTeamsRig(records, 'personal', { ...own(), rules: { quota: [[7, 1000]] } })
    const chat = target(groupChat)
    const workers = [rig.platform, otherWorker()]
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        workers[n % 2]?.transport.post(chat, final(`${n}`), { key: `k-${n}`, signal }),
      ),
    )
    expect(shown(groupChat)).toHaveLength(8)
    expect(rig.teams.state.calls.map(({ status }) => status)).not.toContain(429)
  })
})

describe('a refusal', () => {
  it('in a conversation that Parley was removed from says what to do', async () => {
    const { state } = rig.teams
    const create = state.create
    state.create = () => ({
      status: 403,
      code: 'BotNotInConversationRoster',
      message: 'The bot is not part of the conversation roster.',
    })
    await expect(rig.platform.transport.post(target(groupChat), final('One.'), { key, signal })).rejects.toMatchObject({
      code: 'platform_rejected',
      userMessage: teamsWording.errors.noAccess,
    })
    state.create = create
  })

  it('of a token leads to a new token, once', async () => {
    await rig.platform.transport.post(target(groupChat), final('One.'), { key, signal })
    const before = rig.teams.seen.logins
    rig.teams.revoke()
    await rig.platform.transport.post(target(groupChat), final('Two.'), { key: 'two', signal })
    expect(rig.teams.seen.logins).toBe(before + 1)
    expect(shown(groupChat)).toHaveLength(2)
  })

  it('never sends the bot’s token to a server outside Teams', async () => {
    const { conversation, data } = target(groupChat)
    const elsewhere = { conversation, data: { ...(data as object), serviceUrl: 'https://evil.example.com' } }
    await expect(rig.platform.transport.post(elsewhere, final('One.'), { key, signal })).rejects.toMatchObject({
      code: 'platform_rejected',
    })
  })
})

describe('a notice', () => {
  it('for one person is visible to that person only', async () => {
    await rig.platform.transport.notify?.(target(groupChat), { text: 'For you.', private: true }, { key: 'n', signal })
    expect(only(groupChat)).toMatchObject({ only: alice.id, activity: { text: 'For you.' } })
  })

  it('contains its image and has its buttons below', async () => {
    const data = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="900"><rect width="900" height="900"/></svg>',
    )
    const files = [{ name: 'usage.svg', mediaType: 'image/svg+xml', data, alt: 'Usage' }]
    const buttons = [{ label: 'Approve', action: { kind: 'approve', approvalId: 'a-1' }, style: 'primary' }] as const
    await rig.platform.transport.notify?.(
      target(groupChat),
      { text: 'Usage', files, buttons: [...buttons] },
      { key: 'n', signal },
    )
    const { attachments = [] } = only(groupChat).activity
    expect(attachments[0]).toMatchObject({
      contentType: 'image/png',
      name: 'Usage',
      contentUrl: expect.stringMatching(/^data:image\/png/),
    })
    expect(actionsOf(only(groupChat))).toEqual(['approve:a-1'])
  })
})

describe('text from a file or a model', () => {
  it('mentions no one and loads no image', async () => {
    const text =
      '<at>everyone</at> ![x](https://evil.example.com/p.png) [y](javascript:alert(1))\n\n| a | b |\n|---|---|\n| 1 | 2 |'
    await rig.platform.transport.post(target(groupChat), final(text), { key, signal })
    const { activity } = only(groupChat)
    expect(activity.text).not.toContain('<at>everyone')
    expect(activity.text).not.toContain('![')
    expect(activity.text).not.toContain('[y](javascript:')
    expect(activity.text).toContain('```\na  b\n')
    expect(activity.entities?.some(({ type }) => type === 'mention')).toBe(false)
  })
})
