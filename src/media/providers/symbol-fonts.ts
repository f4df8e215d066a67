/** The characters of the fonts Symbol and Wingdings, which draw other signs at the places of letters: `m` in Symbol is μ. */

/** From the space to `~`, and from 0xA1 to 0xFE. */
const lower = ' !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼'
const upper = 'ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪€⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭'

/** Boxes, ticks and arrows of Wingdings; the rest is decoration. */
const wingdings: Readonly<Record<number, string>> = {
  111: '[ ]',
  112: '[ ]',
  113: '[ ]',
  114: '[ ]',
  120: '[x]',
  168: '[ ]',
  253: '[x]',
  254: '[x]',
  251: '✗',
  252: '✓',
  223: '←',
  224: '→',
  225: '↑',
  226: '↓',
  231: '←',
  232: '→',
  233: '↑',
  234: '↓',
  239: '⇦',
  240: '⇨',
  74: '☺',
  76: '☹',
  67: '👍',
  68: '👎',
}

export type SymbolFont = 'Symbol' | 'Wingdings'

export function symbolFontOf(font: string | undefined): SymbolFont | undefined {
  if (font === undefined) return undefined
  if (/^Symbol(?:MT)?$/i.test(font)) return 'Symbol'
  return /^(?:Wingdings|Webdings|ZapfDingbats|Marlett)/i.test(font) ? 'Wingdings' : undefined
}

/** `code` may lie in the private area, whose lower byte is the place in the font. */
function symbolOf(code: number, font: SymbolFont): string {
  const at = code >= 0xf000 && code <= 0xf0ff ? code - 0xf000 : code
  if (at > 0xff) return String.fromCodePoint(code)
  if (font === 'Wingdings') return wingdings[at] ?? (at <= 0x20 ? ' ' : '•')
  if (at >= 0x20 && at <= 0x7e) return lower.charAt(at - 0x20)
  return at >= 0xa1 && at <= 0xfe ? upper.charAt(at - 0xa1) : ''
}

/** A symbol by the hexadecimal code and the font that Word names. Fonts that are not known draw decoration, mostly bullets. */
export function symbolNamed(hex: string | undefined, font: string | undefined): string {
  const code = Number.parseInt(hex ?? '', 16)
  if (Number.isNaN(code) || code > 0x10ffff) return ''
  const known = symbolFontOf(font)
  if (known !== undefined) return symbolOf(code, known)
  return code >= 0xf000 && code <= 0xf8ff ? '•' : String.fromCodePoint(code)
}

/** Text in a font of symbols; only characters of the private area unless `all`. */
export function fromSymbols(text: string, font: SymbolFont, all = false): string {
  return text.replace(all ? /[^\n\r\t]/gu : /[\uf020-\uf0ff]/g, (sign) => symbolOf(sign.codePointAt(0) ?? 0, font))
}
