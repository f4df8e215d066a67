/** Runs the steps of a turn: what an earlier run has completed for the same input is taken from the store, not done again. */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { traced } from '../core/events.ts'
import { type Json, storableJson } from '../core/json.ts'
import type { StoredStep, Turns, TurnWork } from '../store/turns.ts'

/** The place of what was done for a turn before it began, while its files were read. The steps themselves count from 1. */
export const aheadStep = 0

export const inputHashOf = (input: unknown) => createHash('sha256').update(storableJson(input)).digest('hex')

/** Another worker has the turn now. */
export class LeaseLost extends Error {
  constructor() {
    super('another worker has taken over this turn')
    this.name = 'LeaseLost'
  }
}

export interface Steps {
  /**
   * The result of the next step, stored before this returns. `input` is everything that the result depends on; `keep` parses
   * what is stored, and what it does not accept is done again.
   */
  run<Result extends Json>(
    kind: StoredStep['kind'],
    input: unknown,
    keep: z.ZodType<Result>,
    work: () => Promise<Result>,
  ): Promise<Result>
}

export function createSteps(
  work: Pick<TurnWork, 'id' | 'steps'>,
  owner: string,
  store: Pick<Turns, 'saveStep'>,
): Steps {
  let n = 0
  return {
    async run(kind, input, keep, doIt) {
      n += 1
      const inputHash = inputHashOf(input)
      const stored = work.steps.find((step) => step.n === n && step.kind === kind && step.inputHash === inputHash)
      const known = stored === undefined ? undefined : keep.safeParse(stored.result).data
      const place = n
      const { result } = await traced(
        'parley:step',
        { turnId: work.id, n: place, step: kind },
        async () => {
          if (known !== undefined) return { result: known, resumed: true }
          const made = await doIt()
          const step = { n: place, kind, inputHash, result: made }
          if ((await store.saveStep(work.id, owner, step)) === 'lost') throw new LeaseLost()
          return { result: made, resumed: false }
        },
        ({ resumed }) => ({ resumed }),
      )
      return result
    },
  }
}
