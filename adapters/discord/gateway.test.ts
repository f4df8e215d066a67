/** The connection to Discord's gateway when things go wrong with it: discord.js's own client against a stand-in. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Intake, Listener, OutgoingMessage, Platform } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { discordErrors } from '../../src/wording/discord.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

let discord: StandInDiscord
let records: ReturnType<typeof memoryRecords>
let chat: WorldChannel
let ann: ReturnType<StandInDiscord['world']['addUser']>
/** Texts in the order in which they were taken in. */
let taken: string[]
const open: Listener[] = []

beforeEach(async () => {
  // Hearts beat fast here, so that a dead connection is noticed soon.
  discord = await startDiscord({ heartbeatMs: 150 })
  records = memoryRecords()
  ann = discord.world.addUser('Ann')
  chat = discord.world.directChat(ann.id)
  taken = []
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.stop()))
  await discord[Symbol.asyncDispose]()
})

const intake = (more: Partial<Intake> = {}) =>
  fakeIntake({
    receive: async ({ text, id }) => {
      if (!taken.includes(text)) taken.push(text)
      return { turnId: id, kind: 'duplicate' }
    },
    ...more,
  })

interface Options {
  intake?: Intake
  shards?: number
  mostWaiting?: number
  platform?: Platform
}

function create(more: Options = {}): Platform {
  return createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records,
    quota: createLocalQuota(),
    log: silentLog,
    throttler: { waitForIdentify: async () => undefined },
    pauses: { firstMs: 20, mostMs: 100, steadyMs: 200 },
    retryMs: 10,
    saveEveryMs: 5,
    shards: more.shards,
    mostWaiting: more.mostWaiting,
  })
}

async function listen(more: Options = {}): Promise<Listener> {
  const listener = (more.platform ?? create(more)).listen(more.intake ?? intake())
  await listener.start()
  open.push(listener)
  return listener
}

const write = (text: string) => discord.write({ author: ann, channel: chat, text })
const until = (text: string) => discord.until(() => taken.includes(text), `"${text}" taken in`)
const counts = () => discord.gateway.counts
const lookUps = () => discord.requests.filter(({ path }) => path === '/gateway/bot').length

it('after a cut connection Parley resumes and receives the messages written meanwhile', async () => {
  await listen()
  write('before')
  await until('before')
  discord.gateway.cut()
  await discord.until(() => discord.gateway.connected() === 0, 'the cut')
  write('while away')
  await until('while away')
  expect(counts()).toMatchObject({ identified: 1, resumed: 1 })
  expect(taken).toEqual(['before', 'while away'])
})

it('Parley resumes when Discord asks it to reconnect', async () => {
  await listen()
  discord.gateway.askReconnect()
  await discord.until(() => counts().closes.length === 1, 'the farewell')
  write('after')
  await until('after')
  expect(counts()).toMatchObject({ identified: 1, resumed: 1, closes: [4200] })
})

it('Parley starts a new session when Discord invalidates the old one', async () => {
  await listen()
  discord.gateway.invalidate(false)
  await discord.until(() => counts().identified === 2, 'a second identify')
  write('in the new session')
  await until('in the new session')
})

it('Parley resumes when Discord stops answering heartbeats', async () => {
  await listen()
  discord.gateway.fault.deaf = true
  await discord.until(() => counts().closes.includes(4200), 'the dead connection to be left')
  discord.gateway.fault.deaf = false
  write('alive again')
  await until('alive again')
  expect(counts().resumed).toBeGreaterThanOrEqual(1)
})

it('after a restart Parley resumes the session and receives what was written meanwhile', async () => {
  await (await listen()).stop()
  open.length = 0
  expect(counts().closes).toEqual([4200])
  write('between two processes')
  await listen()
  await until('between two processes')
  expect(counts()).toMatchObject({ identified: 1, resumed: 1 })
})

it('after a kill the last events come again and none is lost', async () => {
  const stuck = intake({ receive: () => new Promise(() => {}) })
  // Killed while the database hung: nothing of this process runs on but its promise.
  const platform = createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records,
    quota: createLocalQuota(),
    log: silentLog,
    saveEveryMs: 5,
  })
  await platform.listen(stuck).start()
  const { id } = write('never taken in')
  await discord.until(() => positionOf(0) === discord.gateway.sequence() - 1, 'the position before it')
  discord.gateway.cut()
  await listen()
  await until('never taken in')
  expect(id).toMatch(/^\d+$/)
})

