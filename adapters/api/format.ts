/** Pure: how an answer ended → OpenAI's bodies and chunks. */
import { samplingWords } from '../../src/core/message.ts'
import { decimalUsd } from '../../src/core/money.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { addressOf, describeCited } from '../../src/core/source.ts'
import type { Ended } from './answer-events.ts'

export interface Completion {
  id: string
  /** Seconds since 1970. */
  created: number
  /** The requested model; the finished answer names the one that answered. */
  model: string
}

type FinishReason = 'stop' | 'length' | 'content_filter'

export function completion(about: Completion, ended: Ended, parley: AboutAnswer) {
  const { receipt, text } = ended
  return {
    id: about.id,
    object: 'chat.completion' as const,
    created: about.created,
    model: receipt.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant' as const, content: text, reasoning_content: receipt.thoughts, refusal: null },
        logprobs: null,
        finish_reason: finishReason(receipt),
      },
    ],
    usage: usage(receipt),
    parley,
  }
}

export function chunk(
  about: Completion,
  delta: { role?: 'assistant' | undefined; content?: string; reasoning_content?: string },
  finish: FinishReason | null = null,
  parley?: AboutAnswer | { restarted: true },
) {
  return {
    id: about.id,
    object: 'chat.completion.chunk' as const,
    created: about.created,
    model: about.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    parley,
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

/** What Parley has to say of an answer, beside it: its text is the model's alone, for programs that read it. */
export function aboutAnswer({ citations, receipt }: Ended, ignored: readonly string[]) {
  const all = [...new Set([...ignored, ...(receipt.ignored ?? []).map(parameterName)])]
  return {
    sources: citations.map(({ n, source, at, quote }) => ({
      n,
      title: source.title,
      place: describeCited({ source, at }),
      kind: source.kind,
      shared: source.shared,
      url: addressOf({ source, at }),
      quote,
    })),
    files: receipt.attachments.map(({ name, outcome, summary }) => ({ name, outcome, summary })),
    notices: receipt.notices,
    reason: receipt.reason,
    cost_usd: receipt.costNanoUsd === null ? undefined : Number(decimalUsd(BigInt(receipt.costNanoUsd))),
    cut_messages: receipt.cutMessages,
    ignored: all.length === 0 ? undefined : all,
  }
}

export type AboutAnswer = ReturnType<typeof aboutAnswer> & { restarted?: true }

function parameterName(name: string): string {
  return samplingWords[name as keyof typeof samplingWords] ?? name
}
