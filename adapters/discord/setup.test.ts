/** Setting up against the stand-in: registering twice, and what the doctor sees. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { commandSpecs } from '../../src/admin/specs.ts'
import { discordErrors, discordSetupWording } from '../../src/wording/discord.ts'
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

it('the invitation asks only for the permissions that Parley needs', async () => {
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

it('registering again changes nothing until the commands change', async () => {
  expect((await setup().register()).changed).toBe(true)
  expect((await setup().register()).changed).toBe(false)
  expect(discord.state.registrations).toBe(1)
  const [first, ...others] = commandSpecs
  if (first === undefined) throw new Error('the table is empty')
  expect((await setup([{ ...first, summary: 'Something else' }, ...others]).register()).changed).toBe(true)
  expect(discord.state.registrations).toBe(2)
})

it('commands can be registered in one server only', async () => {
  const guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  expect((await setup().register(guild.id)).changed).toBe(true)
  expect((await setup().register(guild.id)).changed).toBe(false)
  expect([...discord.state.commands.keys()]).toEqual([guild.id])
  expect(await finding('commands')).toMatchObject({ ok: true })
})

it('commands registered everywhere and in one server are told, with the line that takes them away', async () => {
  const team = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  const other = discord.world.addGuild('Other', discord.world.addUser('Oscar'))
  await setup().register()
  await setup().register(team.id)
  await setup().register(other.id)
  const named = ({ id, name }: { id: string; name: string }) => ({ id, name })
  expect(await finding('commands')).toMatchObject({
    ok: false,
    userMessage: discordSetupWording.commandsTwice([named(team), named(other)]),
  })
  expect(await setup().unregister(other.id)).toEqual({ removed: 4 })
  expect(await finding('commands')).toMatchObject({
    ok: false,
    userMessage: discordSetupWording.commandsTwice([named(team)]),
  })
  expect(await setup().unregister(team.id)).toEqual({ removed: 4 })
  expect(await finding('commands')).toMatchObject({ ok: true, userMessage: discordSetupWording.commandsCurrent })
  expect(await setup().unregister(team.id)).toEqual({ removed: 0 })
})

it('the commands of everywhere can be taken away in favor of those of one server', async () => {
  const team = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  await setup().register()
  await setup().register(team.id)
  expect(await setup().unregister()).toEqual({ removed: 4 })
  expect(await finding('commands')).toMatchObject({ ok: true })
  expect(discord.state.commands.get('global')).toEqual([])
})

it('a changed translation is registered', async () => {
  await setup().register()
  const [ask] = discord.state.commands.get('global') ?? []
  expect(ask).toMatchObject({ name: 'ask', name_localizations: { de: 'fragen', ja: '質問' } })
  if (ask !== undefined) ask.name_localizations = { de: 'frage' }
  expect((await setup().register()).changed).toBe(true)
})

it('where people may install Parley for themselves, questions work everywhere and settings only in servers', async () => {
  discord.state.userInstall = true
  await setup().register()
  const contexts = discord.state.commands.get('global')?.map(({ name, contexts }) => [name, contexts])
  expect(contexts).toEqual([
    ['ask', [0, 1, 2]],
    ['parley', [0, 1]],
    ['Ask about this message', [0, 1, 2]],
    ['Transcribe', [0, 1, 2]],
  ])
  expect(await finding('commands')).toMatchObject({ ok: true })
})

it('the doctor tells when used-up connections are back, and counts those in reserve as used up', async () => {
  discord.state.sessionsLeft = 40
  discord.state.sessionsBackMs = 7_200_000
  const { ok, userMessage = '' } = (await finding('gateway')) ?? {}
  expect(ok).toBe(false)
  const wording = (back: number) => discordSetupWording.noConnectionsLeft(40, new Date(Date.now() + back))
  // The minute may change between the two.
  expect([wording(7_200_000), wording(7_140_000)]).toContain(userMessage)
})

it('the doctor lists what is missing, with a next step for each', async () => {
  discord.state.flags = 0
  expect(await setup().examine()).toMatchObject([
    { name: 'token', ok: true },
    { name: 'gateway', ok: true, userMessage: discordSetupWording.connections({ left: 1000, total: 1000, shards: 1 }) },
    { name: 'intents', ok: false, userMessage: discordSetupWording.contentOff },
    { name: 'commands', ok: false, userMessage: discordSetupWording.commandsMissing },
    { name: 'servers', ok: false, userMessage: discordSetupWording.noServer },
  ])
})

it('the doctor checks every channel that Parley can see', async () => {
  const guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  const deny = (bit: bigint) => [{ id: guild.roles[1]?.id ?? '', type: 0 as const, allow: '0', deny: String(bit) }]
  discord.world.addChannel(guild, 'general')
  expect(await finding(discordSetupWording.permissionsIn('Team'))).toEqual({
    name: discordSetupWording.permissionsIn('Team'),
    ok: true,
    userMessage: discordSetupWording.channelsReady(1, 1),
  })
  discord.world.addChannel(guild, 'hidden', { overwrites: deny(1n << 10n) })
  expect((await finding(discordSetupWording.permissionsIn('Team')))?.userMessage).toBe(
    discordSetupWording.channelsReady(1, 2),
  )
  discord.world.addChannel(guild, 'no-threads', { overwrites: deny(1n << 35n) })
  expect(await finding(discordSetupWording.permissionsIn('Team'))).toMatchObject({
    ok: false,
    userMessage: discordSetupWording.channelsNotReady([{ name: 'no-threads', missing: ['Create Public Threads'] }]),
  })
})

it('a wrong token ends the checks and names the setting to fix', async () => {
  expect(await setup(commandSpecs, 'wrong').examine()).toEqual([
    { name: 'token', ok: false, userMessage: discordErrors.badToken },
  ])
})
