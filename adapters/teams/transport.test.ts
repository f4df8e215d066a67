/** Writing to Teams: streams and their handover, rate limits that all workers share, refusals, private notices. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Platform } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createReplyWriter } from '../../src/reply/reply-writer.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { citation } from '../../test/fakes/source.ts'
import { localBlobs } from '../../test/fixtures/blobs.ts'
import { alice, groupChat, personalChat } from '../../test/servers/teams-people.ts'
import { openTeamsRig, settingsFor, type TeamsRig } from '../../test/servers/teams-rig.ts'
import { actionsOf, claimsOf, isReply, type Shown } from '../../test/servers/teams-state.ts'
import { createTeams, type TeamsDeps } from './platform.ts'

const atOnce = { streamEveryMs: 0, quota: [] }
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
  rig = await openTeamsRig(records, 'personal', { ...own(), rules: atOnce })
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

/** Presses Teams' own Stop. */
function readerStops(): void {
  const { stream } = only(personalChat)
  if (stream) stream.state = 'cancelled'
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

  it('stays as it is when its reader stops it: the turn is stopped, and nothing is posted a second time', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('One'), { key, signal })
    readerStops()
    await transport.edit(chat, ref, message('One two'), { signal })
    expect(stopped).toEqual([turnId])
    const end = { state: 'stopped', receipt } as const
    await transport.edit(chat, ref, message('One two', { phase: 'final' }), { signal })
    const more = await transport.post(chat, message('three', { phase: 'final', end }), { key: `${turnId}-1`, signal })
    await transport.remove(chat, more, { signal })
    expect(only(personalChat).activity.text).toBe('One')
  })

  it('stays as it is when it is stopped at its very end', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('One'), { key, signal })
    readerStops()
    await transport.edit(chat, ref, final('One two.'), { signal })
    expect(stopped).toEqual([turnId])
    expect(only(personalChat).activity.text).toBe('One')
  })

  it('that was stopped stays as it is for a worker that did not see the stop', async () => {
    const chat = target(personalChat)
    const ref = await rig.platform.transport.post(chat, message('One'), { key, signal })
    readerStops()
    const other = otherWorker({ now: () => Date.now() + 130_000 }).transport
    await other.edit(chat, ref, message('One two', { phase: 'final', end: { state: 'stopped', receipt } }), { signal })
    expect(only(personalChat).activity.text).toBe('One')
  })

  it('that was stopped is replaced when the answer is regenerated', async () => {
    const chat = target(personalChat)
    const ref = await rig.platform.transport.post(chat, message('One'), { key, signal })
    readerStops()
    await rig.platform.transport.edit(chat, ref, message('One two'), { signal })
    const again = final('Another.', { turnId: `${turnId.slice(0, -1)}2` })
    // The reply writer then posts it anew and removes this message.
    await expect(rig.platform.transport.edit(chat, ref, again, { signal })).rejects.toMatchObject({
      code: 'platform_rejected',
    })
    await rig.platform.transport.remove(chat, ref, { signal })
    expect(shown(personalChat)).toEqual([])
  })

  it('goes on by edits of its message when Teams ends it after two minutes', async () => {
    await rig.close()
    rig = await openTeamsRig(records, 'personal', { ...own(), rules: { ...atOnce, streamLimitMs: 0 } })
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('One'), { key, signal })
    await transport.edit(chat, ref, message('One two'), { signal })
    await transport.edit(chat, ref, final('One two.'), { signal })
    expect(only(personalChat)).toMatchObject({ edits: 2, activity: { text: 'One two.' } })
    expect(stopped).toEqual([])
  })

  it('is closed with what it shows when Teams finds a part too large, so that an edit can say why', async () => {
    await rig.close()
    rig = await openTeamsRig(records, 'personal', { ...own(), rules: { ...atOnce, maxBytes: 3000 } })
    const { transport } = rig.platform
    const chat = target(personalChat)
    const long = `One ${'word '.repeat(500)}`
    const ref = await transport.post(chat, message('One'), { key, signal })
    await transport.edit(chat, ref, message(long), { signal })
    await expect(transport.edit(chat, ref, final(long), { signal })).rejects.toMatchObject({
      code: 'platform_rejected',
      userMessage: teamsWording.errors.tooLarge,
    })
    expect(only(personalChat)).toMatchObject({ stream: { state: 'final' }, activity: { text: 'One' } })
    await transport.edit(chat, ref, final('It is too large.', { by: 'parley' }), { signal })
    expect(only(personalChat).activity.text).toBe('It is too large.')
    expect(stopped).toEqual([])
  })

  it('goes on when more text forms anew what was shown: its end has the new form', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('It is $E = m'), { key, signal })
    await transport.edit(chat, ref, message('It is $E = mc^2$, as'), { signal })
    await transport.edit(chat, ref, message('It is $E = mc^2$, as we know'), { signal })
    expect(only(personalChat).activity.text).toBe('It is $E = mc^2$, as we know')
    await transport.edit(chat, ref, final('It is $E = mc^2$, as we know.'), { signal })
    expect(only(personalChat).activity.text).toBe('It is E = mc², as we know.')
  })

  it('grows line by line', async () => {
    const { transport } = rig.platform
    const chat = target(personalChat)
    const ref = await transport.post(chat, message('Main Street 5\n'), { key, signal })
    await transport.edit(chat, ref, message('Main Street 5\n12345 Town\n'), { signal })
    expect(only(personalChat).activity.text).toBe('Main Street 5  \n12345 Town')
  })

  it('does not start in a group chat', async () => {
    const ref = await rig.platform.transport.post(target(groupChat), message('One'), { key, signal })
    expect(only(groupChat).stream).toBeUndefined()
    await rig.platform.transport.edit(target(groupChat), ref, final('One.'), { signal })
    expect(only(groupChat)).toMatchObject({ edits: 1, activity: { text: 'One.' } })
  })
})

