/** Recordings in the shape of vercel/chat's files: what describes them is in `metadata`, and a forwarder added the thread. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { replayFolder } from '../../src/cli/replay.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-replay-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const metadata = { botId: '1457469483726668048', guildId: '1457468924290662599', threadId: '1457536551830421524' }
const bot = { id: metadata.botId, username: 'Chat SDK Demo', bot: true }

/** An event as the forwarder sends it. */
function event(type: string, more: object = {}) {
  const data = {
    type: 0,
    id: '1457536551830421525',
    channel_id: '1457510428359004343',
    channel_type: 0,
    guild_id: metadata.guildId,
    author: { id: '1033044521375764530', username: 'testuser2384', global_name: 'Test User' },
    timestamp: '2026-01-05T00:49:53.676000+00:00',
    edited_timestamp: null,
    content: `<@${metadata.botId}> Hey`,
    mentions: [bot],
    mention_roles: [],
    mention_everyone: false,
    embeds: [],
    attachments: [],
    ...more,
  }
  return { type: `GATEWAY_${type}`, timestamp: 1_767_574_193_867, data }
}

async function replayed(file: object): Promise<string[]> {
  await writeFile(join(folder, 'discord.json'), JSON.stringify(file))
  const lines: string[] = []
  await replayFolder({ platform: 'discord', folder, json: false, print: (line) => lines.push(line) })
  return lines
}

it('the bot of `metadata.botId` is mentioned, and its own words are ignored', async () => {
  const inThread = {
    channel_id: metadata.threadId,
    channel_type: 11,
    thread: { id: metadata.threadId, parent_id: '1457510428359004343' },
  }
  const lines = await replayed({
    metadata,
    mention: event('MESSAGE_CREATE'),
    own: event('MESSAGE_CREATE', { author: bot }),
    followUp: event('MESSAGE_CREATE', { ...inThread, content: 'And then?', mentions: [] }),
    deleted: event('MESSAGE_DELETE'),
    reaction: event('MESSAGE_REACTION_ADD'),
  })
  const place = `discord/${metadata.guildId}/1457510428359004343`
  expect(lines).toEqual([
    `message   discord.json#mention  mention by 1033044521375764530 in ${place}/1457536551830421525: "Hey"`,
    'ignored   discord.json#own  MESSAGE_CREATE is not for Parley',
    `message   discord.json#followUp  thread by 1033044521375764530 in ${place}/${metadata.threadId}: "And then?"`,
    'withdrawal discord.json#deleted  of 1457536551830421525',
    'ignored   discord.json#reaction  MESSAGE_REACTION_ADD is not for Parley',
    '2 message, 2 ignored, 1 withdrawal',
  ])
})

it('values beside the events win over those in `metadata`', async () => {
  const lines = await replayed({ botId: '1', metadata, mention: event('MESSAGE_CREATE') })
  expect(lines[0]).toBe('ignored   discord.json#mention  MESSAGE_CREATE is not for Parley')
})
