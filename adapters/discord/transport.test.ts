/** Replies where something stands in their way: no thread allowed, tokens that ended, messages that were deleted. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Json } from '../../src/core/json.ts'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Platform } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { Use } from '../../test/servers/discord-state.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

let discord: StandInDiscord
let platform: Platform
let ann: ReturnType<StandInDiscord['world']['addUser']>
let guild: ReturnType<StandInDiscord['world']['addGuild']>
let channel: WorldChannel
const { signal } = new AbortController()
const turnId = randomUUID()
const key = (n = 0) => ({ key: `${turnId}-${n}`, signal })

const fresh = () =>
  createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records: memoryRecords(),
    quota: createLocalQuota(),
    log: silentLog,
    now: () => discord.world.now(),
  })

beforeEach(async () => {
  discord = await startDiscord()
  platform = fresh()
  ann = discord.world.addUser('Ann')
  guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  channel = discord.world.addChannel(guild, 'general')
})
afterEach(async () => {
  expect(discord.violations).toEqual([])
  await discord[Symbol.asyncDispose]()
})

const message = (text: string, done = false): OutgoingMessage => ({
  turnId,
  text,
  citations: [],
  phase: done ? 'final' : 'streaming',
  end: done ? { state: 'done' as const, receipt } : undefined,
})

function target(data: Json, threadId?: string): ReplyTarget {
  const conversation = { platform: 'discord', workspaceId: guild.id, channelId: channel.id }
  return { conversation: { ...conversation, threadId }, data }
}

function mention(): ReplyTarget {
  const { id } = discord.write({ author: ann, channel, text: 'Hello', mention: true })
  return target({ to: 'thread', channelId: channel.id, replyTo: id, userId: ann.id, name: 'Hello' }, id)
}

async function question(isPrivate: boolean) {
  const input = unacknowledged(isPrivate)
  await acknowledge(input.use, isPrivate)
  return input
}

/** As the listener of another process tells Discord to wait. */
async function acknowledge(use: Use, isPrivate: boolean): Promise<void> {
  await fetch(`${discord.url}/v10/interactions/${use.id}/${use.token}/callback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 5, data: { flags: isPrivate ? 64 : 0 } }),
  })
}

function unacknowledged(isPrivate: boolean) {
  const use = discord.use({ user: ann, channel, type: 2, data: { type: 1, name: 'ask', options: [] } })
  const data = {
    to: 'interaction',
    applicationId: discord.world.bot.id,
    id: use.id,
    token: use.token,
    channelId: channel.id,
  }
  return { use, to: target({ ...data, userId: ann.id, private: isPrivate }, use.id) }
}

it('an existing thread is used', async () => {
  const to = mention()
  await platform.transport.post(to, message('One'), key())
  await fresh().transport.post(to, message('Two'), key(1))
  expect(discord.said(to.conversation.threadId ?? '').map(({ content }) => content)).toEqual(['One', 'Two'])
})

it('where no thread can be opened, Parley replies to the message', async () => {
  channel.overwrites.push({ id: guild.roles[1]?.id ?? '', type: 0, allow: '0', deny: String(1n << 35n) })
  const to = mention()
  const ref = await platform.transport.post(to, message('One'), key())
  await platform.transport.edit(to, ref, message('One.', true), { signal })
  expect(discord.said(channel.id)).toMatchObject([
    { type: 19, message_reference: { message_id: to.conversation.threadId } },
  ])
})

it('the first message of an answer replaces “thinking”, and the bot posts the rest', async () => {
  const { use, to } = await question(false)
  await platform.transport.post(to, message('One'), key())
  await platform.transport.post(to, message('Two', true), key(1))
  expect(use.original?.content).toBe('One')
  expect(discord.said(channel.id).map(({ content }) => content.split('\n')[0])).toEqual(['One', 'Two'])
})

it('an answer never arrives before its acknowledgement', async () => {
  const { use, to } = unacknowledged(false)
  const posting = platform.transport.post(to, message('One'), key())
  await discord.until(
    () => discord.requests.some(({ path, status }) => path.startsWith('/webhooks/') && status === 404),
    'a try',
  )
  await acknowledge(use, false)
  await posting
  expect(use.original?.content).toBe('One')
  expect(discord.said(channel.id)).toHaveLength(1)
})

it('only the asker sees a private answer', async () => {
  const { use, to } = await question(true)
  await platform.transport.post(to, message('One'), key())
  await platform.transport.post(to, message('Two', true), key(1))
  expect([use.original, ...use.followUps].map((each) => each?.visibleTo)).toEqual([ann.id, ann.id])
  expect(discord.said(channel.id)).toEqual([])
})

it('when the token expires before the first word, the bot writes in the channel', async () => {
  const { to } = await question(false)
  discord.world.clock.ahead += 15 * 60_000
  const ref = await platform.transport.post(to, message('One'), key())
  await platform.transport.edit(to, ref, message('One.', true), { signal })
  expect(discord.said(channel.id).at(-1)?.content).toContain('One.')
})

it('a private answer whose token expires is finished in the direct chat', async () => {
  const { use, to } = await question(true)
  const ref = await platform.transport.post(to, message('One'), key())
  discord.world.clock.ahead += 15 * 60_000
  await platform.transport.edit(to, ref, message('One, two'), { signal })
  await platform.transport.edit(to, ref, message('One, two, three.', true), { signal })
  expect(use.original?.content).toBe('One')
  expect(discord.said(discord.world.directChat(ann.id).id).map(({ content }) => content.split('\n')[0])).toEqual([
    'One, two, three.',
  ])
  expect(discord.said(channel.id)).toEqual([])
})

it('an answer continues when Discord ends its token early', async () => {
  const { use, to } = await question(false)
  const ref = await platform.transport.post(to, message('One'), key())
  discord.state.tokenLifeMs = -1
  await platform.transport.edit(to, ref, message('One, two.', true), { signal })
  expect(use.original?.content).toContain('One, two.')
})

it('a reply that somebody deleted stays deleted, and the turn ends', async () => {
  const to = mention()
  const ref = await platform.transport.post(to, message('One'), key())
  await platform.transport.remove(to, ref, { signal })
  await platform.transport.edit(to, ref, message('One.', true), { signal })
  await platform.transport.remove(to, ref, { signal })
  expect(discord.said(to.conversation.threadId ?? '')).toEqual([])
})

it('workers share Discord’s rate limits for a channel', async () => {
  await discord[Symbol.asyncDispose]()
  // Windows of half a second, so that many of them pass.
  discord = await startDiscord({ limitScale: 0.1, like: discord })
  const quota = createLocalQuota()
  const workers = Array.from({ length: 3 }, () =>
    createDiscord({ token: discord.token, apiUrl: discord.url, records: memoryRecords(), quota, log: silentLog }),
  )
  const chat = discord.world.directChat(ann.id)
  const to = target({ to: 'channel', channelId: chat.id, userId: ann.id })
  const writing = workers.map(async ({ transport }, worker) => {
    for (let n = 0; n < 3; n += 1) {
      const ref = await transport.post(to, message('One'), { key: `${worker}-${n}`, signal })
      await transport.edit(to, ref, message('One.', true), { signal })
    }
  })
  await Promise.all(writing)
  expect(discord.said(chat.id)).toHaveLength(9)
  expect(discord.refused).toEqual([])
})

it('Parley waits when another program of the bot has used up the limit', async () => {
  await discord[Symbol.asyncDispose]()
  discord = await startDiscord({ limitScale: 0.2, like: discord, port: Number(new URL(discord.url).port) })
  const chat = discord.world.directChat(ann.id)
  const to = target({ to: 'channel', channelId: chat.id, userId: ann.id })
  const elsewhere = () =>
    fetch(`${discord.url}/v10/channels/${chat.id}/messages`, {
      method: 'POST',
      headers: { authorization: `Bot ${discord.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'Of another program' }),
    })
  for (let n = 0; n < 5; n += 1) await elsewhere()
  await platform.transport.post(to, message('One', true), key())
  expect(discord.said(chat.id).at(-1)?.content).toContain('One')
  // Nobody could have known better but Discord, which said so once.
  expect(discord.refused).toHaveLength(1)
})

