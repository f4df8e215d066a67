/** Which tools of real servers a question is offered: approvals on a real database, changes of definitions, places and roles. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'
import { message } from '../../../test/fakes/message.ts'
import { connect, everything, odd } from '../../../test/servers/tool-servers.ts'
import type { Role } from '../../core/command.ts'
import { silentLog } from '../../core/log.ts'
import { scopeOf, spenderOf } from '../../core/scope.ts'
import { type KnownTool, saysItReads, type ToolServer, type ToolServerStore } from '../../core/tool-servers.ts'
import { createAudit } from '../../store/audit.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { createToolServers as createStore } from '../../store/tool-servers.ts'
import { toolServerWording } from '../../wording/tool-servers.ts'
import type { OfferedTo, Tool, ToolCall } from '../tool.ts'
import type { ToolConnection } from './connection.ts'
import { createToolServers, type ToolServers } from './servers.ts'
import { createServerTools, type ServerToolsDeps } from './toolbox.ts'

const by = { id: 'slack/T1/admin', via: 'command' }
let server: TestServer
let database: Database
let store: ToolServerStore
let servers: ToolServers

beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  store = createStore(database)
  servers = createToolServers({
    configured: [everything(), odd()],
    store,
    connect: (each, listed) => connect(each, { listed }),
    log: silentLog,
  })
  await servers.sync()
  await vi.waitFor(async () => expect(await names()).toHaveLength(13 + 4), { timeout: 30_000 })
})
afterAll(async () => {
  await servers?.close()
  await database?.close()
  await server?.dispose()
})

const known = () => store.tools(['everything', 'odd'])
const names = async () => (await known()).map(({ name }) => name)
const named = async (server: string, name: string): Promise<KnownTool> => {
  const found = (await known()).find((tool) => tool.server === server && tool.name === name)
  if (found === undefined) throw new Error(name)
  return found
}
const approve = async (server: string, name: string, reads: boolean) =>
  await store.approve(server, [{ name, hash: (await named(server, name)).hash, reads }], by)

const asked = message({ channelId: 'C1' })
const notes: string[] = []
const turn = (more: Partial<OfferedTo> = {}): OfferedTo => ({
  turnId: 't',
  platform: 'slack',
  author: asked.author,
  conversation: asked.conversation,
  audience: { conversation: 'c', place: 'p' },
  spender: spenderOf(asked.conversation, asked.author),
  ...{ localOnly: false, memory: false, web: false, pages: false, files: [] },
  note: (sentence) => void notes.push(sentence),
  ...more,
})
const call = { signal: new AbortController().signal, progress: () => {} } as Partial<ToolCall> as ToolCall

async function offered(more: Partial<ServerToolsDeps> = {}, to = turn()): Promise<readonly Tool[]> {
  const box = createServerTools({
    connections: servers.connections,
    store,
    roleOf: async () => 'member',
    asksBeforeWrites: false,
    ...more,
  })
  return await box.offered(to)
}
const offeredNames = async (...args: Parameters<typeof offered>) => (await offered(...args)).map(({ name }) => name)

/** Another setting of the same servers. */
function having(change: Partial<ToolServer>): Partial<ServerToolsDeps> {
  const connections = (): ToolConnection[] =>
    servers.connections().map((connection) => ({ ...connection, server: { ...connection.server, ...change } }))
  return { connections }
}

