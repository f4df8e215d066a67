/** A ModelRequest in the words of Ollama's `/api/chat`. */

import type { ChatRequest, Message, Tool, ToolCall } from 'ollama'
import { omitUndefined } from '../../core/omit-undefined.ts'
import type { ModelMessage, ModelRequest, Part } from '../model.ts'
import { parseArguments } from './chunk.ts'
import { systemText, textOf } from './request-text.ts'

export interface OllamaBody extends ChatRequest {
  stream: true
  messages: Message[]
  /** Too long a request is an error; Ollama's default is to drop its start. */
  truncate: false
  shift: false
}

export function ollamaBody(request: ModelRequest, numCtx: number): OllamaBody {
  const rules = systemText(request)
  const { model, maxOutputTokens, temperature, tools = [] } = request
  return {
    model,
    stream: true,
    truncate: false,
    shift: false,
    messages: [
      ...(rules === '' ? [] : [{ role: 'system', content: rules }]),
      ...request.messages.flatMap((message) => ollamaMessages(message)),
    ],
    ...(tools.length === 0 ? {} : { tools: tools.map(ollamaTool) }),
    options: {
      num_ctx: numCtx,
      num_predict: maxOutputTokens,
      ...omitUndefined({ temperature }),
    },
  }
}

function ollamaMessages({ role, parts }: ModelMessage): Message[] {
  const results = parts.flatMap((part): Message[] =>
    part.type === 'toolResult' ? [{ role: 'tool', content: part.text, tool_name: part.name }] : [],
  )
  const said = parts.filter((part) => part.type !== 'toolResult')
  if (said.length === 0) return results
  const images = said.flatMap(imageBytes)
  const calls = said.flatMap(toolCall)
  return [
    ...results,
    {
      role,
      content: textOf(said),
      ...(images.length === 0 ? {} : { images }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ]
}

/** Bytes only: a text here could name a file of this machine, which the SDK would send. */
function imageBytes(part: Part): Uint8Array[] {
  return part.type === 'image' ? [part.data] : []
}

function toolCall(part: Part): ToolCall[] {
  if (part.type !== 'toolCall') return []
  return [{ function: { name: part.name, arguments: parseArguments(part.arguments) ?? {} } }]
}

function ollamaTool({ name, description, schema }: NonNullable<ModelRequest['tools']>[number]): Tool {
  // The SDK describes only a part of JSON Schema, which Ollama takes whole.
  const parameters: NonNullable<Tool['function']['parameters']> = Object.fromEntries(Object.entries(schema))
  return { type: 'function', function: { name, description, parameters } }
}
