/**
 * A rough count of tokens by characters, for what only decides between large and small: countTokens (count-tokens.ts) is the
 * tokenizer's. Errs on the high side for prose in most languages; code may have twice as many.
 */
export function estimateTokens(text: string): number {
  // ASCII prose runs to about four characters a token, other scripts to about one and a half.
  let wide = 0
  for (let place = 0; place < text.length; place += 1) if (text.charCodeAt(place) > 0x2ff) wide += 1
  return Math.ceil((text.length - wide) / 3.6 + wide / 1.2)
}
