/** Pure: how an answer ended → OpenAI's bodies and chunks. */
import { escapeMarkdown } from '../../src/core/markdown/escape.ts'
import { linked, sourceLines } from '../../src/core/markdown/sources.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { apiAnswer } from '../../src/wording/api.ts'
import type { Ended } from './answer-events.ts'

export interface Completion {
  id: string
  /** Seconds since 1970. */
  created: number
  /** The requested model; the finished answer names the one that answered. */
  model: string
}

type FinishReason = 'stop' | 'length' | 'content_filter'

export function completion(about: Completion, ended: Ended, text: string) {
  const { receipt } = ended
  return {
    id: about.id,
    object: 'chat.completion' as const,
    created: about.created,
    model: receipt.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant' as const, content: text, refusal: null },
        logprobs: null,
        finish_reason: finishReason(receipt),
      },
    ],
    usage: usage(receipt),
  }
}

export function chunk(
  about: Completion,
  delta: { role?: 'assistant'; content?: string },
  finish: FinishReason | null = null,
) {
  return {
    id: about.id,
    object: 'chat.completion.chunk' as const,
    created: about.created,
    model: about.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  }
}

/** The last chunk of a stream that was asked for its usage. */
export function usageChunk(about: Completion, receipt: Receipt) {
  return { ...chunk(about, {}), choices: [], usage: usage(receipt) }
}

export function finishReason({ finish }: Receipt): FinishReason {
  if (finish === 'length' || finish === 'truncated') return 'length'
  return finish === 'refusal' || finish === 'filter' ? 'content_filter' : 'stop'
}

function usage({ usage: used }: Receipt) {
  const { input = 0, output = 0, cacheRead = 0, reasoning = 0 } = used ?? {}
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cacheRead },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}

/** For clients that show only text: the sources behind `[n]`, and files or text that were left out. */
export function closingOf({ citations, receipt }: Ended): string {
  const { lines, left } = sourceLines(citations, 4000)
  const sources = lines.map((line) => `[${line.n}] ${linked(line)}`)
  if (left > 0) sources.push(apiAnswer.moreSources(left))
  const skipped = receipt.attachments.flatMap(({ name, outcome, summary }) =>
    outcome === 'read' ? [] : [`${name}: ${summary}`],
  )
  const notices = [...skipped, ...receipt.notices].map((notice) => `_${escapeMarkdown(notice)}_`)
  // Two spaces end a line in Markdown.
  return [sources, notices].flatMap((part) => (part.length === 0 ? [] : [`\n\n${part.join('  \n')}`])).join('')
}
