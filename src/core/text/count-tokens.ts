/**
 * How many tokens a text is by OpenAI's o200k; other models' counts differ by some per cent. For figures that are stored or
 * shown; `estimateTokens` (estimate-tokens.ts) is for what only decides between large and small. The table of tokens is loaded when
 * something is counted first.
 */
import { O200K_TOKEN_SPLIT_REGEX as words } from 'gpt-tokenizer/encodingParams/constants'
import { tokensOfWord } from './token-table.ts'

/** A longer run without a space costs its length squared in any tokenizer, and so does one of spaces. */
const longest = 256
/** Encoded data, mostly: nobody reads it, and its start tells how the rest counts. */
const data = new RegExp(`[!-~]{${longest + 1},}`, 'g')
const run = new RegExp(`(\\S{${longest}})(?=\\S)|(\\s{${longest}})(?=\\s)`)
/** Characters counted before other work gets its turn. */
const slice = 50_000

/**
 * Counts of words with the space before them. No token goes across a single space between two other characters, so a text
 * is the sum of such pieces, and most words of a text are known from its first pages.
 */
const known = new Map<string, number>()
const mostKnown = 50_000
const longestKnown = 24

export function countTokens(text: string): number {
  let tokens = 0
  let from = 0
  for (let space = text.indexOf(' ', 1); space > 0; space = text.indexOf(' ', space + 1)) {
    if (isBlank(text.charCodeAt(space - 1)) || isBlank(text.charCodeAt(space + 1))) continue
    tokens += countPiece(text.slice(from, space))
    from = space
  }
  return tokens + countPiece(text.slice(from))
}

function countPiece(piece: string): number {
  if (piece.length > longestKnown) return piece.length > longest ? countLong(piece) : count(piece)
  const before = known.get(piece)
  if (before !== undefined) return before
  const tokens = count(piece)
  if (known.size >= mostKnown) known.clear()
  known.set(piece, tokens)
  return tokens
}

/** White space, and the end of the text. */
function isBlank(code: number): boolean {
  if (code > 0x7f) return /\s/.test(String.fromCharCode(code))
  return !(code > 0x20)
}

/** Words such as `<|endoftext|>` in a file are plain text. */
function count(text: string): number {
  let tokens = 0
  for (const [word] of text.matchAll(words)) tokens += tokensOfWord(word)
  return tokens
}

function countLong(text: string): number {
  let tokens = 0
  let from = 0
  for (const match of text.matchAll(data)) {
    tokens += countRuns(text.slice(from, match.index))
    const sample = count(match[0].slice(0, longest))
    tokens += Math.ceil((sample * match[0].length) / longest)
    from = match.index + match[0].length
  }
  return tokens + countRuns(from === 0 ? text : text.slice(from))
}

function countRuns(text: string): number {
  if (text === '') return 0
  return text.split(run).reduce((sum, piece) => sum + (piece === undefined || piece === '' ? 0 : count(piece)), 0)
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
