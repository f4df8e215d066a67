/** Every job has its handler here; a missing one does not compile. */
import type { Handlers } from '../src/queue/queue.ts'
import type { WorkerDeps } from './deps.ts'
import { createExtract } from './extract.ts'
import { createTurn } from './turn.ts'

export function createHandlers(deps: WorkerDeps, { sweep }: { sweep(): Promise<unknown> }): Handlers {
  return {
    turn: createTurn(deps),
    extract: createExtract(deps),
    async sweep() {
      await sweep()
      return 'done'
    },
  }
}
