/** When Discord does not take an answer: what the asker, and the server's owner, are told. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Platform } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { discordErrors, discordPermissionWording } from '../../src/wording/discord.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

let discord: StandInDiscord
let platform: Platform
let ann: ReturnType<StandInDiscord['world']['addUser']>
let olga: ReturnType<StandInDiscord['world']['addUser']>
let guild: ReturnType<StandInDiscord['world']['addGuild']>
let channel: WorldChannel
let thread: WorldChannel
const { signal } = new AbortController()
const turnId = randomUUID()
const key = (name = 'post') => ({ key: `${turnId}-${name}`, signal })

beforeEach(async () => {
  discord = await startDiscord()
  platform = createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records: memoryRecords(),
    quota: createLocalQuota(),
    log: silentLog,
    now: () => discord.world.now(),
  })
  ann = discord.world.addUser('Ann')
  olga = discord.world.addUser('Olga')
  guild = discord.world.addGuild('Team', olga)
  channel = discord.world.addChannel(guild, 'general')
  thread = discord.world.addChannel(guild, 'a thread', { type: 11, parentId: channel.id })
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

const at = (place: WorldChannel, replyTo?: string): ReplyTarget => ({
  conversation: {
    platform: 'discord',
    workspaceId: guild.id,
    channelId: place.parentId ?? place.id,
    threadId: place.id,
  },
  data: { to: 'channel', channelId: place.id, userId: ann.id, ...(replyTo === undefined ? {} : { replyTo }) },
})
const deny = (place: WorldChannel, bit: bigint) =>
  place.overwrites.push(
    { id: guild.id, type: 0, allow: '0', deny: String(bit) },
    { id: guild.roles[1]?.id ?? '', type: 0, allow: '0', deny: String(bit) },
  )
const refusal = (userMessage: string) => ({ code: 'platform_rejected', userMessage })
const where = discordPermissionWording.where('general', 'Team')
const toldDirectly = (person: { id: string }) =>
  discord.said(discord.world.directChat(person.id).id).map(({ content }) => content)

describe('an answer that may not be posted', () => {
  it('is posted without the line to its question where Parley may not read the history', async () => {
    deny(channel, 1n << 16n)
    const { id } = discord.write({ author: ann, channel, text: 'Hello?' })
    await platform.transport.post(at(channel, id), message('Here it is.'), key())
    expect(discord.said(channel.id)).toMatchObject([{ type: 0, content: 'Here it is.' }])
    expect(toldDirectly(olga)).toEqual([])
  })

  it.each([160_002, 160_009, 160_010] as const)(
    'is posted without the line to its question where Discord refuses the line with %i, and its edits go on',
    async (code) => {
      discord.state.refusedReferences = code
      const { id } = discord.write({ author: ann, channel, text: 'Hello?' })
      const ref = await platform.transport.post(at(channel, id), message('Here'), key())
      await platform.transport.edit(at(channel, id), ref, message('Here it is.', true), { signal })
      expect(discord.said(channel.id)).toMatchObject([{ type: 0, content: expect.stringMatching(/^Here it is\./) }])
      expect(toldDirectly(olga)).toEqual([])
    },
  )

  it('in a locked thread is explained', async () => {
    thread.locked = true
    await expect(platform.transport.post(at(thread), message('One'), key())).rejects.toMatchObject(
      refusal(discordErrors.threadLocked),
    )
  })

  it('opens an archived thread again', async () => {
    thread.archived = true
    await platform.transport.post(at(thread), message('One'), key())
    expect(thread.archived).toBe(false)
  })

  it('because of AutoMod is explained', async () => {
    discord.state.autoMod = /damn/
    await expect(platform.transport.post(at(channel), message('damn good'), key())).rejects.toMatchObject(
      refusal(discordErrors.blockedByAutoMod),
    )
  })

  it('in a server that Parley was removed from is explained', async () => {
    guild.members.delete(discord.world.bot.id)
    await expect(platform.transport.post(at(channel), message('One'), key())).rejects.toMatchObject(
      refusal(discordErrors.leftServer),
    )
  })

  it('in a channel that was deleted is explained', async () => {
    discord.world.channels.delete(channel.id)
    await expect(platform.transport.post(at(channel), message('One'), key())).rejects.toMatchObject(
      refusal(discordErrors.channelGone),
    )
  })

  it('to a person who takes no direct messages is explained', async () => {
    discord.state.closed.add(ann.id)
    const chat = discord.world.directChat(ann.id)
    const target: ReplyTarget = {
      conversation: { platform: 'discord', workspaceId: '@me', channelId: chat.id },
      data: { to: 'channel', channelId: chat.id, userId: ann.id },
    }
    await expect(platform.transport.post(target, message('One'), key())).rejects.toMatchObject(
      refusal(discordErrors.noDirectMessages),
    )
  })

  it('because a permission is missing names it, and the owner hears of it once a day', async () => {
    deny(channel, 1n << 11n)
    const missing = discordPermissionWording.missing(['Send Messages'])
    for (const name of ['one', 'two'])
      await expect(platform.transport.post(at(channel), message('One'), key(name))).rejects.toMatchObject(
        refusal(discordPermissionWording.failed(where, missing)),
      )
    expect(toldDirectly(olga)).toEqual([discordPermissionWording.toOwner(where, missing)])
    discord.world.clock.ahead += 25 * 3_600_000
    await platform.transport.post(at(channel), message('One'), key('three')).catch(() => undefined)
    expect(toldDirectly(olga)).toHaveLength(2)
  })

  it('tells the owner with the next refusal if the message to them failed', async () => {
    deny(channel, 1n << 11n)
    const chat = discord.world.directChat(olga.id)
    discord.state.failing = new RegExp(`^POST /channels/${chat.id}/`)
    await platform.transport.post(at(channel), message('One'), key('one')).catch(() => undefined)
    expect(toldDirectly(olga)).toEqual([])
    discord.state.failing = undefined
    await platform.transport.post(at(channel), message('One'), key('two')).catch(() => undefined)
    expect(toldDirectly(olga)).toHaveLength(1)
  })

  it('during a time-out says until when, and asks nobody for a permission', async () => {
    const until = new Date(discord.world.now() + 3_600_000)
    guild.timeOuts.set(discord.world.bot.id, until.toISOString())
    await expect(platform.transport.post(at(channel), message('One'), key())).rejects.toMatchObject(
      refusal(discordPermissionWording.timedOut(where, until)),
    )
    expect(toldDirectly(olga)).toEqual([discordPermissionWording.timedOutToOwner(where, until)])
  })

  it('during a time-out in a thread, and with a permission missing as well, says the same', async () => {
    const until = new Date(discord.world.now() + 60_000)
    guild.timeOuts.set(discord.world.bot.id, until.toISOString())
    deny(channel, 1n << 38n)
    const told = discordPermissionWording.timedOut(where, until)
    await expect(platform.transport.post(at(thread), message('One'), key())).rejects.toMatchObject(refusal(told))
    expect(toldDirectly(olga)).toHaveLength(1)
    expect(toldDirectly(olga)[0]).toContain('Remove Timeout')
  })

  it('because of a time-out that begins in mid-answer is explained at its end', async () => {
    const ref = await platform.transport.post(at(channel), message('One'), key())
    const until = new Date(discord.world.now() + 3_600_000)
    guild.timeOuts.set(discord.world.bot.id, until.toISOString())
    const end = platform.transport.post(at(channel), message('Two', true), key('two'))
    await expect(end).rejects.toMatchObject(refusal(discordPermissionWording.timedOut(where, until)))
    // What is there may still be changed: https://support.discord.com/hc/articles/4413305239191-Time-Out-FAQ
    await platform.transport.edit(at(channel), ref, message('One.', true), { signal }).catch(() => undefined)
    guild.timeOuts.delete(discord.world.bot.id)
    await platform.transport.post(at(channel), message('Two', true), key('three'))
    expect(discord.said(channel.id).at(-1)?.content).toContain('Two')
  })

  it('after a time-out that has ended is posted', async () => {
    guild.timeOuts.set(discord.world.bot.id, new Date(discord.world.now() - 1000).toISOString())
    await platform.transport.post(at(channel), message('One'), key())
    expect(discord.said(channel.id)).toHaveLength(1)
  })
})

describe('the end of an answer', () => {
  const buttons = (place: WorldChannel) => JSON.stringify(discord.said(place.id)[0]?.components ?? [])

  it('that AutoMod blocks leaves no Stop button behind', async () => {
    const ref = await platform.transport.post(at(thread), message('damn'), key())
    expect(buttons(thread)).toContain('stop:')
    discord.state.autoMod = /damn/
    await expect(
      platform.transport.edit(at(thread), ref, message('damn good.', true), { signal }),
    ).rejects.toMatchObject(refusal(discordErrors.blockedByAutoMod))
    expect(discord.said(thread.id)[0]).toMatchObject({ content: 'damn', components: [] })
  })

  it('reaches a thread that was archived meanwhile', async () => {
    const ref = await platform.transport.post(at(thread), message('One'), key())
    thread.archived = true
    await platform.transport.edit(at(thread), ref, message('One, two.', true), { signal })
    expect(discord.said(thread.id)[0]?.content).toContain('One, two.')
  })

  it('in a thread that was locked meanwhile is explained', async () => {
    const ref = await platform.transport.post(at(thread), message('One'), key())
    thread.locked = true
    await expect(
      platform.transport.edit(at(thread), ref, message('One, two.', true), { signal }),
    ).rejects.toMatchObject(refusal(discordErrors.threadLocked))
  })
})

describe('the asker is told', () => {
  const notice = { text: 'Your answer could not be posted.', private: true }
  const asked = async (isPrivate: boolean) => {
    const use = discord.use({ user: ann, channel, type: 2, data: { type: 1, name: 'ask', options: [] } })
    await fetch(`${discord.url}/v10/interactions/${use.id}/${use.token}/callback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 5, data: { flags: isPrivate ? 64 : 0 } }),
    })
    const { id, token } = use
    const data = { to: 'interaction', applicationId: discord.world.bot.id, id, token, channelId: channel.id }
    const target = { ...at(channel), data: { ...data, userId: ann.id, private: isPrivate } }
    return { use, target }
  }

  it('directly where they wrote a message', async () => {
    await platform.transport.tellAsker?.(at(channel), notice, key())
    await platform.transport.tellAsker?.(at(channel), notice, key())
    expect(toldDirectly(ann)).toEqual([notice.text])
  })

  it('beside the answer of a command, for them alone, and “thinking” ends', async () => {
    const { use, target } = await asked(false)
    await platform.transport.tellAsker?.(target, notice, key())
    expect(discord.world.messages.get(channel.id)).toMatchObject([{ content: notice.text, visibleTo: ann.id }])
    expect(use.original).toBeUndefined()
  })

  it('below what was shown of the answer to a command', async () => {
    const { use, target } = await asked(false)
    await platform.transport.post(target, message('One'), { key: `${turnId}-0`, signal })
    await platform.transport.tellAsker?.(target, notice, key())
    expect(use.original?.content).toBe('One')
    expect(use.followUps).toMatchObject([{ content: notice.text, visibleTo: ann.id }])
  })

  it('in the place of a private answer', async () => {
    const { use, target } = await asked(true)
    await platform.transport.tellAsker?.(target, notice, key())
    expect(use.original).toMatchObject({ content: notice.text, visibleTo: ann.id })
  })

  it('directly once the token of a command has ended', async () => {
    const { target } = await asked(false)
    discord.world.clock.ahead += 15 * 60_000
    await platform.transport.tellAsker?.(target, notice, key())
    expect(toldDirectly(ann)).toEqual([notice.text])
  })

  it('or the refusal says that they take no direct messages', async () => {
    discord.state.closed.add(ann.id)
    await expect(platform.transport.tellAsker?.(at(channel), notice, key())).rejects.toMatchObject(
      refusal(discordErrors.noDirectMessages),
    )
  })
})
