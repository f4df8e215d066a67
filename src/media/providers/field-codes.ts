/** Fields of Word and rich text that store no result, because their code says what they show. */
import { fromSymbols, symbolFontOf } from './symbol-fonts.ts'

export function shownByCode(code: string): string {
  const [, type = '', rest = ''] = /^\s*(\w+)\s+([\s\S]*)$/.exec(code) ?? []
  if (type.toUpperCase() === 'SYMBOL') return symbolField(rest)
  return type.toUpperCase() === 'EQ' ? equationField(rest) : ''
}

function symbolField(rest: string): string {
  const code = Number(/^(?:0x[\da-f]+|\d+)/i.exec(rest)?.[0])
  const font = symbolFontOf(/\\f\s+"?([^"\\]+)/i.exec(rest)?.[1]?.trim())
  if (!Number.isInteger(code) || code < 32 || code > 0x10ffff) return ''
  const sign = String.fromCodePoint(code)
  return font === undefined ? sign : fromSymbols(sign, font, true)
}

/** Word's old equations: `\f(1;2)` is a fraction, `\r(3;x)` a root, `\s\up5(2)` a raised text. Others stay as they are written. */
function equationField(rest: string): string {
  let text = rest.trim()
  const item = String.raw`\(((?:[^()\\]|\\[(),;\\])*?)`
  const rules: [RegExp, string][] = [
    [new RegExp(String.raw`\\f\s*${item}[;,]([^()]*)\)`, 'gi'), '($1)/($2)'],
    [/\\r\s*\(\s*[;,]?([^();,]*)\)/gi, '√($1)'],
    [new RegExp(String.raw`\\r\s*${item}[;,]([^()]*)\)`, 'gi'), '($2)^(1/$1)'],
    [/\\s\s*\\up\s*\d*\s*\(([^()]*)\)/gi, '^($1)'],
    [/\\s\s*\\do\s*\d*\s*\(([^()]*)\)/gi, '_($1)'],
  ]
  for (const [pattern, replacement] of rules) text = text.replace(pattern, replacement)
  return text.replace(/\((\d+(?:[.,]\d+)?|\p{L})\)\/\((\d+(?:[.,]\d+)?|\p{L})\)/gu, '$1/$2').trim()
}
