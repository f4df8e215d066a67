/** Every job has its handler here; a missing one does not compile. */
import type { Handlers } from '../src/queue/queue.ts'
import { createExtract, type ExtractDeps } from './extract.ts'
import { createTurn, type TurnDeps } from './turn.ts'

export type HandlerDeps = TurnDeps & ExtractDeps & { sweep(): Promise<unknown> }

export function createHandlers(deps: HandlerDeps): Handlers {
  return {
    turn: createTurn(deps),
    extract: createExtract(deps),
    async sweep() {
      await deps.sweep()
      return 'done'
    },
  }
}
