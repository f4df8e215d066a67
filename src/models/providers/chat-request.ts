/** A ModelRequest in the words of Chat Completions. */

import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { omitUndefined } from '../../core/omit-undefined.ts'
import type { ModelMessage, ModelRequest, Part } from '../model.ts'
import { dataUrl, partText, systemText, textOf } from './request-text.ts'

/** What a server may not know and a request can do without, or say by the other word for the limit. */
export const chatParameters = [
  'stream_options',
  'include_usage',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
] as const
export type ChatParameter = (typeof chatParameters)[number]
export type LimitWord = 'max_tokens' | 'max_completion_tokens'

/** `limit` is the word to begin with; `without` is what the server has refused. */
export function chatBody(
  request: ModelRequest,
  limit: LimitWord,
  without: ReadonlySet<ChatParameter>,
): ChatCompletionCreateParamsStreaming {
  const rules = systemText(request)
  const system = rules === '' ? [] : [{ role: 'system' as const, content: rules }]
  const other = limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const { temperature, tools = [] } = request
  return {
    model: request.model,
    stream: true,
    messages: [...system, ...request.messages.flatMap(chatMessages)],
    // Always sent: without it, OPEA answers with at most 1,024 tokens.
    [without.has(limit) ? other : limit]: request.maxOutputTokens,
    ...(without.has('stream_options') || without.has('include_usage')
      ? {}
      : { stream_options: { include_usage: true } }),
    ...omitUndefined({ temperature: without.has('temperature') ? undefined : temperature }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, schema }) => ({
            type: 'function' as const,
            function: { name, description, parameters: schema },
          })),
        }),
  }
}

function chatMessages({ role, parts }: ModelMessage): ChatCompletionMessageParam[] {
  if (parts.length === 0) return []
  if (role === 'assistant') return [assistantMessage(parts)]
  // What calls gave stands right behind the calls, before anything else is said.
  const results = parts.flatMap((part) =>
    part.type === 'toolResult' ? [{ role: 'tool' as const, tool_call_id: part.id, content: part.text }] : [],
  )
  const said = parts.filter((part) => part.type !== 'toolResult')
  if (said.length === 0) return results
  const content = said.some((part) => part.type === 'image') ? said.flatMap(contentPart) : textOf(said)
  return [...results, { role: 'user', content }]
}

function assistantMessage(parts: Part[]): ChatCompletionAssistantMessageParam {
  const calls = parts.flatMap((part) =>
    part.type === 'toolCall'
      ? [{ id: part.id, type: 'function' as const, function: { name: part.name, arguments: part.arguments } }]
      : [],
  )
  const content = textOf(parts)
  if (calls.length === 0) return { role: 'assistant', content }
  return { role: 'assistant', content: content === '' ? null : content, tool_calls: calls }
}

/** Text around images keeps its place. */
function contentPart(part: Part): ChatCompletionContentPart[] {
  if (part.type === 'image') {
    return [{ type: 'image_url', image_url: { url: dataUrl(part.mediaType, part.data) } }]
  }
  const text = partText(part)
  return text === undefined ? [] : [{ type: 'text', text }]
}