it('the next process starts a new session when the old one has ended', async () => {
  await (await listen()).stop()
  open.length = 0
  discord.gateway.fault.forgetful = true
  const starting = listen()
  await discord.until(() => counts().invalid === 1, 'the refusal')
  discord.gateway.fault.forgetful = false
  await starting
  expect(counts().identified).toBe(2)
})

it('each shard has its own session and the events of its servers', async () => {
  const guilds = Array.from({ length: 6 }, (_, n) => discord.world.addGuild(`Team ${n}`, ann))
  const channels = guilds.map((guild) => discord.world.addChannel(guild, 'general'))
  await listen({ shards: 2 })
  await discord.until(() => counts().identified === 2, 'two sessions')
  for (const [n, channel] of channels.entries()) discord.write({ author: ann, channel, text: `in ${n}`, mention: true })
  await discord.until(() => taken.length === 6, 'a message of every server')
  await discord.until(() => positionOf(0) !== undefined && positionOf(1) !== undefined, 'two positions')
})

const stateOf = (listener: Listener) => listener.connections()[0]?.state
const connected = (listener: Listener) =>
  discord.until(() => stateOf(listener)?.is === 'connected' && discord.gateway.connected() === 1, 'the connection')

it('without message content Parley names the switch to turn on, starts no session, and connects once it is on', async () => {
  discord.state.flags = 0
  const listener = await listen()
  expect(stateOf(listener)).toMatchObject({
    is: 'waiting',
    userMessage: discordErrors.noMessageContent,
  })
  await discord.until(() => lookUps() > 3, 'some tries')
  expect(counts().closes).toEqual([])
  discord.state.flags = 1 << 18
  await connected(listener)
})

it('a rejected token is reported at start, and Parley connects once Discord accepts it', async () => {
  discord.revoke()
  const listener = await listen()
  expect(stateOf(listener)).toMatchObject({ is: 'waiting', userMessage: discordErrors.badToken })
  await discord.until(() => lookUps() > 3, 'some tries')
  discord.restore()
  await connected(listener)
  write('with the restored token')
  await until('with the restored token')
})

it('after a revoked token works again, Parley reconnects and replies again', async () => {
  const platform = create()
  const listener = await listen({ platform })
  discord.revoke()
  const reply: OutgoingMessage = { turnId: 'turn', text: 'Hello.', phase: 'final', citations: [] }
  const conversation = { platform: 'discord', workspaceId: 'direct', channelId: chat.id }
  const target = { conversation, data: { to: 'channel', channelId: chat.id, userId: ann.id } }
  const post = (key: string) => platform.transport.post(target, reply, { key, signal: AbortSignal.timeout(5000) })
  await discord.until(() => stateOf(listener)?.is === 'waiting', 'the loss')
  expect(stateOf(listener)).toMatchObject({ userMessage: discordErrors.badToken })
  await expect(post('while revoked')).rejects.toMatchObject({ code: 'platform_rejected' })
  discord.restore()
  await connected(listener)
  await post('restored')
  expect(discord.said(chat.id)).toHaveLength(1)
})

// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
it.each([1000, 1001, 4000, 4007, 4009, 4004, 4010, 4011, 4012, 4013, 4014])(
  'a connection that Discord closes with %i, and again at each try, is back once it no longer does',
  async (code) => {
    const listener = await listen()
    discord.gateway.fault.closing = code
    discord.gateway.closeAll(code)
    await discord.until(() => stateOf(listener)?.is === 'waiting', 'the loss')
    const { closes } = counts()
    const closed = closes.length
    await discord.until(() => closes.length > closed + 2, 'more tries')
    delete discord.gateway.fault.closing
    await connected(listener)
    write('after')
    await until('after')
  },
)

it('a session survives an outage in which no socket opens', async () => {
  const listener = await listen()
  write('before')
  await until('before')
  discord.gateway.refuse(true)
  discord.gateway.cut()
  await discord.until(() => stateOf(listener)?.is === 'waiting', 'the loss')
  write('while away')
  discord.gateway.refuse(false)
  await until('while away')
  expect(counts()).toMatchObject({ identified: 1, resumed: 1 })
})

