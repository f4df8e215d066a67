/** What a server answers to a call, as text for a model. Pictures, sounds and binary files are named, not shown. */
import type { CallToolResult } from '@modelcontextprotocol/client'
import { canonicalJson } from '../../core/json.ts'
import { toolServerWording as wording } from '../../wording/tool-servers.ts'
import type { ToolResult } from '../tool.ts'

type Block = CallToolResult['content'][number]

/** More is cut again to what the model is given. */
const mostCharacters = 400_000

export function toolResult({ content, structuredContent, isError }: CallToolResult): ToolResult {
  const blocks = content.map(textOf)
  const structured =
    structuredContent === undefined || blocks.some((text) => isSame(text, structuredContent))
      ? []
      : [JSON.stringify(structuredContent, null, 1)]
  const text = [...blocks, ...structured].filter((part) => part.trim() !== '').join('\n\n')
  return {
    text: (text === '' ? wording.empty : text).slice(0, mostCharacters).toWellFormed(),
    failed: isError === true,
  }
}

/** Servers write the same as text, too, for clients that know no structured content. */
function isSame(text: string, structured: unknown): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(structured)
  } catch {
    return false
  }
}

function textOf(block: Block): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'image':
    case 'audio':
      return wording.notShown(block.type, block.mimeType, bytesOf(block.data))
    case 'resource_link':
      return wording.link(block.title ?? block.name, block.uri, block.description)
    case 'resource':
      return 'text' in block.resource
        ? wording.resource(block.resource.uri, block.resource.text)
        : wording.notShown('file', block.resource.mimeType ?? 'unknown', bytesOf(block.resource.blob))
  }
}

const bytesOf = (base64: string) => Math.floor((base64.length * 3) / 4)
