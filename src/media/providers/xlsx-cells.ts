/** Turns a worksheet's tags into rows of displayed values. */
import { plain } from './number-dates.ts'
import { columnLetters, oneLine, type SheetNote } from './sheets.ts'
import { createStyledText, type TextStyle } from './styled-text.ts'
import { type CellStyle, escapes, type SharedStrings, setFontProperty } from './xlsx-shared.ts'
import type { XmlHandler } from './xml.ts'

export interface SheetRow {
  number: number
  /** By column, counted from 0; empty cells are left out. */
  values: Map<number, string>
}

export interface Cells {
  handler: XmlHandler
  take(): SheetRow[]
  /** Formulas without a stored value, which are shown as formulas. */
  unvalued(): number
  /** The header and footer of each printed page. */
  printed(): SheetNote[]
}

interface Shared {
  strings: SharedStrings
  styles: readonly CellStyle[]
  since1904: boolean
}

/** Excel's limit. */
const mostColumns = 16_384
/** A cell of Excel holds 32,767 characters. */
const longestCell = 64_000

export function createCells({ strings, styles, since1904 }: Shared): Cells {
  let rows: SheetRow[] = []
  let row: SheetRow | undefined
  let last = 0
  let column = -1
  let type = ''
  let style = 0
  let value = ''
  let formula = ''
  let inside: 'value' | 'formula' | 'printed' | undefined
  const printed = new Set<string>()
  let around = ''
  /** A result may be empty, which is a value. */
  let hasValue = false
  /** Formulas that hold for several cells, by their number, with the cell that they are written for. */
  const shared = new Map<string, { formula: string; column: number; row: number }>()
  let sharedBy: string | undefined
  /** The text within the cell has fonts of its own. */
  let hasFonts = false
  let unvalued = 0
  let phonetic = false
  const styled = createStyledText()
  let run: TextStyle = {}

  function endCell(): void {
    if (row === undefined) return
    let shown = show()
    const own = formulaOf(row.number)
    if (!hasValue && own !== '') {
      unvalued += 1
      shown = `=${own}`
    }
    const ownFonts = hasFonts || (type === 's' && strings.rich.has(Number(value)))
    if (shown !== '' && styles[style]?.struck === true && !ownFonts) shown = `~~${shown}~~`
    if (shown !== '' && column >= 0 && column < mostColumns) row.values.set(column, shown)
  }

  /** A shared formula is written once, and its cells move along for the others. */
  function formulaOf(number: number): string {
    if (sharedBy === undefined) return formula
    if (formula !== '') shared.set(sharedBy, { formula, column, row: number })
    const first = shared.get(sharedBy)
    return first === undefined ? formula : moved(first.formula, column - first.column, number - first.row)
  }

  function show(): string {
    value += styled.end()
    if (value === '') return ''
    const format = styles[style]?.format
    switch (type) {
      case 's':
        return words(strings.texts[Number(value)] ?? '')
      case 'b':
        return value.trim() === '1' ? 'TRUE' : 'FALSE'
      case 'd':
        return value
          .trim()
          .replace(/T00:00(?::00(?:\.0+)?)?Z?$/, '')
          .replace('T', ' ')
      case 'str':
      case 'inlineStr':
        return words(escapes(value))
      case 'e':
        return oneLine(value)
      default: {
        const number = Number(value)
        if (value.trim() === '' || !Number.isFinite(number)) return value
        return format?.number(number, since1904) ?? plain(number)
      }
    }
    function words(text: string): string {
      const line = oneLine(text)
      return format?.text(line) ?? line
    }
  }

  function endPrinted(tag: string): void {
    inside = undefined
    const words = withoutCodes(around)
    if (/[\p{L}\p{N}]/u.test(words)) printed.add(`${tag.endsWith('Header') ? 'Header' : 'Footer'}: ${words}`)
  }

  return {
    handler: {
      open(tag, attributes) {
        if (tag === 'row') {
          const number = Number(attributes.r)
          last = Number.isInteger(number) && number > last ? number : last + 1
          row = { number: last, values: new Map() }
          column = -1
        } else if (tag === 'c') {
          column = columnOf(attributes.r) ?? column + 1
          type = attributes.t ?? 'n'
          style = Number(attributes.s ?? 0)
          value = ''
          formula = ''
          hasValue = false
          sharedBy = undefined
          hasFonts = false
          run = {}
        } else if (tag === 'rPh') phonetic = true
        else if (tag === 'rPr') hasFonts = true
        else if (tag === 'r') run = {}
        else if (tag === 'v' || (tag === 't' && !phonetic)) {
          inside = 'value'
          // Programs that do not calculate write an empty value, too, but not the type of an empty text.
          hasValue = type === 'str'
        } else if (tag === 'f') {
          inside = 'formula'
          sharedBy = attributes.t === 'shared' ? attributes.si : undefined
        } else if (pageParts.test(tag)) {
          inside = 'printed'
          around = ''
        } else setFontProperty(run, tag, attributes)
      },
      text(words) {
        if (inside === 'value') hasValue = true
        if (inside === 'value' && value.length < longestCell) value += styled.write(words, run)
        else if (inside === 'printed' && around.length < longestCell) around += words
        else if (inside === 'formula' && formula.length < longestCell) formula += words
      },
      close(tag) {
        if (tag === 'v' || tag === 't' || tag === 'f') inside = undefined
        else if (pageParts.test(tag)) endPrinted(tag)
        else if (tag === 'rPh') phonetic = false
        else if (tag === 'c') endCell()
        else if (tag === 'row' && row !== undefined) {
          if (row.values.size > 0) rows.push(row)
          row = undefined
        }
      },
    },
    take() {
      const taken = rows
      rows = []
      return taken
    },
    unvalued: () => unvalued,
    printed: () => [...printed].map((text) => ({ row: 1, text })),
  }
}

/** `AB12` → 27. */
export function columnOf(address: string | undefined): number | undefined {
  const letters = /^([A-Z]{1,3})\d+$/.exec(address ?? '')?.[1]
  if (letters === undefined) return undefined
  let column = 0
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}

const pageParts = /^(?:odd|even|first)(?:Header|Footer)$/

/** The words of a header or footer, whose codes begin with `&`: places, fonts, sizes, and the number of the page. */
function withoutCodes(text: string): string {
  const codes = /&(?:&|"[^"]*"|K[0-9A-F+-]{6}|\d{1,3}|[A-Z])/gi
  return text
    .replace(codes, (code) => (code === '&&' ? '&' : /^&[LCR]$/i.test(code) ? ' ' : ''))
    .trim()
    .replace(/\s+/g, ' ')
}

/** A formula as it stands in a cell so many columns and rows away: its relative addresses move along. */
function moved(formula: string, columns: number, rows: number): string {
  if (columns === 0 && rows === 0) return formula
  return formula.replace(
    /"[^"]*"|'[^']*'|(?<![\w$.])(\$?)([A-Z]{1,3})(\$?)(\d{1,7})(?![\w(.])/g,
    (all: string, fixedColumn: string | undefined, letters: string, fixedRow: string, row: string) => {
      if (fixedColumn === undefined) return all
      const column = fixedColumn === '$' ? letters : columnLetters((columnOf(`${letters}1`) ?? 0) + columns)
      return `${fixedColumn}${column}${fixedRow}${fixedRow === '$' ? row : Number(row) + rows}`
    },
  )
}
