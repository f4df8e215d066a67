/** Token counts for when a server tells none: o200k, which is near enough for a figure that is marked as estimated. */
import { mostImageTokens } from '../image-tokens.ts'
import type { ModelRequest } from '../model.ts'
import { requestText } from './request-text.ts'

/** A page of a PDF counts 3,000 to 4,500 tokens, as text and as a picture, and is some 75 KB. */
const PDF_BYTES_PER_TOKEN = 20
const MOST_PER_PDF = 450_000

/** Tokens of a text by the tokenizer, whose tables are loaded on first use. */
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
