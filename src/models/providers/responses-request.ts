/** A ModelRequest in the words of OpenAI's Responses. Nothing is kept there: `store` is false, and no state is referred to. */

import type {
  ResponseCreateParamsStreaming,
  ResponseInputContent,
  ResponseInputItem,
} from 'openai/resources/responses/responses'
import { omitUndefined } from '../../core/omit-undefined.ts'
import type { ModelMessage, ModelRequest, Part } from '../model.ts'
import { plainName } from '../render-passage.ts'
import { dataUrl, partText, systemText, textOf } from './request-text.ts'

/** What some models or accounts do not take: reasoning's summary wants a reasoning model and a verified organisation. */
export const responsesParameters = ['temperature', 'reasoning.summary', 'reasoning'] as const
export type ResponsesParameter = (typeof responsesParameters)[number]

/** The API takes no less. */
const LEAST_OUTPUT = 16

export function responsesBody(
  request: ModelRequest,
  without: ReadonlySet<ResponsesParameter>,
): ResponseCreateParamsStreaming {
  const { model, temperature, tools = [] } = request
  const rules = systemText(request)
  const summary = reasons(model) && !without.has('reasoning') && !without.has('reasoning.summary')
  return {
    model,
    stream: true,
    store: false,
    ...(rules === '' ? {} : { instructions: rules }),
    input: request.messages.flatMap(inputItems),
    max_output_tokens: Math.max(LEAST_OUTPUT, request.maxOutputTokens),
    ...(summary ? { reasoning: { summary: 'auto' } } : {}),
    ...omitUndefined({ temperature: without.has('temperature') ? undefined : temperature }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, schema }) => ({
            type: 'function' as const,
            name,
            description,
            parameters: schema,
            // Strict schemas allow only part of JSON Schema; ours are anybody's.
            strict: false,
          })),
        }),
  }
}

function reasons(model: string): boolean {
  return /^(?:o\d|gpt-[5-9])/.test(model) && !/chat/.test(model)
}

function inputItems({ role, parts }: ModelMessage): ResponseInputItem[] {
  const calls = parts.flatMap((part): ResponseInputItem[] => {
    if (part.type === 'toolCall')
      return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.arguments }]
    if (part.type === 'toolResult') return [{ type: 'function_call_output', call_id: part.id, output: part.text }]
    return []
  })
  const said = parts.filter((part) => part.type !== 'toolCall' && part.type !== 'toolResult')
  if (said.length === 0) return calls
  // What calls gave comes before what is said about it; a call comes after the words that led to it.
  return role === 'user'
    ? [...calls, { role, content: said.flatMap(inputContent) }]
    : [{ role, content: textOf(said) }, ...calls]
}

function inputContent(part: Part): ResponseInputContent[] {
  if (part.type === 'image') {
    return [{ type: 'input_image', detail: 'auto', image_url: dataUrl(part.mediaType, part.data) }]
  }
  if (part.type === 'file') {
    return [{ type: 'input_file', filename: plainName(part.title), file_data: dataUrl(part.mediaType, part.data) }]
  }
  const text = partText(part)
  return text === undefined ? [] : [{ type: 'input_text', text }]
}