describe('an answer with a table of 20 headings and 68 rows', () => {
  const row = (cell: (at: number) => string) => `| ${Array.from({ length: 20 }, (_, at) => cell(at)).join(' | ')} |`
  const rows = Array.from({ length: 68 }, (_, n) => row((at) => String((n + at) % 10)))
  const head = [row((at) => `Heading ${at} of thirty letters`.padEnd(30, 'x')), row(() => '---')]
  const text = `Here are the figures:\n\n${[...head, ...rows].join('\n')}\n\nThat is all.`
  const end = { state: 'done', receipt } as const

  function writerTo(conversation: string) {
    return createReplyWriter({
      platform: rig.platform,
      target: target(conversation),
      turnId,
      question: 'figures',
      posted: [],
      resuming: false,
      store: { async savePart() {}, async removePart() {} },
      signal,
      held: () => true,
      otherReplies: () => 0,
    })
  }

  it.each([groupChat, personalChat])('is several messages, the last with its menu, none with Stop: %s', async (at) => {
    const writer = writerTo(at)
    writer.append('Here are the figures:')
    await expect.poll(() => shown(at)).toHaveLength(1)
    writer.append(text.slice('Here are the figures:'.length))
    await writer.finish(text, [], end)
    const replies = shown(at).filter(isReply)
    expect(replies.length).toBeGreaterThan(3)
    const actions = replies.map(actionsOf)
    expect(actions.at(-1)).toContain(`regenerate:${turnId}`)
    expect(actions.slice(0, -1).flat()).toEqual([])
    expect(replies.filter(({ stream }) => stream?.state === 'open')).toEqual([])
  })

  it.each([groupChat, personalChat])('ends with a reason where Teams takes no such message: %s', async (at) => {
    await rig.close()
    rig = await openTeamsRig(records, 'personal', { ...own(), rules: { ...atOnce, maxBytes: 6000 } })
    const writer = writerTo(at)
    writer.append('Here are the figures:')
    await expect.poll(() => shown(at)).toHaveLength(1)
    await expect(writer.finish(text, [], end)).rejects.toMatchObject({ userMessage: teamsWording.errors.tooLarge })
    expect(await writer.giveUp('It is too large.', { ...end, state: 'failed' })).toBe(true)
    expect(only(at).activity.text).toBe('It is too large.')
    expect(actionsOf(only(at))).toEqual([`regenerate:${turnId}`])
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
  it.each([
    [403, 'BotNotInConversationRoster', 'notInConversation'],
    [403, 'BotDisabledByAdmin', 'disabledByAdmin'],
    [403, 'Forbidden', 'noAccess'],
    [404, 'ConversationNotFound', 'conversationGone'],
    [413, 'MessageSizeTooBig', 'tooLarge'],
  ] as const)('%i %s is final, and says what to do', async (status, code, sentence) => {
    rig.teams.state.refusing.set(groupChat, { status, code, message: 'no' })
    await expect(rig.platform.transport.post(target(groupChat), final('One.'), { key, signal })).rejects.toMatchObject({
      code: 'platform_rejected',
      retry: 'never',
      userMessage: teamsWording.errors[sentence],
    })
  })

  it('of a message over the limit comes for posts and edits', async () => {
    const { transport } = rig.platform
    const large = final('word '.repeat(3000))
    await expect(transport.post(target(groupChat), large, { key, signal })).rejects.toMatchObject({
      userMessage: teamsWording.errors.tooLarge,
    })
    const ref = await transport.post(target(groupChat), message('One'), { key: 'another', signal })
    await expect(transport.edit(target(groupChat), ref, large, { signal })).rejects.toMatchObject({
      userMessage: teamsWording.errors.tooLarge,
    })
    // Text in progress waits for its split.
    await transport.edit(target(groupChat), ref, message('word '.repeat(3000)), { signal })
    expect(only(groupChat).activity.text).toBe('One')
  })

  it('of an edit because somebody deleted the message is no trouble', async () => {
    const { transport } = rig.platform
    const ref = await transport.post(target(groupChat), message('One'), { key, signal })
    only(groupChat).deleted = true
    await transport.edit(target(groupChat), ref, final('One.'), { signal })
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

describe('what the asker alone is told', () => {
  const notice = { text: 'Your answer could not be posted.', private: true }

  it('is a message that only they see', async () => {
    await rig.platform.transport.tellAsker?.(target(groupChat), notice, { key: 'told', signal })
    expect(only(groupChat)).toMatchObject({ only: alice.id, activity: { text: notice.text } })
  })

  it('is in their personal chat when the conversation takes nothing, and only once', async () => {
    rig.teams.state.refusing.set(groupChat, { status: 403, code: 'BotNotInConversationRoster', message: 'no' })
    for (const _ of [1, 2]) await rig.platform.transport.tellAsker?.(target(groupChat), notice, { key: 'told', signal })
    expect(only(`a:1direct-${alice.id.slice(3)}`).activity.text).toBe(notice.text)
  })

  it('is told to nobody when they have not added Parley', async () => {
    rig.teams.state.refusing.set(groupChat, { status: 403, code: 'BotNotInConversationRoster', message: 'no' })
    rig.teams.state.strangers.add(alice.id)
    const told = rig.platform.transport.tellAsker?.(target(groupChat), notice, { key: 'told', signal })
    await expect(told).rejects.toMatchObject({ code: 'platform_rejected' })
  })

  it('is in the chat itself when that is personal', async () => {
    await rig.platform.transport.tellAsker?.(target(personalChat), notice, { key: 'told', signal })
    expect(only(personalChat).activity.text).toBe(notice.text)
  })
})

describe('while nothing is written yet', () => {
  it('Parley is shown as typing, once, where the conversation is shared', async () => {
    const { transport } = rig.platform
    await transport.status(target(groupChat), turnId, 'Taken in', 'queued')
    await transport.status(target(groupChat), turnId, null, 'done')
    await transport.status(target(personalChat), turnId, 'Taken in', 'queued')
    expect(rig.teams.state.typing).toEqual([groupChat])
    expect(shown(groupChat)).toEqual([])
  })

  it('typing that cannot be shown stops nothing', async () => {
    rig.teams.state.refusing.set(groupChat, { status: 403, code: 'Forbidden', message: 'no' })
    await rig.platform.transport.status(target(groupChat), turnId, 'Taken in', 'queued')
  })
})

describe('a notice', () => {
  it('that is too long for a message is cut, and all of it is offered as a file', async () => {
    const text = Array.from({ length: 400 }, (_, n) => `- **model-${n}** is "on" for <everybody> & more`).join('\n')
    await rig.platform.transport.notify?.(target(personalChat), { text }, { key: 'n', signal })
    const [first, second] = shown(personalChat)
    expect(first?.activity.text).toMatch(/…$/)
    expect(second?.activity.attachments?.[0]).toMatchObject({ name: 'all.md' })
  })

  it('that is cut in a shared conversation says how to get all of it, and so does one with a file', async () => {
    const text = 'word '.repeat(3000)
    const csv = { name: 'usage.csv', mediaType: 'text/csv', data: new Uint8Array(1) }
    const { transport } = rig.platform
    await transport.notify?.(target(groupChat), { text }, { key: 'cut', signal })
    await transport.notify?.(target(groupChat), { text: 'Usage', files: [csv] }, { key: 'csv', signal })
    await transport.notify?.(target(personalChat), { text: 'Usage', files: [csv] }, { key: 'own', signal })
    const [cut, withFile] = shown(groupChat)
    expect(cut?.activity.text).toContain(teamsWording.restNotShown)
    expect(withFile?.activity.text).toBe(`Usage\n\n${teamsWording.filesNotShown(['`usage.csv`'])}`)
    expect(shown(personalChat).map(({ activity }) => activity.text ?? '')).toEqual(['Usage', ''])
  })

  it('names people and channels, and notifies nobody; examples show how a mention is typed', async () => {
    const at = target(groupChat)
    const data = { ...(at.data as object), team: { id: '19:team@thread.tacv2' } }
    rig.teams.people.set(alice.id, { ...alice, name: 'Alice_B' })
    const gone = 'cccccccc-0000-4000-8000-000000000003'
    const text = `<@${alice.aadObjectId}> and <@${gone}> in <#19:team@thread.tacv2>, <#19:sales@thread.tacv2> or <#19:old@thread.tacv2>: \`roles set <@U123> manager\``
    await rig.platform.transport.notify?.({ ...at, data }, { text }, { key: 'named', signal })
    const { activity } = only(groupChat)
    expect(activity.text).toBe(
      `Alice\\_B and ${teamsWording.personById(gone)} in ${teamsWording.generalChannel}, Sales & Co or ${teamsWording.channelById('19:old@thread.tacv2')}: \`roles set @${teamsWording.namePlaceholder} manager\``,
    )
    expect(activity.entities).toBeUndefined()
  })

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