describe('a tool of a server', () => {
  it('is not offered before an admin has approved its definition', async () => {
    expect(await offered()).toEqual([])
    expect(await approve('everything', 'echo', true)).toEqual(['echo'])
    expect(await offeredNames()).toEqual(['everything_echo'])
    const [echo] = await offered()
    expect(echo).toMatchObject({ effect: 'read', openWorld: true, limitMs: 60_000 })
    expect(await echo?.run({ message: 'hi' }, call)).toEqual({ text: 'Echo: hi', failed: false })
    const [entry] = await createAudit(database).list({ limit: 1 })
    expect(entry).toMatchObject({ name: 'tool approval', by: { id: by.id }, after: { server: 'everything' } })
  })

  it('writes unless its server says that it reads and an admin approved it as reading; what writes needs people to be asked', async () => {
    // It says that it reads, and was approved without that.
    await approve('everything', 'get-sum', false)
    // It does not say so, whatever was approved.
    await approve('everything', 'toggle-simulated-logging', true)
    expect(saysItReads((await named('everything', 'toggle-simulated-logging')).definition)).toBe(false)
    expect(await offeredNames()).toEqual(['everything_echo'])
    const all = await offered({ asksBeforeWrites: true })
    expect(all.map(({ name, effect }) => [name, effect])).toEqual([
      ['everything_echo', 'read'],
      ['everything_get-sum', 'write'],
      ['everything_toggle-simulated-logging', 'write'],
    ])
  })

  it('is off once its definition has changed, also for a turn that was offered the one before', async () => {
    await approve('odd', 'say', true)
    await approve('odd', 'change', true)
    const tools = await offered()
    const say = tools.find(({ name }) => name === 'odd_say')
    expect(await say?.run({ text: 'a' }, call)).toMatchObject({ text: 'say {"text":"a"}' })
    await tools.find(({ name }) => name === 'odd_change')?.run({}, call)
    await vi.waitFor(async () => expect((await named('odd', 'say')).definition.description).toBe('Deletes everything.'))
    expect(await say?.run({ text: 'b' }, call)).toEqual({ text: toolServerWording.changed('say'), failed: true })
    expect(await offeredNames()).not.toContain('odd_say')
    // The admin sees both, and an approval of what they saw before counts for nothing.
    const changed = await named('odd', 'say')
    expect(changed.approved?.definition.description).toBe('Says what it is given.')
    expect(await store.approve('odd', [{ name: 'say', hash: changed.approved?.hash ?? '', reads: true }], by)).toEqual(
      [],
    )
    await approve('odd', 'say', true)
    expect(await offeredNames()).toContain('odd_say')
    expect(await store.revoke('odd', 'say', by)).toBe(true)
    expect(await offeredNames()).not.toContain('odd_say')
  })

  it('has a name, a description and a schema that models take, whatever its server sends', async () => {
    for (const name of ['x'.repeat(90), 'odd schema!']) await approve('odd', name, true)
    const tools = (await offered()).filter(({ name }) => name.startsWith('odd_'))
    expect(tools).toHaveLength(3)
    for (const { name, description, schema } of tools) {
      expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
      expect(description.length).toBeLessThanOrEqual(1_000)
      expect(description).not.toMatch(/\p{Cf}/u)
      expect(JSON.stringify(schema)).not.toMatch(/\$ref|oneOf|\$defs|\$schema/)
      expect(schema.type).toBe('object')
    }
  })

  it('is for the places, roles and networks that its server is for', async () => {
    const { spender } = turn()
    expect(await offeredNames(having({ where: [scopeOf.channel(spender)] }))).not.toEqual([])
    expect(await offeredNames(having({ where: [scopeOf.channel({ ...spender, channelId: 'C2' })] }))).toEqual([])
    const role = (role: Role) => async () => role
    expect(await offeredNames({ ...having({ roles: ['admin'] }), roleOf: role('admin') })).not.toEqual([])
    expect(await offeredNames({ ...having({ roles: ['admin'] }), roleOf: role('manager') })).toEqual([])
    const guest = turn({ author: { ...asked.author, membership: 'guest' } })
    expect(await offeredNames({ roleOf: role('admin') }, guest)).toEqual([])
    expect(await offeredNames(having({ roles: ['guest'] }), guest)).not.toEqual([])
    expect(await offeredNames({}, turn({ localOnly: true }))).toEqual([])
    expect(await offeredNames(having({ local: true }), turn({ localOnly: true }))).not.toEqual([])
  })

  it('shows people its progress, however often its server tells of it, only now and then', async () => {
    const shown: string[] = []
    const telling: ToolConnection['call'] = async (_tool, _args, { progress }) => {
      for (let n = 1; n <= 1_000; n += 1) progress?.({ progress: n, total: 2_000 })
      return { content: [] }
    }
    const connections = () => servers.connections().map((connection) => ({ ...connection, call: telling }))
    const [echo] = await offered({ connections })
    expect(await echo?.run({}, { ...call, progress: (sentence) => void shown.push(sentence) })).toMatchObject({
      text: toolServerWording.empty,
    })
    expect(shown[0]).toBe('everything: echo, 0 %')
    expect(shown.length).toBeLessThan(20)
  })

  it('does not take the name of another tool', async () => {
    const taken = new Set(['everything_echo'])
    expect((await offeredNames({ taken }))[0]).toMatch(/^everything_echo_[0-9a-f]{8}$/)
  })

  it('is left out while its server cannot be reached, and the receipt says so', async () => {
    const down = { connections: () => servers.connections().map((each) => ({ ...each, tools: () => undefined })) }
    expect(await offered(down)).toEqual([])
    expect(notes).toContain(toolServerWording.left('everything'))
  })
})

describe('servers that are added by command', () => {
  it('are connected and parted from while Parley runs; their approvals go with them', async () => {
    const added = { ...odd(), name: 'added' }
    expect(await store.add(added, by)).toBe(true)
    expect(await store.add(added, by)).toBe(false)
    await servers.sync()
    await vi.waitFor(async () => expect(await store.tools(['added'])).toHaveLength(4), { timeout: 30_000 })
    expect(await store.remove('added', by)).toBe(true)
    await servers.sync()
    expect(servers.connections().map(({ server }) => server.name)).toEqual(['everything', 'odd'])
    expect(await store.tools(['added'])).toEqual([])
    expect(await store.remove('added', by)).toBe(false)
  })
})
