/** What a program demands of an answer, through the real worker and store: its functions, its forms, and what the model makes of them. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import type { Program } from '../src/core/message.ts'
import type { ToolCall } from '../src/core/tool-call.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider, ModelRequest } from '../src/models/model.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import type { StoredOutcome, Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { createFakeBudget, type FakeBudget } from '../test/fakes/budget.ts'
import { message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { createFakePlatform } from '../test/fakes/platform.ts'
import { turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database
let turns: Turns
let budget: FakeBudget
const requests: ModelRequest[] = []

beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

const tool = { name: 'get_weather', description: 'The weather.', schema: { type: 'object' } }
const call = (id: string, name = tool.name): ToolCall => ({ id, name, arguments: '{"city":"Kobe"}' })
const plain: Program = { ownPrompt: true, overflow: 'refuse', fallback: false, ignored: [], digest: '' }

/** A model that says this, and calls that. */
function model(text: string, calls: ToolCall[] = []): ModelProvider {
  return {
    name: 'cloud',
    models: async () => [],
    async *stream(request) {
      requests.push(request)
      yield { type: 'start', model: request.model }
      if (text !== '') yield { type: 'text', delta: text }
      for (const each of calls) yield { type: 'toolCall', ...each }
      const usage = { input: 100, output: 5, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'provider' as const }
      yield { type: 'usage', usage }
      yield { type: 'finish', reason: calls.length > 0 ? 'tool' : 'stop' }
    },
  }
}

async function ask(
  program: Partial<Program>,
  provider: ModelProvider,
  more = {},
  others: { id: string; tools: boolean }[] = [],
): Promise<StoredOutcome> {
  requests.length = 0
  budget = createFakeBudget()
  const id = crypto.randomUUID()
  const asked = message({ id, text: 'How is the weather?' })
  const conversation = { ...asked.conversation, threadId: id }
  const { turnId } = await turns.accept({ ...asked, conversation, program: { ...plain, ...program }, ...more })
  const common = { provider: 'cloud', price: perMillion('1', '1'), contextWindow: 64_000, maxOutputTokens: 1_000 }
  const configured = [{ id: 'm', ...common }, ...others.map((other) => ({ ...common, ...other }))]
  const catalogue = createCatalogue({
    configured,
    providers: [provider],
    defaultModel: others[0]?.id ?? 'm',
    log: silentLog,
  })
  // As the endpoint: an answer without a word is one.
  const { platform } = createFakePlatform({ exact: true })
  const rig = await turnRig(database, {
    models: { catalogue, provider: () => provider },
    money: { budget },
    messaging: { platform: () => platform },
  })
  await createTurn(rig)({ v: 1, turnId }, { id: 'job', attempt: 1, last: true, signal: new AbortController().signal })
  const outcome = await turns.ended(turnId)
  if (outcome === null) throw new Error('the turn did not end')
  return outcome
}

it('calls without a word are an answer, kept with its receipt and booked', async () => {
  const { text, state, receipt } = await ask({ tools: [tool] }, model('', [call('1'), call('2')]))
  expect({ text, state, calls: receipt.calls, finish: receipt.finish }).toEqual({
    text: '',
    state: 'done',
    calls: [call('1'), call('2')],
    finish: 'tool',
  })
  expect(requests[0]?.tools).toEqual([tool])
  expect(budget.rows).toMatchObject([{ settled: { outcome: 'ok' } }])
})

it('where Parley chooses, a model that cannot call is not chosen for a program with functions', async () => {
  const mute = [{ id: 'mute', tools: false }]
  const routed = { ownPrompt: false, fallback: true }
  expect((await ask({ ...routed, tools: [tool] }, model('', [call('1')]), {}, mute)).receipt.model).toBe('m')
  expect((await ask(routed, model('Sunny.'), {}, mute)).receipt.model).toBe('mute')
})

it('a model that calls twice, where one call is allowed, has called once', async () => {
  const { receipt } = await ask({ tools: [tool], parallelCalls: false }, model('', [call('1'), call('2')]))
  expect(receipt.calls).toEqual([call('1')])
})

it('the model gets its calls and what they gave behind the question, in order', async () => {
  const after: Program['after'] = [
    { role: 'assistant', text: 'Let me look.', calls: [call('1')] },
    { role: 'user', text: '', results: [{ id: '1', name: tool.name, text: 'sunny' }] },
  ]
  const { text } = await ask({ tools: [tool], after }, model('It is sunny.'))
  expect(text).toBe('It is sunny.')
  expect(requests[0]?.messages.map(({ role, parts }) => [role, parts])).toEqual([
    ['user', [{ type: 'text', text: 'How is the weather?' }]],
    [
      'assistant',
      [
        { type: 'text', text: 'Let me look.' },
        { type: 'toolCall', ...call('1') },
      ],
    ],
    ['user', [{ type: 'toolResult', id: '1', name: tool.name, text: 'sunny' }]],
  ])
})

it('a history that is cut never begins with what a lost call gave', async () => {
  const long = 'The sun shines. '.repeat(20_000)
  const history = [
    { role: 'user' as const, text: 'Before?' },
    { role: 'assistant' as const, text: long, calls: [call('1')] },
    { role: 'user' as const, text: '', results: [{ id: '1', name: tool.name, text: 'sunny '.repeat(4_000) }] },
    { role: 'assistant' as const, text: 'It was sunny.' },
  ]
  const { receipt } = await ask({ overflow: 'cut', tools: [tool] }, model('Fine.'), { history })
  expect(receipt.cutMessages).toBe(3)
  expect(requests[0]?.messages.map(({ role }) => role)).toEqual(['assistant', 'user'])
})

const format: Program['format'] = {
  type: 'schema',
  name: 'weather',
  schema: {
    type: 'object',
    properties: { sunny: { type: 'boolean' } },
    required: ['sunny'],
    additionalProperties: false,
  },
  strict: true,
}

it.each<[string, Partial<Program>, ModelProvider, RegExp]>([
  ['an answer that breaks the schema', { format }, model('{"sunny":"yes"}'), /sunny/],
  ['an answer that is no JSON', { format: { type: 'json' } }, model('Sunny.'), /not JSON/],
  [
    'no call where one is demanded',
    { tools: [tool], toolChoice: 'required' },
    model('Sunny.'),
    /did not call a function/,
  ],
  [
    'another call than the one that is demanded',
    { tools: [tool], toolChoice: { name: 'get_weather' } },
    model('', [call('1', 'other')]),
    /did not call the function get_weather/,
  ],
])('%s is a failure that is booked and says what is wrong', async (_what, program, provider, words) => {
  const { state, text, receipt } = await ask(program, provider)
  expect({ state, error: receipt.error }).toEqual({ state: 'failed', error: 'model_format_broken' })
  expect(text).toMatch(words)
  expect(budget.rows).toMatchObject([{ settled: { outcome: 'ok' } }])
  expect(requests).toHaveLength(1)
})

it('an answer that fits is the model’s text, whole', async () => {
  const { state, text } = await ask({ format }, model('{"sunny":true}'))
  expect({ state, text }).toEqual({ state: 'done', text: '{"sunny":true}' })
  expect(requests[0]?.format).toEqual(format)
})
