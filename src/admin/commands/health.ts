/** Whether all is well: `health`. */

import type { Model } from '../../models/catalogue.ts'
import type { Health } from '../../routing/health.ts'
import { type Command, define } from '../define.ts'
import { bulleted, code, many } from '../text.ts'

export interface HealthDeps {
  health: Pick<Health, 'list'>
  models(): Promise<Model[]>
  /** Questions that wait for an answer, and how long the oldest has, in milliseconds. */
  waiting(): Promise<{ turns: number; oldestMs: number | null }>
}

export function healthCommands({ health, models, waiting }: HealthDeps): Command[] {
  return [
    define({
      name: 'health',
      summary: 'Which models answer now, how fast, and what waits',
      role: 'member',
      args: {},
      examples: ['health'],
      async run() {
        const [all, { turns, oldestMs }] = await Promise.all([models(), waiting()])
        const writing = all.filter(({ origin, enabled }) => origin !== 'builtin' && enabled)
        const unpriced = writing.filter(({ price }) => price === undefined)
        const ends = health.list().map(({ provider, model, state, because, againInMs, calls, failures, speed }) => {
          const name = model === null ? `All of ${code(provider)}` : code(`${provider}/${model}`)
          const again = againInMs === null ? '' : `, tried again in ${Math.ceil(againInMs / 1000)} s`
          const status = state === 'closed' ? 'well' : `**not asked** because it ${because ?? 'failed'}${again}`
          const speedNote = speed === null ? '' : `, first words after ${(speed.firstTokenMs / 1000).toFixed(1)} s`
          return `${name}: ${status}${calls === 0 ? '' : `, ${many(calls, 'call')} in the last minute, ${failures} failed`}${speedNote}`
        })
        const oldest = oldestMs === null ? '' : `, the oldest for ${Math.round(oldestMs / 1000)} s`
        return {
          text: bulleted([
            writing.length === 0
              ? 'No language model is there: files are quoted'
              : `${many(writing.length, 'model')} can be asked`,
            ...(unpriced.length === 0
              ? []
              : [
                  `${many(unpriced.length, 'model')} without a price, which is not asked until \`/parley models price\` sets one`,
                ]),
            turns === 0 ? 'Nothing waits' : `${many(turns, 'question')} under way${oldest}`,
            ...ends,
          ]),
        }
      },
    }),
  ]
}
