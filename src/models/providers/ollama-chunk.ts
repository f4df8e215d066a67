/** One line of Ollama's stream → what it adds. Only a line that is `done` ends an answer. */
import { z } from 'zod'
import type { Usage } from '../../core/reply.ts'
import type { FinishReason } from '../model.ts'
import { type Chunk, parseJson } from './chunk.ts'

const Text = z.string().nullish().catch(undefined)
const Count = z.number().int().nonnegative().nullish().catch(undefined)
const Call = z.object({
  id: Text,
  function: z.object({ name: Text, arguments: z.unknown() }),
})
const Line = z.object({
  message: z
    .object({ content: Text, thinking: Text, tool_calls: z.array(Call).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
  done: z.boolean().nullish().catch(undefined),
  done_reason: Text,
  prompt_eval_count: Count,
  eval_count: Count,
  error: z.unknown().optional(),
})

const finishes: Record<string, FinishReason> = { length: 'length' }

export function createOllamaReader(): (data: string) => Chunk[] {
  let calls = 0
  return (data) => {
    if (data.trim() === '') return []
    const parsed = parseJson(data)
    const line = Line.safeParse(parsed).data
    if (line === undefined) return [{ error: { message: 'a line of the stream is not JSON' } }]
    if (line.error !== undefined && line.error !== null) return [{ error: parsed }]
    const { message } = line
    const usage = normalizeUsage(line)
    const called = (message?.tool_calls ?? []).map(({ id, function: named }): Chunk => {
      const key = calls++
      const whole = typeof named.arguments === 'string' ? named.arguments : JSON.stringify(named.arguments ?? {})
      return { call: { key, whole: true, name: named.name ?? '', arguments: whole, id: id ? id : undefined } }
    })
    return [
      ...called,
      {
        text: message?.content ?? '',
        reasoning: message?.thinking ?? '',
        usage: usage ? usage : undefined,
        done: line.done ? true : undefined,
        finish: line.done ? (finishes[line.done_reason ?? ''] ?? 'stop') : undefined,
      },
    ]
  }
}

/** What stood in the model's cache counts as input like the rest; a count of nothing at all is one that was not told. */
function normalizeUsage({ prompt_eval_count: input, eval_count: output }: z.infer<typeof Line>): Usage | undefined {
  if (input === undefined || input === null || output === undefined || output === null) return undefined
  if (input === 0 && output === 0) return undefined
  return { input, cacheRead: 0, cacheWrite: 0, output, reasoning: 0, source: 'provider' }
}
