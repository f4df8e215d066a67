/**
 * How many tokens a text is by OpenAI's o200k; other models' counts differ by some per cent. For figures that are stored or
 * shown; `estimateTokens` (estimate-tokens.ts) is for what only decides between large and small. Loading this takes some 100 ms and
 * 60 MB: import it where it is used first.
 */
import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base'

/** Words such as `<|endoftext|>` in a file are plain text. */
const plain = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }
/** A longer run without a space costs its length squared in any tokenizer, and so does one of spaces. */
const longest = 256
/** Encoded data, mostly: nobody reads it, and its start tells how the rest counts. */
const data = new RegExp(`[!-~]{${longest + 1},}`, 'g')
const run = new RegExp(`(\\S{${longest}})(?=\\S)|(\\s{${longest}})(?=\\s)`)
/** Characters counted before other work gets its turn. */
const slice = 50_000

export function countTokens(text: string): number {
  let tokens = 0
  let from = 0
  for (const match of text.matchAll(data)) {
    tokens += countWords(text.slice(from, match.index))
    const sample = count(match[0].slice(0, longest), plain)
    tokens += Math.ceil((sample * match[0].length) / longest)
    from = match.index + match[0].length
  }
  return tokens + countWords(from === 0 ? text : text.slice(from))
}

function countWords(text: string): number {
  if (text === '') return 0
  if (!run.test(text)) return count(text, plain)
  return text
    .split(run)
    .reduce((sum, piece) => sum + (piece === undefined || piece === '' ? 0 : count(piece, plain)), 0)
}

/** The same for a text of any length, with pauses in which other work is done. */
export async function countTokensInSlices(text: string): Promise<number> {
  let tokens = 0
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(' ', at + slice)
    const end = space < 0 || space > at + slice * 2 ? Math.min(text.length, at + slice * 2) : space
    tokens += countTokens(text.slice(at, end).toWellFormed())
    at = end
    if (at < text.length) await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return tokens
}
