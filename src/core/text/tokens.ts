/**
 * How many tokens a text is. `estimateTokens` is a rough count by characters, for what decides between large and small;
 * `countTokens` is OpenAI's o200k, for figures that are stored and shown: other models' counts differ by some per cent.
 */

/** Errs on the high side for prose in most languages; code may have twice as many. Costs next to nothing. */
export function estimateTokens(text: string): number {
  // ASCII prose runs to about four characters a token, other scripts to about one and a half.
  let wide = 0
  for (let place = 0; place < text.length; place += 1) if (text.charCodeAt(place) > 0x2ff) wide += 1
  return Math.ceil((text.length - wide) / 3.6 + wide / 1.2)
}
