/** The workers' dependencies for tests: real turns on a database, everything around them in memory, each to be replaced. */
import { silentLog } from '../src/core/log.ts'
import type { Places } from '../src/core/place.ts'
import { listenForStops } from '../src/intake/stop.ts'
import { createTurnLimits } from '../src/intake/turn-limits.ts'
import { createLocalChannel } from '../src/queue/channel.ts'
import type { JobContext, Queue } from '../src/queue/queue.ts'
import { createHealth } from '../src/routing/health.ts'
import { plainRules } from '../src/routing/rules.ts'
import { createMemory } from '../src/search/memory.ts'
import { createPlaceReaders } from '../src/search/places.ts'
import { createPlaceRows } from '../src/search/providers/places-postgres.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { createAttachments } from '../src/store/attachments.ts'
import type { Database } from '../src/store/database.ts'
import { createLimits } from '../src/store/limits.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { createIsolation } from '../workers/isolation.ts'
import type { TurnDeps } from '../workers/turn.ts'
import { createFakeBudget } from './fakes/budget.ts'
import { createFakePlatform } from './fakes/platform.ts'

export interface RigParts {
  models: Pick<TurnDeps['models'], 'catalogue' | 'provider'> & Partial<TurnDeps['models']>
  storage?: Partial<TurnDeps['storage']>
  messaging?: Partial<TurnDeps['messaging']>
  money?: Partial<TurnDeps['money']>
  retriever?: TurnDeps['retriever']
  /** Who can read what, as the platforms say; nothing else is searched than the place itself without it. */
  places?: Places
  web?: TurnDeps['web']
  log?: TurnDeps['log']
  tools?: TurnDeps['tools']
  writes?: TurnDeps['writes']
  rules?: TurnDeps['rules']
  limits?: Partial<TurnDeps['limits']>
  isolation?: TurnDeps['isolation']
  owner?: string
}

export async function turnRig(database: Database, parts: RigParts): Promise<TurnDeps> {
  const index = createPassageIndex(database.lasting)
  const fake = createFakePlatform()
  const log = parts.log ?? silentLog
  return {
    storage: {
      turns: createTurns(database),
      attachments: createAttachments(database),
      index,
      picture: async () => null,
      ...parts.storage,
    },
    messaging: {
      queue: { nudge: async () => {} } as Partial<Queue> as Queue,
      stops: await listenForStops(createLocalChannel()),
      platform: () => fake.platform,
      alerts: { send: async () => 'logged', target: async () => undefined },
      ...parts.messaging,
    },
    money: {
      budget: createFakeBudget(),
      turnLimits: createTurnLimits({ settings: { read: async () => new Map() }, limits: createLimits(database) }),
      approvals: { ask: async () => undefined },
      ...parts.money,
    },
    models: { health: createHealth(), ...parts.models },
    retriever: parts.retriever ?? index,
    memory: createMemory({
      retriever: index,
      places: createPlaceReaders({ rows: createPlaceRows(database.lasting), places: () => parts.places, log }),
    }),
    web: parts.web,
    tools: parts.tools,
    writes: parts.writes,
    rules: parts.rules ?? (async () => plainRules),
    limits: { promptTokens: 1_000, ...parts.limits },
    isolation: parts.isolation ?? createIsolation(),
    owner: parts.owner ?? 'test',
    log,
  }
}

export const jobContext = (last = false): JobContext => ({
  id: 'job',
  attempt: 1,
  last,
  signal: new AbortController().signal,
})
