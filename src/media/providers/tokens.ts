/** How many tokens a text is, by OpenAI's o200k; other models' counts differ by some per cent. */
import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base'

/** A longer run without a space costs its length squared in any tokenizer. */
const longestRun = 256

export function countTokens(text: string): number {
  const plain = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }
  const runs = new RegExp(`\\S{${longestRun}}(?=\\S)`, 'g')
  if (!runs.test(text)) return count(text, plain)
  return text
    .split(new RegExp(`(\\S{${longestRun}})(?=\\S)`))
    .reduce((sum, piece) => sum + (piece === '' ? 0 : count(piece, plain)), 0)
}
