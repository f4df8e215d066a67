/** A rough count that errs on the high side for most languages; exact counts cost more than they would decide. */
export function estimateTokens(text: string): number {
  // ASCII prose runs to about four characters a token, other scripts to about one and a half.
  let wide = 0
  for (let place = 0; place < text.length; place += 1) if (text.charCodeAt(place) > 0x2ff) wide += 1
  return Math.ceil((text.length - wide) / 3.6 + wide / 1.2)
}
