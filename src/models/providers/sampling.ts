/** How each API words what programs set of a model's sampling. What has no word is not sent. */
import { type Sampling, samplingWords } from '../../core/message.ts'
import type { ModelRequest } from '../model.ts'

type Words = Partial<Record<keyof Sampling, string>>

export const chatSampling = samplingWords

/** The effort has a place of its own there (openai-responses.ts). */
export const responsesSampling = { topP: 'top_p', reasoningEffort: 'reasoning.effort' } as const satisfies Words

export const anthropicSampling = { topP: 'top_p', stop: 'stop_sequences' } as const satisfies Words

const { reasoningEffort: _effort, logprobs: _logprobs, ...withoutEffort } = samplingWords
export const ollamaSampling = withoutEffort

export function taken(words: Words): (keyof Sampling)[] {
  return Object.keys(words) as (keyof Sampling)[]
}

/** The part of a request's body; `without` is what the server has refused. */
export function sampled(
  { sampling = {} }: ModelRequest,
  words: Words,
  without: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(words).flatMap(([name, word]) => {
      const value = sampling[name as keyof Sampling]
      if (value === undefined || without.has(word) || word.includes('.')) return []
      if (name === 'logprobs')
        return [[word, true], ...(value === 0 || without.has('top_logprobs') ? [] : [['top_logprobs', value]])]
      return [[word, value]]
    }),
  )
}