it('an unreachable Discord does not delay the start, and Parley connects once it is back', async () => {
  const { port } = new URL(discord.url)
  await discord[Symbol.asyncDispose]()
  const away = discord
  const listener = await listen()
  expect(stateOf(listener)).toMatchObject({ is: 'waiting', code: 'platform_unreachable' })
  discord = await startDiscord({ port: Number(port), like: away })
  await discord.until(() => discord.gateway.connected() === 1, 'the connection')
})

it('Parley keeps a few of its daily connections in reserve, says when more are there, and asks once then', async () => {
  discord.state.sessionsLeft = 20
  discord.state.sessionsBackMs = 1500
  const listener = await listen()
  const state = stateOf(listener)
  expect(state).toMatchObject({ is: 'waiting', code: 'platform_rate_limited' })
  const { until, userMessage } = state?.is === 'waiting' ? state : { until: new Date(0), userMessage: '' }
  expect(until.getTime() - Date.now()).toBeGreaterThan(1000)
  expect(userMessage).toContain(discordErrors.tooManyConnections(20, until))
  expect(counts().identified).toBe(0)
  discord.state.sessionsLeft = 1000
  await connected(listener)
  expect(lookUps()).toBe(2)
})

it('processes that are restarted again and again leave the reserve alone, and so keep the token', async () => {
  discord.state.sessionsLeft = 53
  for (let n = 0; n < 8; n += 1) {
    records = memoryRecords()
    await (await listen()).stop()
    open.length = 0
  }
  expect(discord.state.sessionsLeft).toBe(50)
  expect(counts().identified).toBe(3)
})

it('a session that can be resumed needs none of the reserve', async () => {
  await (await listen()).stop()
  open.length = 0
  discord.state.sessionsLeft = 0
  await connected(await listen())
  expect(counts()).toMatchObject({ identified: 1, resumed: 1 })
})

it('stopping waits for events in progress', async () => {
  const gate = Promise.withResolvers<void>()
  let begun = false
  const listener = await listen({
    intake: intake({
      async command({ text }) {
        begun = true
        await gate.promise
        taken.push(text)
        return { text: 'Done.' }
      },
    }),
  })
  const data = { type: 1, name: 'parley', options: [{ type: 1, name: 'help' }] }
  discord.use({ user: ann, channel: chat, type: 2, data })
  await discord.until(() => begun, 'the command')
  const stopped = listener.stop().then(() => taken.push('stopped'))
  gate.resolve()
  await stopped
  open.length = 0
  expect(taken).toEqual(['help', 'stopped'])
})

it('events beyond the waiting limit come again with the next process', async () => {
  let away = true
  const receive: Intake['receive'] = async ({ text, id }) => {
    if (away) throw new ParleyError('database_unreachable', 'The database is away.')
    taken.push(text)
    return { turnId: id, kind: 'duplicate' }
  }
  const first = await listen({ intake: intake({ receive }), mostWaiting: 2 })
  for (const text of ['one', 'two', 'three', 'four']) write(text)
  // The two that wait are tried again and again; nothing is taken in.
  await discord.until(() => positionOf(0) !== undefined, 'a position')
  await first.stop()
  open.length = 0
  away = false
  await listen({ intake: intake({ receive }) })
  await until('four')
  expect(taken).toEqual(['one', 'two', 'three', 'four'])
})

it('messages of one channel arrive in order while other channels continue', async () => {
  const gate = Promise.withResolvers<void>()
  const order: string[] = []
  await listen({
    intake: intake({
      async receive({ text, id }) {
        if (text === 'slow') await gate.promise
        order.push(text)
        return { turnId: id, kind: 'duplicate' }
      },
    }),
  })
  const other = discord.world.directChat(discord.world.addUser('Bob').id)
  write('slow')
  write('after it')
  discord.write({ author: ann, channel: other, text: 'elsewhere' })
  await discord.until(() => order.includes('elsewhere'), 'the other channel')
  expect(order).toEqual(['elsewhere'])
  gate.resolve()
  await discord.until(() => order.length === 3, 'the rest')
  expect(order).toEqual(['elsewhere', 'slow', 'after it'])
})

function positionOf(shard: number): number | undefined {
  const stored = records.peek(`session/${shard}`)
  return typeof stored === 'object' && stored !== null && 'sequence' in stored ? Number(stored.sequence) : undefined
}
