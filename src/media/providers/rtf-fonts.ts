/** The fonts of rich text: each names the encoding of its text, and some draw symbols in place of letters. */
import { fromSymbols, type SymbolFont, symbolFontOf } from './symbol-fonts.ts'

/** Windows' numbers of character sets, as fonts carry them. */
const charsets: Readonly<Record<number, string>> = {
  0: 'windows-1252',
  77: 'macintosh',
  128: 'shift_jis',
  129: 'euc-kr',
  134: 'gb18030',
  136: 'big5',
  161: 'windows-1253',
  162: 'windows-1254',
  163: 'windows-1258',
  177: 'windows-1255',
  178: 'windows-1256',
  186: 'windows-1257',
  204: 'windows-1251',
  222: 'windows-874',
  238: 'windows-1250',
}
const codePages: Readonly<Record<number, string>> = {
  932: 'shift_jis',
  936: 'gb18030',
  949: 'euc-kr',
  950: 'big5',
  65001: 'utf-8',
  10000: 'macintosh',
  866: 'ibm866',
}

export interface RtfFonts {
  /** A control word of the table of fonts. */
  declare(word: string, value: number | undefined): void
  /** Text of the table: the name of the font declared last. */
  name(text: string): void
  decode(bytes: Uint8Array, font: number): string
  /** A character given as Unicode. */
  sign(text: string, font: number): string
  /** The encoding of fonts that name none. */
  usual: string
}

export function createRtfFonts(): RtfFonts {
  const encodings = new Map<number, string>()
  const names = new Map<number, string>()
  let last = 0
  const symbols = (font: number): SymbolFont | undefined =>
    symbolFontOf(
      names
        .get(font)
        ?.replace(/;[\s\S]*$/, '')
        .trim(),
    )
  const fonts: RtfFonts = {
    usual: 'windows-1252',
    declare(word, value) {
      if (word === 'f') last = value ?? 0
      const encoding = word === 'fcharset' && value !== 0 ? charsets[value ?? 0] : undefined
      if (encoding !== undefined) encodings.set(last, encoding)
    },
    name(text) {
      const name = names.get(last) ?? ''
      if (name.length < 100) names.set(last, name + text)
    },
    decode(bytes, font) {
      const drawn = symbols(font)
      if (drawn !== undefined) return fromSymbols(Buffer.from(bytes).toString('latin1'), drawn, true)
      return new TextDecoder(encodings.get(font) ?? fonts.usual).decode(bytes)
    },
    sign(text, font) {
      const drawn = symbols(font)
      return drawn === undefined ? text : fromSymbols(text, drawn)
    },
  }
  return fonts
}

export function encodingOfPage(page: number): string {
  const known = codePages[page] ?? `windows-${page}`
  try {
    new TextDecoder(known)
    return known
  } catch {
    return 'windows-1252'
  }
}
