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

/** A step that is not always stored: `known` is what an earlier run has stored for the same input. */
export interface OpenStep<Result extends Json> {
  known: Result | undefined
  /** Throws LeaseLost. */
  store(result: Result): Promise<void>
}

export interface Steps {
  /** The next step, for work that decides itself whether it is stored. */
  open<Result extends Json>(kind: StoredStep['kind'], input: unknown, keep: z.ZodType<Result>): OpenStep<Result>
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
  const steps: Steps = {
    open(kind, input, keep) {
      n += 1
      const place = n
      const inputHash = inputHashOf(input)
      const stored = work.steps.find((step) => step.n === place && step.kind === kind && step.inputHash === inputHash)
      return {
        known: stored === undefined ? undefined : keep.safeParse(stored.result).data,
        async store(result) {
          const step = { n: place, kind, inputHash, result }
          if ((await store.saveStep(work.id, owner, step)) === 'lost') throw new LeaseLost()
        },
      }
    },
    async run(kind, input, keep, doIt) {
      const step = steps.open(kind, input, keep)
      const { result } = await traced(
        'parley:step',
        { turnId: work.id, n, step: kind },
        async () => {
          if (step.known !== undefined) return { result: step.known, resumed: true }
          const made = await doIt()
          await step.store(made)
          return { result: made, resumed: false }
        },
        ({ resumed }) => ({ resumed }),
      )
      return result
    },
  }
  return steps
}
