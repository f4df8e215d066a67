/** The stand-in for Discord, held against what we did not write: discord.js's own client, and Discord's own document. */
import { Client, Events, GatewayIntentBits, Partials, RateLimitError, REST } from 'discord.js'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type StandInDiscord, startDiscord } from './discord.ts'
import { discordSpecMissing } from './discord-spec.ts'

let discord: StandInDiscord
beforeEach(async () => {
  discord = await startDiscord()
})
afterEach(() => discord[Symbol.asyncDispose]())

const without = discordSpecMissing === undefined ? '' : ` (skipped: ${discordSpecMissing})`
const call = (path: string, body: object, token = discord.token) =>
  fetch(`${discord.url}/v10${path}`, {
    method: 'POST',
    headers: { authorization: `Bot ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

it('discord.js logs in, receives a mention, answers it, opens a thread and edits', async () => {
  const ann = discord.world.addUser('Ann')
  const guild = discord.world.addGuild('Team', ann)
  const channel = discord.world.addChannel(guild, 'general')
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    partials: [Partials.Channel],
    rest: { api: discord.url },
  })
  try {
    const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve))
    const transcription = new Promise<void>((resolve, reject) => {
      client.on(Events.MessageCreate, (message) => {
        if (message.author.bot) return
        void (async () => {
          const thread = await message.startThread({ name: 'An answer' })
          const answer = await thread.send('One')
          await answer.edit('One, two')
          expect(message.mentions.has(client.user?.id ?? '')).toBe(true)
          expect(client.guilds.cache.get(guild.id)?.name).toBe('Team')
        })().then(resolve, reject)
      })
    })
    await client.login(discord.token)
    await ready
    const { id } = discord.write({ author: ann, channel, text: 'Hello', mention: true })
    await transcription
    expect(discord.said(id).map(({ content }) => content)).toEqual(['One, two'])
    // The client sends a few fields more than the document names; nothing else is wrong.
    expect(discord.violations.filter((each) => !each.includes('additional properties'))).toEqual([])
  } finally {
    await client.destroy()
  }
})

it.skipIf(without)(
  `a field that Discord's document does not name is told, and one of the wrong kind${without}`,
  async () => {
    const chat = discord.world.directChat(discord.world.addUser('Ann').id)
    await call(`/channels/${chat.id}/messages`, { content: 'x', contnet: 'y' })
    await call(`/channels/${chat.id}/messages`, { content: 'x', tts: 'loud' })
    expect(discord.violations).toEqual([expect.stringContaining('contnet'), expect.stringContaining('/tts')])
  },
)

it('a message of 2,001 characters is rejected, as Discord does although its specification allows it', async () => {
  const chat = discord.world.directChat(discord.world.addUser('Ann').id)
  expect((await call(`/channels/${chat.id}/messages`, { content: 'x'.repeat(2000) })).status).toBe(200)
  expect((await call(`/channels/${chat.id}/messages`, { content: 'x'.repeat(2001) })).status).toBe(400)
})

it('the sixth message of a window gets a rate limit that discord.js understands', async () => {
  const chat = discord.world.directChat(discord.world.addUser('Ann').id)
  const answers = []
  for (let n = 0; n < 6; n += 1) answers.push(await call(`/channels/${chat.id}/messages`, { content: `${n}` }))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429])
  expect(answers[0]?.headers.get('x-ratelimit-remaining')).toBe('4')
  const rest = new REST({ api: discord.url, rejectOnRateLimit: () => true }).setToken(discord.token)
  await expect(rest.post(`/channels/${chat.id}/messages`, { body: { content: '7' } })).rejects.toBeInstanceOf(
    RateLimitError,
  )
})

it('a wrong token is rejected', async () => {
  expect((await call('/users/@me/channels', { recipient_id: '1' }, 'wrong')).status).toBe(401)
})
