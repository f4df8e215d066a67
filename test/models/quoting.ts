/** The answer that quotes, as text: what a person without a model gets for these passages. */
import type { ModelMessage, Part } from '../../src/models/model.ts'
import { createExtractiveProvider } from '../../src/models/providers/extractive.ts'

export async function answerByQuoting(
  passages: Part[],
  question: string,
  earlier: ModelMessage[] = [],
): Promise<string> {
  const parts: Part[] = [...passages, { type: 'text', text: question }]
  const request = {
    model: 'extractive',
    system: '',
    messages: [...earlier, { role: 'user' as const, parts }],
    maxOutputTokens: 500,
  }
  const deltas: string[] = []
  for await (const event of createExtractiveProvider().stream(request, new AbortController().signal))
    if (event.type === 'text') deltas.push(event.delta)
  return deltas.join('')
}

/** Its quotes, each on one line with its source. */
export function quotesOf(answer: string): string[] {
  return answer
    .split('\n\n')
    .flatMap((block) =>
      block.startsWith('>') ? [block.slice(1).replaceAll(/\n> ?/g, ' ').replaceAll(/\s+/g, ' ').trim()] : [],
    )
}
