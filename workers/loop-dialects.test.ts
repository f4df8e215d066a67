/** The loop through every dialect that models speak: real providers, scripted servers that stream calls in pieces and read their results. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import { createAnthropicProvider } from '../src/models/providers/anthropic.ts'
import { createOllamaProvider } from '../src/models/providers/ollama.ts'
import { createOpenAiProvider } from '../src/models/providers/openai.ts'
import { createOpenAiResponsesProvider } from '../src/models/providers/openai-responses.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import type { Tool } from '../src/tools/tool.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { createFakeBudget } from '../test/fakes/budget.ts'
import { message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { startScriptedAnthropic } from '../test/servers/anthropic.ts'
import { startScriptedOllama } from '../test/servers/ollama.ts'
import { startScriptedOpenAi } from '../test/servers/openai.ts'
import { startScriptedResponses } from '../test/servers/responses.ts'
import type { ReceivedRequest, ScriptedReply } from '../test/servers/scripted.ts'
import { jobContext, turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database

beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

const dialects = {
  'chat completions': { start: startScriptedOpenAi, create: createOpenAiProvider, path: '/v1' },
  responses: { start: startScriptedResponses, create: createOpenAiResponsesProvider, path: '/v1' },
  anthropic: { start: startScriptedAnthropic, create: createAnthropicProvider, path: '' },
  ollama: { start: startScriptedOllama, create: createOllamaProvider, path: '' },
} as const

const price = (of: string): Tool => ({
  name: `price_of_${of}`,
  description: `What one ${of} costs.`,
  schema: { type: 'object', properties: { currency: { type: 'string' } }, required: ['currency'] },
  effect: 'read',
  openWorld: false,
  limitMs: 5_000,
  mostTokens: 100,
  describe: () => `Looking up ${of}`,
  run: async (args) => ({ text: `An ${of} costs 3 ${JSON.stringify(args)}.` }),
})

describe.each(Object.entries(dialects))('the loop over %s', (_, { start, create, path }) => {
  it('streams calls in parallel, gives their results back, and is answered from them', async () => {
    const bodies: string[] = []
    const script = ({ body }: ReceivedRequest): ScriptedReply => {
      const text = JSON.stringify(body)
      bodies.push(text)
      if (text.includes('An apple costs 3')) return { tokens: ['Six', ' euros.'] }
      return {
        tokens: [],
        calls: ['apple', 'egg'].map((of, at) => ({
          id: `call_${at}`,
          name: `price_of_${of}`,
          arguments: ['{"currency":', '"EUR"}'],
        })),
      }
    }
    const model = await start({ script })
    onTestFinished(() => model.close())
    const provider: ModelProvider = create({
      baseUrl: `${model.origin}${path}`,
      apiKey: 'test',
      log: silentLog,
      name: 'served',
    })
    const configured = [
      {
        id: 'caller',
        provider: 'served',
        tools: true,
        contextWindow: 64_000,
        maxOutputTokens: 500,
        price: perMillion('1', '1'),
        tier: 'medium' as const,
      },
    ]
    const turns = createTurns(database)
    const budget = createFakeBudget()
    const run = createTurn(
      await turnRig(database, {
        models: {
          catalogue: createCatalogue({ configured, providers: [provider], defaultModel: 'caller', log: silentLog }),
          provider: () => provider,
        },
        money: { budget },
        tools: { offered: async () => [price('apple'), price('egg')] },
      }),
    )
    const { turnId } = await turns.accept(message({ channelId: crypto.randomUUID(), text: 'What do they cost?' }))
    await run({ v: 1, turnId }, jobContext(true))
    const outcome = await turns.ended(turnId)
    expect(outcome).toMatchObject({ state: 'done', text: 'Six euros.' })
    expect(outcome?.receipt.tools?.map((each) => [each.name, each.outcome])).toEqual([
      ['price_of_apple', 'done'],
      ['price_of_egg', 'done'],
    ])
    // Both results went back, and each request was paid for itself.
    expect(bodies).toHaveLength(2)
    expect(bodies[1]).toContain('An egg costs 3')
    expect(budget.rows).toHaveLength(2)
    expect(budget.open()).toBe(0)
  })
})
