/** What of a request is text, as models without blocks of their own for its parts get it. */
import type { ModelMessage, ModelRequest, Part } from '../model.ts'
import { passageNote, renderPassage } from '../render-passage.ts'

/** The system prompt; how passages are marked is this rendering's own matter, so it is told here. */
export function systemText({ system, messages }: ModelRequest): string {
  const marked = messages.some(({ parts }) => parts.some(({ type }) => type === 'passage'))
  return marked ? `${system}\n${passageNote}`.trim() : system
}

/** A part as text; `undefined` for what has none: pictures, and calls, which every dialect has a place for. */
export function partText(part: Part): string | undefined {
  switch (part.type) {
    case 'text':
      return part.text
    case 'passage':
      return renderPassage(part)
    case 'file':
      return `(The file ${JSON.stringify(part.title)} cannot be shown to you.)`
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
export function requestText(request: ModelRequest): string {
  const tools = request.tools === undefined ? [] : [JSON.stringify(request.tools)]
  return [systemText(request), ...tools, ...request.messages.map(readText)].join('\n')
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
