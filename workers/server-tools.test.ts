/** A whole turn with tools of a server that nobody here wrote: the model calls them, and the server's death costs only its tools. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from '../src/models/model.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createToolServers as createStore } from '../src/store/tool-servers.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { joinToolboxes } from '../src/tools/find-tool.ts'
import { createToolServers, type ToolServers } from '../src/tools/mcp/servers.ts'
import { createServerTools } from '../src/tools/mcp/toolbox.ts'
import { toolServerWording } from '../src/wording/tool-servers.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { connect, counted, everything } from '../test/servers/tool-servers.ts'
import { jobContext, turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database
let program: Awaited<ReturnType<typeof counted>>
let servers: ToolServers
const by = { id: 'cli', via: 'test' }

beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  program = await counted(everything())
  const store = createStore(database)
  servers = createToolServers({
    configured: [program.server],
    store,
    // Once it is dead it stays so.
    connect: (each, listed) => connect(each, { listed, pauses: { firstMs: 600_000, mostMs: 600_000 } }),
    log: silentLog,
  })
  await servers.sync()
  await vi.waitFor(async () => expect(await store.tools(['everything'])).not.toEqual([]), { timeout: 30_000 })
  const tools = (await store.tools(['everything'])).map(({ name, hash }) => ({ name, hash, reads: true }))
  await store.approve('everything', tools, by)
})
afterAll(async () => {
  await servers?.close()
  await program?.[Symbol.asyncDispose]()
  await database?.close()
  await server?.dispose()
})

const resultsIn = ({ messages }: ModelRequest) =>
  messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolResult' ? [part] : [])))

/** Calls a tool, then says what it gave. */
async function ask(name: string, args: object, during: () => Promise<void> = async () => {}) {
  const requests: ModelRequest[] = []
  const provider: ModelProvider = {
    name: 'cloud',
    models: async () => [],
    async *stream(request): AsyncIterable<ModelEvent> {
      requests.push(request)
      yield { type: 'start', model: request.model }
      const [result] = resultsIn(request)
      if (result === undefined && request.tools !== undefined) {
        yield { type: 'toolCall', id: 'a', name, arguments: JSON.stringify(args) }
        await during()
      } else yield { type: 'text', delta: `It says: ${result?.text ?? 'nothing'}` }
      yield { type: 'finish', reason: result === undefined && request.tools !== undefined ? 'tool' : 'stop' }
    },
  }
  const price = perMillion('1', '1')
  const model = { id: 'm', provider: 'cloud', tier: 'medium' as const, price, tools: true }
  const configured = [{ ...model, contextWindow: 64_000, maxOutputTokens: 500 }]
  const tools = joinToolboxes([
    createServerTools({
      connections: servers.connections,
      store: createStore(database),
      roleOf: async () => 'member',
      asksBeforeWrites: false,
    }),
  ])
  const deps = await turnRig(database, {
    models: {
      catalogue: createCatalogue({ configured, providers: [provider], defaultModel: 'm', log: silentLog }),
      provider: () => provider,
    },
    tools,
  })
  const turns = createTurns(database)
  const { turnId } = await turns.accept({ ...message({ channelId: crypto.randomUUID() }), text: 'How much?' })
  await createTurn(deps)({ v: 1, turnId }, jobContext(true))
  return { requests, outcome: await turns.ended(turnId) }
}

describe('a turn with tools of a server', () => {
  it('gets what they give, as data, and shows people the call', async () => {
    const { outcome, requests } = await ask('everything_get-sum', { a: 2, b: 40 })
    expect(outcome?.text).toContain('The sum of 2 and 40 is 42.')
    expect(resultsIn(requests[1] as ModelRequest)[0]?.text).toMatch(/^<untrusted about="tool result"/)
    expect(outcome?.receipt.tools).toMatchObject([{ about: 'everything: get-sum (2, 40)', outcome: 'done' }])
  })

  it('goes on without them where the server dies, and says so', async () => {
    const kill = async () => {
      const [pid = 0] = await program.starts()
      process.kill(pid, 'SIGKILL')
      await vi.waitFor(() => expect(servers.connections()[0]?.tools()).toBeUndefined(), { timeout: 20_000 })
    }
    const { outcome } = await ask('everything_echo', { message: 'hello' }, kill)
    expect(outcome).toMatchObject({
      state: 'done',
      text: expect.stringContaining(toolServerWording.unreachable('everything')),
    })
    expect(outcome?.receipt.tools).toMatchObject([{ name: 'everything_echo', outcome: 'failed' }])
    const next = await ask('everything_echo', {})
    expect(next.outcome).toMatchObject({ state: 'done', text: 'It says: nothing' })
    expect(JSON.stringify(next.outcome?.receipt)).toContain(toolServerWording.left('everything'))
    expect(next.requests[0]?.tools).toBeUndefined()
  })
})
