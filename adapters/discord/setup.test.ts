/** Setting up against the stand-in: registering twice, and what the doctor sees. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { commandSpecs } from '../../src/admin/specs.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import { createSetup } from './setup.ts'

let discord: StandInDiscord
beforeEach(async () => {
  discord = await startDiscord()
})
afterEach(async () => {
  expect(discord.violations).toEqual([])
  await discord[Symbol.asyncDispose]()
})

const setup = (commands = commandSpecs, token = discord.token) => createSetup({ token, apiUrl: discord.url, commands })
const finding = async (name: string) => (await setup().examine()).find((each) => each.name === name)

it('the invitation asks for what is needed and nothing else', async () => {
  const { url, permissions } = await setup().invite()
  const { searchParams } = new URL(url)
  expect(searchParams.get('client_id')).toBe(discord.world.bot.id)
  expect(searchParams.get('scope')).toBe('bot applications.commands')
  // View Channels, Send Messages, Attach Files, Read Message History, Create Public Threads, Send Messages in Threads.
  expect(BigInt(searchParams.get('permissions') ?? '')).toBe(
    (1n << 10n) | (1n << 11n) | (1n << 15n) | (1n << 16n) | (1n << 35n) | (1n << 38n),
  )
  expect(permissions).toHaveLength(6)
})

it('registering again changes nothing; a changed table is registered anew', async () => {
  expect((await setup().register()).changed).toBe(true)
  expect((await setup().register()).changed).toBe(false)
  expect(discord.state.registrations).toBe(1)
  const [first, ...others] = commandSpecs
  if (first === undefined) throw new Error('the table is empty')
  expect((await setup([{ ...first, summary: 'Something else' }, ...others]).register()).changed).toBe(true)
  expect(discord.state.registrations).toBe(2)
})

it('commands may be registered in one server alone', async () => {
  const guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  expect((await setup().register(guild.id)).changed).toBe(true)
  expect((await setup().register(guild.id)).changed).toBe(false)
  expect([...discord.state.commands.keys()]).toEqual([guild.id])
  expect(await finding('commands')).toMatchObject({ ok: true })
})

it('the doctor says what is missing, each with what to do', async () => {
  discord.state.flags = 0
  expect(await setup().examine()).toMatchObject([
    { name: 'token', ok: true },
    { name: 'gateway', ok: true, userMessage: expect.stringContaining('1000 of 1000') },
    { name: 'intents', ok: false, userMessage: expect.stringContaining('Message Content Intent is off') },
    { name: 'commands', ok: false, userMessage: expect.stringContaining('parley discord register') },
    { name: 'servers', ok: false, userMessage: expect.stringContaining('parley discord invite') },
  ])
})

it('the doctor looks at every channel that Parley sees', async () => {
  const guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  const deny = (bit: bigint) => [{ id: guild.roles[1]?.id ?? '', type: 0 as const, allow: '0', deny: String(bit) }]
  discord.world.addChannel(guild, 'general')
  expect(await finding('permissions in Team')).toEqual({
    name: 'permissions in Team',
    ok: true,
    userMessage: 'all that is needed in 1 of 1 channels',
  })
  discord.world.addChannel(guild, 'hidden', { overwrites: deny(1n << 10n) })
  expect((await finding('permissions in Team'))?.userMessage).toContain('in 1 of 2 channels; the others are hidden')
  discord.world.addChannel(guild, 'no-threads', { overwrites: deny(1n << 35n) })
  expect(await finding('permissions in Team')).toMatchObject({
    ok: false,
    userMessage: expect.stringContaining('#no-threads lacks "Create Public Threads"'),
  })
})

it('a wrong token ends the examination with what to set', async () => {
  expect(await setup(commandSpecs, 'wrong').examine()).toEqual([
    { name: 'token', ok: false, userMessage: expect.stringContaining('DISCORD_TOKEN') },
  ])
})
