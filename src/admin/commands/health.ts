/** The state of models and the queue: `health`. */
import type { Model } from '../../models/catalogue.ts'
import type { Health } from '../../routing/health.ts'
import { healthWording, modelName } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { type Command, define } from '../define.ts'

export interface HealthDeps {
  health: Pick<Health, 'list'>
  models(): Promise<Model[]>
  /** Questions without an answer yet, and the age of the oldest in milliseconds. */
  waiting(): Promise<{ turns: number; oldestMs: number | null }>
}

export function healthCommands({ health, models, waiting }: HealthDeps): Command[] {
  return [
    define({
      name: 'health',
      summary: 'Shows which models work, how fast they are, and how many questions are waiting',
      role: 'member',
      args: {},
      examples: ['health'],
      async run(_, { names }) {
        const [all, { turns, oldestMs }] = await Promise.all([models(), waiting()])
        const writing = all.filter(({ origin, enabled }) => origin !== 'builtin' && enabled)
        const unpriced = writing.filter(({ price }) => price === undefined)
        const ends = health.list().map(({ provider, model, state, because, againInMs, calls, failures, speed }) => {
          const name = model === null ? healthWording.allOf(provider) : modelName(provider, model, names)
          const status = state === 'closed' ? healthWording.ok : healthWording.paused(because, againInMs)
          const firstWords = speed === null ? '' : healthWording.firstWords(speed.firstTokenMs)
          return `${name}: ${status}${calls === 0 ? '' : healthWording.calls(calls, failures)}${firstWords}`
        })
        return {
          text: bulleted([
            writing.length === 0 ? healthWording.noModels : healthWording.models(writing.length),
            ...(unpriced.length === 0 ? [] : [healthWording.withoutPrice(unpriced.length)]),
            turns === 0 ? healthWording.idle : healthWording.waiting(turns, oldestMs),
            ...ends,
          ]),
        }
      },
    }),
  ]
}
