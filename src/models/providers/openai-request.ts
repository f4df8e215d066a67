/** A ModelRequest in the words of Chat Completions. */
import type { ChatCompletionContentPart, ChatCompletionMessageParam } from 'openai/resources/chat/completions'
import type { ModelMessage, ModelRequest } from '../model.ts'
import { passageNote, renderPassage } from '../render-passage.ts'

/** What one server understands; learnt from its refusals, per model. */
export interface Dialect {
  tokenLimit: 'max_tokens' | 'max_completion_tokens'
  /** `tokenLimit` is the server's own word rather than a guess. */
  limitLearnt: boolean
  streamOptions: boolean
}

export interface ChatBody {
  model: string
  stream: true
  messages: ChatCompletionMessageParam[]
  max_tokens?: number
  max_completion_tokens?: number
  temperature?: number
  stream_options?: { include_usage: true }
}

export function chatBody(request: ModelRequest, dialect: Dialect): ChatBody {
  const rules = systemText(request)
  const system = rules === '' ? [] : [{ role: 'system' as const, content: rules }]
  return {
    model: request.model,
    stream: true,
    messages: [...system, ...request.messages.flatMap(chatMessage)],
    [dialect.tokenLimit]: request.maxOutputTokens,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(dialect.streamOptions ? { stream_options: { include_usage: true } } : {}),
  }
}

/** Everything of the request that is text, as the model gets it: for estimating its tokens. */
export function requestText(request: ModelRequest): string {
  return [systemText(request), ...request.messages.map(textOf)].join('\n')
}

/** How passages are marked is this rendering's own matter, so it is told here. */
function systemText({ system, messages }: ModelRequest): string {
  const marked = messages.some(({ parts }) => parts.some(({ type }) => type === 'passage'))
  return marked ? `${system}\n${passageNote}`.trim() : system
}

function chatMessage(message: ModelMessage): ChatCompletionMessageParam[] {
  if (message.parts.length === 0) return []
  if (message.role === 'assistant') return [{ role: 'assistant', content: textOf(message) }]
  if (message.parts.every((part) => part.type !== 'image')) return [{ role: 'user', content: textOf(message) }]
  return [{ role: 'user', content: contentParts(message) }]
}

/** Text around images keeps its place. */
function contentParts(message: ModelMessage): ChatCompletionContentPart[] {
  return message.parts.map((part) =>
    part.type === 'image'
      ? { type: 'image_url', image_url: { url: dataUrl(part.mediaType, part.data) } }
      : { type: 'text', text: part.type === 'text' ? part.text : renderPassage(part) },
  )
}

function textOf(message: ModelMessage): string {
  const texts = message.parts.flatMap((part) => {
    if (part.type === 'image') return []
    return [part.type === 'text' ? part.text : renderPassage(part)]
  })
  return texts.join('\n\n')
}

function dataUrl(mediaType: string, data: Uint8Array): string {
  return `data:${mediaType};base64,${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`
}