it('an unresponsive server is reported without the sent text', async () => {
  const to = mention()
  const away = createDiscord({
    token: 'a-secret-token',
    apiUrl: 'http://127.0.0.1:9/api',
    records: memoryRecords(),
    quota: createLocalQuota(),
    log: silentLog,
  })
  const failure = await away.transport.post(to, message('Private words'), key()).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'platform_unreachable', retry: 'later' })
  const told = `${failure instanceof Error ? `${failure.stack}${String(failure.cause)}` : ''}`
  expect(told).not.toMatch(/a-secret-token|Private words/)
})

it('a file on a foreign server is not downloaded', async () => {
  const attachment = {
    id: '1',
    name: 'x.pdf',
    mediaType: 'application/pdf',
    voiceNote: false,
    locator: { url: 'http://169.254.169.254/latest' },
  }
  await expect(platform.files.fetch(attachment, { signal })).rejects.toMatchObject({ code: 'file_fetch_failed' })
})

it('an expired file address is renewed', async () => {
  const file = discord.world.store(discord.url, channel.id, 'plan.pdf', Buffer.from('The plan.'), 'application/pdf')
  discord.world.clock.ahead += 48 * 3_600_000
  const attachment = {
    id: file.id,
    name: 'plan.pdf',
    mediaType: 'application/pdf',
    voiceNote: false,
    locator: { url: file.url },
  }
  const stream = await platform.files.fetch(attachment, { signal })
  expect(Buffer.concat(await stream.toArray()).toString()).toBe('The plan.')
})
