/** Turns whose model calls tools: a scripted model and real workers on a database; people who press buttons. */

import type { Role } from '../src/core/command.ts'
import type { Json } from '../src/core/json.ts'
import { silentLog } from '../src/core/log.ts'
import type { IncomingMessage } from '../src/core/message.ts'
import type { Pressed } from '../src/core/platform.ts'
import { createToolDecisions, createToolRequests } from '../src/intake/tool-approvals.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from '../src/models/model.ts'
import type { Job } from '../src/queue/queue.ts'
import type { Database } from '../src/store/database.ts'
import { createToolCalls } from '../src/store/tool-calls.ts'
import type { StoredOutcome, Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import type { Tool, ToolCall, ToolResult } from '../src/tools/tool.ts'
import { createTurn, type TurnDeps } from '../workers/turn.ts'
import { perMillion } from './fakes/model.ts'
import { createFakePlatform, type FakePlatform } from './fakes/platform.ts'
import { jobContext, type RigParts, turnRig } from './worker-rig.ts'

export type Says = ModelEvent[] | ((request: ModelRequest) => ModelEvent[])

export const calls = (id: string, name: string, args: Json): ModelEvent => {
  return { type: 'toolCall', id, name, arguments: JSON.stringify(args) }
}
export const says = (delta: string): ModelEvent => ({ type: 'text', delta })

export const resultsIn = (request: ModelRequest | undefined) =>
  (request?.messages ?? []).flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolResult' ? [part] : [])))

/** Says its steps one after the other: which one comes next is read from the results in the request, as a real model does. */
export function scriptedModel(steps: Says[], requests: ModelRequest[]): ModelProvider {
  return {
    name: 'cloud',
    models: async () => [],
    async *stream(request, signal) {
      if (signal.aborted) return yield { type: 'finish', reason: 'aborted' }
      requests.push(request)
      const step = request.messages.filter(({ parts }) => parts.some(({ type }) => type === 'toolResult')).length
      const next = steps[Math.min(step, steps.length - 1)] ?? []
      const events = typeof next === 'function' ? next(request) : next
      yield { type: 'start', model: request.model }
      yield* events
      yield {
        type: 'usage',
        usage: { input: 10, output: 5, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'provider' },
      }
      yield { type: 'finish', reason: events.some(({ type }) => type === 'toolCall') ? 'tool' : 'stop' }
    },
  }
}

export function fakeTool(
  name: string,
  run: (args: Json, call: ToolCall) => Promise<ToolResult>,
  more: Partial<Tool> = {},
): Tool {
  return {
    name,
    description: `The tool ${name}.`,
    schema: { type: 'object', properties: { of: { type: 'string' } } },
    effect: 'read',
    openWorld: false,
    limitMs: 5_000,
    mostTokens: 1_000,
    describe: (args) => `Asking ${name} for ${JSON.stringify(args)}`,
    run,
    ...more,
  }
}

export interface ToolRig {
  deps: TurnDeps
  turns: Turns
  platform: FakePlatform
  requests: ModelRequest[]
  /** What presses handed to the queue. */
  jobs: Job[]
  /** Answers a turn as far as it goes; `null` while it has not ended. */
  answer(turnId: string, signal?: AbortSignal): Promise<StoredOutcome | null>
  /** Ids of the requests that people were shown, in their order. */
  cards(): string[]
  press(id: string, decision: 'approve' | 'decline', by?: string, at?: IncomingMessage): Promise<Pressed | undefined>
}

export async function toolRig(
  database: Database,
  {
    steps,
    tools,
    roles = {},
    alertsTarget,
    capabilities,
    ...parts
  }: Omit<Partial<RigParts>, 'tools'> & {
    steps: Says[]
    /** The same list each time, so that a test can change it. */
    tools: Tool[]
    roles?: Record<string, Role>
    alertsTarget?: IncomingMessage['replyTarget']
    capabilities?: Parameters<typeof createFakePlatform>[0]
  },
): Promise<ToolRig> {
  const requests: ModelRequest[] = []
  const jobs: Job[] = []
  const provider = scriptedModel(steps, requests)
  const configured = [
    {
      ...{ id: 'first', provider: 'cloud', tier: 'medium' as const, price: perMillion('1', '1') },
      ...{ contextWindow: 64_000, maxOutputTokens: 500, tools: true },
    },
  ]
  const platform = createFakePlatform({ buttons: true, ...capabilities })
  const alerts = { target: async () => alertsTarget }
  const turns = createTurns(database)
  const toolCalls = createToolCalls(database)
  const deps = await turnRig(database, {
    models: {
      catalogue: createCatalogue({ configured, providers: [provider], defaultModel: 'first', log: silentLog }),
      provider: () => provider,
    },
    writes: {
      calls: toolCalls,
      requests: createToolRequests({ alerts, platform: () => platform.platform, log: silentLog }),
    },
    ...parts,
    messaging: { platform: () => platform.platform, ...parts.messaging },
    tools: { offered: async () => tools },
  })
  const run = createTurn(deps)
  const add = async (job: Job) => void jobs.push(job)
  const decide = createToolDecisions({
    ...{ calls: toolCalls, alerts, turns, log: silentLog, queue: { add, addFlow: add } },
    roleOf: async ({ id }) => roles[id] ?? 'member',
    names: async () => new Map(),
  })
  return {
    ...{ deps, turns, platform, requests, jobs },
    async answer(turnId, signal = new AbortController().signal) {
      await run({ v: 1, turnId }, { ...jobContext(true), signal }).catch(() => undefined)
      return await turns.ended(turnId)
    },
    cards: () =>
      [...platform.notices.values()].flatMap(({ buttons = [] }) =>
        buttons.flatMap(({ action }) => (action.kind === 'approve' ? [action.approvalId] : [])),
      ),
    press: (id, decision, by = 'ann', at) =>
      decide(id, decision, { id: by }, at?.conversation ?? { platform: 'test', workspaceId: 'team', channelId: 'c' }),
  }
}
