/** Token counts for when a server tells none: o200k, which is near enough for a figure that is marked as estimated. */
import { mostImageTokens } from '../image-tokens.ts'
import type { ModelRequest } from '../model.ts'
import { requestText } from './request-text.ts'

/** A page of a PDF counts 3,000 to 4,500 tokens, as text and as a picture, and is some 75 KB. */
const PDF_BYTES_PER_TOKEN = 20
const MOST_PER_PDF = 450_000

/** The tokenizer is quadratic in unbroken runs, so no run longer than this reaches it. */
const MAX_RUN = 400
/** Characters counted before other work gets its turn. */
const SLICE = 100_000

const pieces = new RegExp(`\\S{1,${MAX_RUN}}\\s{0,${MAX_RUN}}|\\s{1,${MAX_RUN}}`, 'g')

/** The tokenizer's tables are loaded on first use. Never throws on special tokens in the text. */
export async function estimateTokens(text: string): Promise<number> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base')
  let tokens = 0
  let batch = ''
  const count = () => {
    tokens += countTokens(batch, { disallowedSpecial: new Set() })
    batch = ''
  }
  for (let at = 0; at < text.length; at += SLICE) {
    for (const piece of text.slice(at, at + SLICE).match(pieces) ?? []) {
      batch += piece
      // A piece that fills the limit is cut from a longer run: counted by itself, it does not join the next one.
      if (batch.length > 4_000 || piece.length >= MAX_RUN) count()
    }
    if (at + SLICE < text.length) await new Promise((resolve) => setImmediate(resolve))
  }
  count()
  return tokens
}

/** Tokens of a whole request: its text, tools, pictures and files. */
export async function estimateInput(request: ModelRequest): Promise<number> {
  const parts = request.messages.flatMap((message) => message.parts)
  const seen = parts.map((part) => {
    if (part.type === 'image') return mostImageTokens(request.model)
    return part.type === 'file' ? Math.min(MOST_PER_PDF, Math.ceil(part.data.byteLength / PDF_BYTES_PER_TOKEN)) : 0
  })
  return seen.reduce((sum, each) => sum + each, await estimateTokens(requestText(request)))
}
