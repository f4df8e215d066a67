/** How servers of Chat Completions say that an answer has ended. A word that is not known is a failure, never a good end. */
import type { FinishReason } from '../model.ts'

const words: Record<FinishReason | 'none', readonly string[]> = {
  stop: [
    ...['stop', 'end_turn', 'end', 'eos', 'eos_token', 'eos_found', 'end_of_sequence', 'endoftext', 'stop_sequence'],
    ...['stop_token', 'stop_str', 'complete', 'completed', 'finish', 'finished', 'done', 'normal', 'success'],
  ],
  length: [
    ...['length', 'max_tokens', 'max_length', 'model_length', 'max_output_tokens', 'max_new_tokens', 'token_limit'],
    ...['max_completion_tokens', 'context_length', 'context_limit', 'model_context_window_exceeded', 'length_limit'],
  ],
  tool: ['tool_calls', 'tool_call', 'function_call', 'tool_use', 'tool'],
  filter: [
    ...['content_filter', 'content_filtered', 'content_filtering', 'filter', 'filtered', 'safety', 'image_safety'],
    ...['prohibited_content', 'image_prohibited_content', 'sensitive', 'blocklist', 'spii', 'recitation', 'moderation'],
    ...['guardrail_intervened', 'guardrails', 'error_toxic', 'risk_control', 'blocked', 'jailbreak', 'policy'],
    ...['image_recitation', 'data_inspection_failed', 'model_armor'],
  ],
  refusal: ['refusal', 'refused'],
  truncated: ['abort', 'aborted', 'cancel', 'cancelled', 'canceled', 'incomplete'],
  // Parley's own word for a stop, never a server's.
  aborted: [],
  none: ['', 'null', 'none', 'undefined', 'unspecified', 'not_finished', 'in_progress', 'generating'],
}

const meanings = new Map(
  Object.entries(words).flatMap(([reason, list]) => list.map((word) => [word, reason as keyof typeof words] as const)),
)

/** `undefined`: it goes on. Words come in any case, and as `FINISH_REASON_STOP` or Python's `FinishReason.STOP`. */
export function readFinish(word: string | null | undefined): FinishReason | { message: string } | undefined {
  if (word === null || word === undefined) return undefined
  const plain = word
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
    .replace(/^finish_?reason[._]/, '')
  const meaning = meanings.get(plain)
  if (meaning === 'none') return undefined
  return meaning ?? { message: `the answer ended as ${JSON.stringify(word.slice(0, 60))}` }
}
