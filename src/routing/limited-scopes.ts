/**
 * Which scopes have a budget, kept in memory: where none concerns a question, nothing is asked. Told of changes through the
 * channel, and looked up again in the background when that is long ago, because the channel may lose a message. It only
 * spares the router questions: a reservation always looks at the budgets themselves.
 */
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Channel } from '../queue/channel.ts'
import type { Budgets } from '../store/budgets.ts'

/** Published when budgets come or go. */
export const budgetsTopic = 'budgets-changed'

export interface LimitedScopes {
  scopes(): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

export async function createLimitedScopes(deps: {
  budgets: Pick<Budgets, 'scopes'>
  channel: Pick<Channel, 'subscribe'>
  log: Log
  maxAgeMs?: number
  now?: () => number
}): Promise<LimitedScopes> {
  const { budgets, channel, log, maxAgeMs = 15_000, now = () => performance.now() } = deps
  let known: Promise<ReadonlySet<string>> | undefined
  let loadedAt = Number.NEGATIVE_INFINITY

  function load(): Promise<ReadonlySet<string>> {
    loadedAt = now()
    return budgets.scopes()
  }
  const close = await channel.subscribe(budgetsTopic, () => {
    known = undefined
  })

  return {
    scopes() {
      if (known === undefined) {
        const first = load()
        known = first
        // What failed is asked again by the next.
        first.catch(() => {
          if (known === first) known = undefined
        })
      } else if (now() - loadedAt > maxAgeMs) {
        const before = known
        void load().then(
          (scopes) => {
            // A change that came in meanwhile is newer.
            if (known === before) known = Promise.resolve(scopes)
          },
          (error: unknown) => log.warn(errorFields(error), 'budgets not looked up; those known are used'),
        )
      }
      return known
    },
    close,
  }
}
