/**
 * A process that makes calls to a billing model (test/servers/billing-model.ts) through the door of paid calls, as a worker
 * does, and ends each of them as it is told. Reads the calls as one line of JSON, says `begin` when it may be told to, and one
 * line for each call that has begun and for each that has ended.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ask } from '../../src/answer/ask.ts'
import { asParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import type { ModelProvider, ModelRequest } from '../../src/models/model.ts'
import { createAnthropicProvider } from '../../src/models/providers/anthropic.ts'
import { createOpenAiProvider } from '../../src/models/providers/openai.ts'
import { createOpenAiResponsesProvider } from '../../src/models/providers/openai-responses.ts'
import { createHealth } from '../../src/routing/health.ts'
import { createAttempts } from '../../src/routing/metered-call.ts'
import { model } from '../fakes/model.ts'
import { billedPrice } from '../servers/billing-model.ts'
import { openChildBudget } from './child-budget.ts'

const Call = z.object({
  turnId: z.string(),
  userId: z.string(),
  dialect: z.enum(['chat', 'responses', 'anthropic', 'nowhere']),
  fate: z.string(),
  /** Pressed by a person, lost with a lease or hung up by a client of `/v1`: an abort after so many milliseconds. */
  stopAfterMs: z.number().optional(),
  /** The reader leaves after the first word. */
  leaves: z.boolean().optional(),
})

const [databaseUrl = '', origin = '', lease = '20000', renew = '2000'] = process.argv.slice(2)
const { database, budget } = await openChildBudget(databaseUrl, { leaseMs: Number(lease), renewMs: Number(renew) })
// Broken streams are the subject here: no circuit takes a model away.
const health = createHealth({ limits: { inARow: 10_000, share: 2 } })
const timers = { connectMs: 60_000, idleMs: 400, totalMs: 60_000 }
const common = { apiKey: 'sk-test', timers, backoffMs: 5, log: silentLog }
const providers: Record<z.infer<typeof Call>['dialect'], ModelProvider> = {
  chat: createOpenAiProvider({ ...common, name: 'chat', baseUrl: `${origin}/v1` }),
  responses: createOpenAiResponsesProvider({ ...common, name: 'responses', baseUrl: `${origin}/v1` }),
  anthropic: createAnthropicProvider({ ...common, name: 'anthropic', baseUrl: origin, documents: false }),
  nowhere: createOpenAiProvider({ ...common, name: 'nowhere', baseUrl: `http://127.0.0.1:${await closedPort()}/v1` }),
}
/** Of `responses`, Parley knows the tokenizer. */
const names = { chat: 'some-chat', responses: 'gpt-5-mini', anthropic: 'claude-sonnet-5', nowhere: 'some-chat' }
/** More at once would wait for this machine instead of the model. */
const atATime = 60
const prose = 'The notice period is thirty days, and it begins on the first day of the month after the letter arrived. '

async function call({ turnId, userId, dialect, fate, stopAfterMs, leaves }: z.infer<typeof Call>): Promise<string> {
  const spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId }
  const attempts = createAttempts({ budget, health, spender, turnId })
  const asked = model(`${dialect}/${names[dialect]}`, { price: billedPrice, maxOutputTokens: 1_000 })
  const request: ModelRequest = {
    model: asked.id,
    system: 'Answer from the files.',
    maxOutputTokens: 1_000,
    messages: [{ role: 'user', parts: [{ type: 'text', text: `${prose.repeat(10)}[[${turnId}:${fate}]]` }] }],
  }
  const stop = new AbortController()
  const provider = (name: string): ModelProvider => {
    // From here on the request is on its way.
    if (stopAfterMs !== undefined) void sleep(stopAfterMs).then(() => stop.abort())
    return providers[name as keyof typeof providers]
  }
  const deps = {
    provider,
    prepare: async () => request,
    attempts,
    cheaper: async () => [],
    log: silentLog,
  }
  try {
    for await (const event of ask([asked], deps, stop.signal)) {
      if (leaves && event.type === 'text') return 'left'
      if (event.type === 'end') return event.reason
    }
    return 'nothing'
  } catch (error) {
    return asParleyError(error).code
  }
}

/** Nobody listens there any more. */
async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  await new Promise((resolve) => listener.close(resolve))
  return port
}

process.stdout.write('"begin"\n')
const [line] = (await once(process.stdin.setEncoding('utf8'), 'data')) as [string]
const calls = z.array(Call).parse(JSON.parse(line))
// How fast the models are is learned first, as in any process that has run for a while.
const warm = calls.splice(0, 18)
const say = (turnId: string, outcome: string) => process.stdout.write(`${JSON.stringify({ turnId, outcome })}\n`)
const userMessage = async (each: (typeof calls)[number]) => {
  say(each.turnId, 'begun')
  say(each.turnId, await call(each))
}
await Promise.all(warm.map(userMessage))
const next = calls.values()
const caller = async () => {
  for (const each of next) await userMessage(each)
}
await Promise.all(Array.from({ length: atATime }, caller))
await budget.close()
await database.close()
process.exit(0)
