/** The parts shared by all sheets of a workbook: strings, and the styles of cells. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import { type Archive, smallPart } from './archive.ts'
import { builtinFormat, compileFormat, type NumberFormat } from './number-format.ts'
import { createStyledText, type TextStyle } from './styled-text.ts'
import { readXml } from './xml.ts'

/** How many times the character limit the shared strings may hold. More would fill the memory. */
const mostStrings = 4

export interface SharedStrings {
  texts: readonly string[]
  /** Those with fonts of their own, for which the font of a cell does not count. */
  rich: ReadonlySet<number>
}

export async function readSharedStrings(
  archive: Archive,
  part: string,
  limits: Limits,
  name: string,
): Promise<SharedStrings> {
  const texts: string[] = []
  const rich = new Set<number>()
  if (!archive.has(part)) return { texts, rich }
  const styled = createStyledText()
  let run: TextStyle = {}
  let text = ''
  let inText = false
  let phonetic = false
  let characters = 0
  await readXml(archive.stream(part), {
    open(tag, attributes) {
      if (tag === 'si') text = ''
      else if (tag === 'rPh') phonetic = true
      else if (tag === 't') inText = !phonetic
      if (tag === 'rPr') rich.add(texts.length)
      if (tag === 'si' || tag === 'r') run = {}
      else setFontProperty(run, tag, attributes)
    },
    text(words) {
      if (!inText) return
      text += styled.write(words, run)
      characters += words.length
      if (characters > limits.characters * mostStrings)
        throw new ParleyError('file_too_large', fileWording.limit.workbookText(name))
    },
    close(tag) {
      if (tag === 't') inText = false
      else if (tag === 'rPh') phonetic = false
      else if (tag === 'si') {
        texts.push(escapes(text + styled.end()))
        characters += 8
      }
    },
  })
  return { texts, rich }
}

/** Characters that XML cannot hold, as `_x000D_` for a line break. */
export function escapes(text: string): string {
  if (!text.includes('_x')) return text
  return text.replace(/_x([0-9A-F]{4})_/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Takes one property of a font; others change nothing. */
export function setFontProperty(style: TextStyle, name: string, { val }: Record<string, string>): void {
  if (name === 'strike') style.struck = !/^(?:0|false)$/.test(val ?? '1')
  else if (name === 'vertAlign')
    style.script = val === 'superscript' ? 'super' : val === 'subscript' ? 'sub' : undefined
}

export interface CellStyle {
  format: NumberFormat
  /** All of the cell is struck out. */
  struck: boolean
}

/** By the number that cells name. */
export async function readStyles(archive: Archive, part: string): Promise<readonly CellStyle[]> {
  const codes = new Map<number, string>()
  const compiled = new Map<string, NumberFormat>()
  const fonts: TextStyle[] = []
  const styles: CellStyle[] = []
  if (!archive.has(part)) return styles
  const formatOf = (id: number) => {
    const code = codes.get(id) ?? builtinFormat(id)
    const format = compiled.get(code) ?? compileFormat(code)
    compiled.set(code, format)
    return format
  }
  let inside = ''
  await readXml(archive.stream(part, smallPart), {
    open(tag, attributes) {
      if (tag === 'numFmt') codes.set(Number(attributes.numFmtId), attributes.formatCode ?? '')
      else if (tag === 'cellXfs' || tag === 'fonts') inside = tag
      else if (tag === 'font' && inside === 'fonts') fonts.push({})
      else if (inside === 'fonts') setFontProperty(fonts.at(-1) ?? {}, tag, attributes)
      else if (tag === 'xf' && inside === 'cellXfs') {
        const struck = fonts[Number(attributes.fontId ?? 0)]?.struck === true
        styles.push({ format: formatOf(Number(attributes.numFmtId ?? 0)), struck })
      }
    },
    close(tag) {
      if (tag === inside) inside = ''
    },
  })
  return styles
}
