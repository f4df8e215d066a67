/** What of a request is text, as models without blocks of their own for its parts get it, and about how many tokens that is. */

import { mostImageTokens } from '../known-models.ts'
import type { ModelMessage, ModelRequest, Part } from '../model.ts'
import { dataNote, passageNote, renderData, renderPassage } from '../render-passage.ts'

/** The system prompt; how passages and other data are marked is this rendering's own matter, so it is explained here. */
export function systemText(request: ModelRequest): string {
  return withNotes(request, [...(has(request, 'passage') ? [passageNote] : []), ...dataNotes(request)])
}

/** The form of the answer in words, for models whose server has no parameter for it. */
export function formatNotes({ format }: ModelRequest): string[] {
  if (format === undefined) return []
  const only = 'Answer with one JSON value and nothing else: no words around it, no code fence.'
  if (format.type === 'json') return [only, 'The value is an object.']
  const about = format.description === undefined ? [] : [format.description]
  return [only, ...about, `The value fits this JSON Schema: ${JSON.stringify(format.schema)}`]
}

/** What is to be called in words, for models whose server has no parameter for it. */
export function choiceNotes({ toolChoice, parallelCalls, tools = [] }: ModelRequest): string[] {
  if (tools.length === 0 || toolChoice === 'none') return []
  const which =
    typeof toolChoice === 'object'
      ? [`Call the function ${toolChoice.name} now.`]
      : toolChoice === 'required'
        ? ['Call at least one function now.']
        : []
  return [...which, ...(parallelCalls === false ? ['Call at most one function at a time.'] : [])]
}

export function withNotes({ system }: Pick<ModelRequest, 'system'>, notes: string[]): string {
  return [system, ...notes].join('\n').trim()
}

/** Also needed where passages are documents. */
export function dataNotes(request: ModelRequest): string[] {
  return has(request, 'data') ? [dataNote] : []
}

function has({ messages }: ModelRequest, type: Part['type']): boolean {
  return messages.some(({ parts }) => parts.some((part) => part.type === type))
}

/** A part as text; `undefined` for what has none: pictures, and calls, which every dialect has a place for. */
export function partText(part: Part): string | undefined {
  switch (part.type) {
    case 'text':
      return part.text
    case 'data':
      return renderData(part)
    case 'passage':
      return renderPassage(part)
    case 'file':
      return `(The file [${part.source}] cannot be shown to you.)`
    case 'toolResult':
      return part.text
    case 'image':
    case 'toolCall':
      return undefined
  }
}

export function textOf(parts: Part[]): string {
  return parts.flatMap((part) => partText(part) ?? []).join('\n\n')
}

/** Everything that the model reads as text, for estimating its tokens. */
function requestText(request: ModelRequest): string {
  const tools = request.tools === undefined ? [] : [JSON.stringify(request.tools)]
  return [systemText(request), ...formatNotes(request), ...tools, ...request.messages.map(readText)].join('\n')
}

function readText({ parts }: ModelMessage): string {
  return parts.map((part) => (part.type === 'toolCall' ? part.arguments : (partText(part) ?? ''))).join('\n')
}

export function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

export function dataUrl(mediaType: string, data: Uint8Array): string {
  return `data:${mediaType};base64,${base64(data)}`
}

/** A page of a PDF counts 3,000 to 4,500 tokens, as text and as a picture, and is some 75 KB. */
const PDF_BYTES_PER_TOKEN = 20
const MOST_PER_PDF = 450_000

/**
 * Tokens of a text by o200k, whose tables are loaded on first use: for when a server tells no count, near enough for a figure
 * that is marked as estimated.
 */
export async function countTokens(text: string): Promise<number> {
  const { countTokensInSlices } = await import('../../core/text/count-tokens.ts')
  return countTokensInSlices(text)
}

/** Tokens of a whole request: its text, tools, pictures and files. */
export async function countInput(request: ModelRequest): Promise<number> {
  const parts = request.messages.flatMap((message) => message.parts)
  const seen = parts.map((part) => {
    if (part.type === 'image') return mostImageTokens(request.model)
    return part.type === 'file' ? Math.min(MOST_PER_PDF, Math.ceil(part.data.byteLength / PDF_BYTES_PER_TOKEN)) : 0
  })
  return seen.reduce((sum, each) => sum + each, await countTokens(requestText(request)))
}
