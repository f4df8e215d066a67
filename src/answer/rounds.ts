/** The rounds of the loop (loop.ts): what a model said and called, what the calls gave, and how the next request tells it. */
import { z } from 'zod'
import { Citation } from '../core/reply.ts'
import { sourceLabel } from '../core/source.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import type { ModelMessage, ModelRequest, Part } from '../models/model.ts'
import { renderData, renderPassage } from '../models/render-passage.ts'
import type { Excerpt } from '../prompt/content.ts'
import { toolWording } from '../wording/tools.ts'
import type { KeptResult, KeptResults } from './tool-calls.ts'

export const KeptModel = z.object({
  raw: z.string(),
  text: z.string(),
  thoughts: z.string().optional(),
  citations: z.array(Citation),
  unknown: z.number(),
  unsupported: z.number(),
  unlinked: z.number(),
  notices: z.array(z.string()),
  model: z.string(),
  calls: z.array(z.object({ id: z.string(), name: z.string(), arguments: z.string() })),
})
export type KeptModel = z.infer<typeof KeptModel>

/** One round: what the model said and called, and what the calls gave. */
export interface Round {
  said: KeptModel
  results: KeptResults['results']
  excerpts: { result: KeptResult; excerpts: Excerpt[] }[]
}

/** The request with the tools and the rounds so far; for a model without tools, what they gave as data. */
export function withTools(
  request: ModelRequest,
  tools: NonNullable<ModelRequest['tools']>,
  rounds: readonly Round[],
  last: boolean,
): ModelRequest {
  if (tools.length === 0) {
    const found = rounds.flatMap((round) => round.excerpts.flatMap(foundPart))
    return found.length === 0 ? request : { ...request, messages: withParts(request.messages, found) }
  }
  if (last && rounds.length === 0) return request
  const system = [request.system, ...toolWording.rules].filter((line) => line !== '').join('\n')
  const messages = [...request.messages, ...rounds.flatMap(roundMessages)]
  return { ...request, system, messages, tools, toolChoice: last ? 'none' : undefined }
}

function roundMessages({ said, excerpts }: Round): ModelMessage[] {
  const words: Part[] = said.raw.trim() === '' ? [] : [{ type: 'text', text: said.raw }]
  const calls = said.calls.map((call): Part => ({ type: 'toolCall', ...call }))
  const results = excerpts.map(({ result, excerpts: found }): Part => {
    const { id, name, failed } = result
    return { type: 'toolResult', id, name, text: rendered(result, found), failed }
  })
  return [
    { role: 'assistant', parts: [...words, ...calls] },
    { role: 'user', parts: results },
  ]
}

function rendered({ text, byParley }: KeptResult, excerpts: readonly Excerpt[]): string {
  const own = text.trim() === '' ? [] : [byParley ? text : renderData({ type: 'data', about: 'tool result', text })]
  const passages = excerpts.map(({ source, at, text }) =>
    renderPassage({ type: 'passage', source: sourceLabel(source.n, at), title: source.title, at, text }),
  )
  return [...own, ...passages].join('\n\n')
}

function foundPart({ result, excerpts }: Round['excerpts'][number]): Part[] {
  if (result.failed || result.outcome === 'repeated') return []
  return [
    { type: 'text', text: toolWording.found(result.about), by: 'parley' },
    ...(result.text.trim() === '' ? [] : [{ type: 'data' as const, about: 'tool result' as const, text: result.text }]),
    ...excerpts.map(({ source, at, text }): Part => {
      return { type: 'passage', source: sourceLabel(source.n, at), title: source.title, at, text }
    }),
  ]
}

/** Before the question, which stands last. */
function withParts(messages: readonly ModelMessage[], parts: readonly Part[]): ModelMessage[] {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  return messages.map((message, index) =>
    index === at ? { ...message, parts: [...parts, ...message.parts] } : message,
  )
}

/** Of all results so far. */
export function tokensOf(rounds: readonly Round[]): number {
  return rounds
    .flatMap(({ excerpts }) => excerpts)
    .reduce(
      (sum, { result, excerpts }) =>
        sum + estimateTokens(result.text) + excerpts.reduce((all, { tokens }) => all + tokens, 0),
      0,
    )
}
