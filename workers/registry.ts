/** Every job has its handler here; a missing one does not compile. */
import type { Handlers } from '../src/queue/queue.ts'
import type { WorkerDeps } from './deps.ts'
import { createExtract } from './extract.ts'
import { createLearn } from './learn.ts'
import { createSearch } from './search.ts'
import { createTurn } from './turn.ts'

export function createHandlers(
  deps: WorkerDeps,
  {
    sweep,
    embed,
    webhooks,
  }: { sweep(): Promise<unknown>; embed(signal: AbortSignal): Promise<boolean>; webhooks(): void },
): Handlers {
  return {
    turn: createTurn(deps),
    extract: createExtract(deps),
    search: createSearch(deps),
    learn: createLearn(deps),
    async embed(_payload, { signal }) {
      // A job that ends at once gives the others their turn.
      return (await embed(signal)) ? { delayMs: 1 } : 'done'
    },
    async webhooks() {
      // In the background: a slow receiver holds up no sweep.
      webhooks()
      return 'done'
    },
    async sweep() {
      await sweep()
      return 'done'
    },
  }
}
