/** Turns the tags of an OpenDocument spreadsheet into rows of displayed values, and into what lies beside the cells. */
import type { OdfContext } from './odf.ts'
import type { OdfStyle } from './odf-styles.ts'
import { createOdfText } from './odf-text.ts'
import type { Merge } from './sheet-heading.ts'
import { columnLetters, oneLine, type SheetNote } from './sheets.ts'
import { createStyledText } from './styled-text.ts'
import type { XmlHandler } from './xml.ts'

export type OdsItem =
  /** `merges` grows with the rows of the sheet. */
  | { kind: 'sheet'; sheet: string; merges: readonly Merge[] }
  | { kind: 'row'; number: number; values: ReadonlyMap<number, string> }
  | { kind: 'end'; sheet: string; notes: readonly SheetNote[]; unvalued: number }

export interface OdsCells {
  handler: XmlHandler
  take(): OdsItem[]
  sheets(): number
}

const mostColumns = 16_384
/** Equal rows and cells are stored once with a count, which a malicious file sets high. Filled ones are repeated at most this often. */
const mostRepeats = 1_000
/** Headings are not further down. */
const lastHeading = 60
/** Something on a sheet outside its cells. */
const beside =
  /^(?:office(?:ooo)?:annotation|table:shapes|draw:(?:frame|custom-shape|rect|ellipse|caption|control|g|text-box))$/

interface Cell {
  shown: string[]
  attributes: Record<string, string>
  look: OdfStyle
}

export function createOdsCells(context: OdfContext): OdsCells {
  const { styles } = context
  let items: OdsItem[] = []
  let sheets = 0
  let sheet = ''
  let depth = 0
  let number = 0
  let rowRepeat = 1
  let values = new Map<number, string>()
  let column = 0
  let cell: Cell | undefined
  let merges: Merge[] = []
  let notes: SheetNote[] = []
  let unvalued = 0
  let hidden = 0
  const spans: OdfStyle[] = []
  const styled = createStyledText()
  let paragraph: string | undefined
  /** Reads what is beside the cells, and how many of its tags are open. */
  let other: { text: ReturnType<typeof createOdfText>; open: number } | undefined

  function openSheet(attributes: Record<string, string>): void {
    sheets += 1
    sheet = attributes['table:name'] ?? `Sheet ${sheets}`
    number = 0
    merges = []
    notes = []
    unvalued = 0
    items.push({ kind: 'sheet', sheet, merges })
  }

  function openCell(attributes: Record<string, string>): void {
    cell = { shown: [], attributes, look: styles.of(attributes['table:style-name']) }
    const [wide, high] = [
      Number(attributes['table:number-columns-spanned'] ?? 1),
      Number(attributes['table:number-rows-spanned'] ?? 1),
    ]
    if (number < lastHeading && (wide > 1 || high > 1))
      merges.push({ top: number + 1, bottom: number + high, left: column, right: column + wide - 1 })
  }

  function endCell(): void {
    if (cell === undefined) return
    const { attributes, look } = cell
    const repeat = Math.max(1, Number(attributes['table:number-columns-repeated'] ?? 1) || 1)
    let shown = oneLine(storedValue(attributes, oneLine(cell.shown.join(' '))))
    const formula = attributes['table:formula']
    if (shown === '' && formula !== undefined && attributes['office:value-type'] === undefined) {
      unvalued += 1
      shown = formula.replace(/^\w+:/, '')
    }
    if (shown !== '' && look.struck === true && !shown.startsWith('~~')) shown = `~~${shown}~~`
    if (shown !== '') {
      const until = Math.min(column + Math.min(repeat, mostRepeats), mostColumns)
      for (let at = column; at < until; at += 1) values.set(at, shown)
    }
    column += repeat
    cell = undefined
  }

  function endRow(): void {
    if (values.size > 0) {
      for (let at = 0; at < Math.min(rowRepeat, mostRepeats); at += 1)
        items.push({ kind: 'row', number: number + at + 1, values })
    }
    number += rowRepeat
  }

  function endOther(): void {
    const address = cell === undefined ? undefined : `${columnLetters(column)}${number + 1}`
    for (const { text } of other?.text.rest() ?? []) {
      const label = address === undefined ? text : text.replace(/^Comment by/, `${address}, comment by`)
      notes.push({ row: number + 1, text: label })
    }
    other = undefined
  }

  function open(name: string, attributes: Record<string, string>): void {
    if (name === 'table:table') {
      depth += 1
      if (depth === 1) openSheet(attributes)
    } else if (name === 'table:table-row') {
      rowRepeat = Math.max(1, Number(attributes['table:number-rows-repeated'] ?? 1) || 1)
      values = new Map()
      column = 0
    } else if (name === 'table:table-cell' || name === 'table:covered-table-cell') openCell(attributes)
    else if (name === 'text:p' && cell !== undefined) paragraph = ''
    else if (name === 'text:span') spans.push({ ...spans.at(-1), ...styles.of(attributes['text:style-name']) })
    else if (name === 'text:s' || name === 'text:tab' || name === 'text:line-break') write(' ')
  }

  function write(words: string): void {
    if (paragraph !== undefined) paragraph += styled.write(words, spans.at(-1) ?? {})
  }

  function close(name: string): void {
    if (name === 'text:span') spans.pop()
    else if (name === 'text:p' && paragraph !== undefined) {
      cell?.shown.push(paragraph + styled.end())
      paragraph = undefined
    } else if (name === 'table:table-cell' || name === 'table:covered-table-cell') endCell()
    else if (name === 'table:table-row') endRow()
    else if (name === 'table:table') {
      depth -= 1
      if (depth === 0)
        items.push({ kind: 'end', sheet, notes: notes.sort((one, next) => one.row - next.row), unvalued })
    }
  }

  return {
    handler: {
      open(name, attributes) {
        if (hidden > 0 || name === 'table:tracked-changes') {
          hidden += 1
          return
        }
        if (other === undefined && depth > 0 && beside.test(name)) other = { text: createOdfText(context), open: 0 }
        if (other !== undefined) {
          other.open += 1
          other.text.handler.open?.(name, attributes)
          return
        }
        styles.open(name, attributes)
        context.forms.open(name, attributes)
        open(name, attributes)
      },
      text(words) {
        if (other !== undefined) other.text.handler.text?.(words)
        else if (hidden === 0) write(words.replace(/\s+/g, ' '))
      },
      close(name) {
        if (hidden > 0) {
          hidden -= 1
          return
        }
        if (other !== undefined) {
          other.text.handler.close?.(name)
          other.open -= 1
          if (other.open === 0) endOther()
          return
        }
        styles.close(name)
        context.forms.close(name)
        close(name)
      },
    },
    take() {
      const taken = items
      items = []
      return taken
    },
    sheets: () => sheets,
  }
}

/**
 * The stored value where it says the same as what is shown, but with all digits. Dates are in ISO form. What a format adds, such as zeros
 * before a number, a currency or a word, is only in what is shown.
 */
function storedValue(attributes: Record<string, string>, shown: string): string {
  switch (attributes['office:value-type']) {
    case 'date':
      return (
        attributes['office:date-value']
          ?.replace(/T00:00:00(?:\.0+)?$/, '')
          .replace('T', ' ')
          .replace(/(:\d\d):00(?:\.0+)?$/, '$1') ?? shown
      )
    case 'float': {
      const value = Number(attributes['office:value'])
      const isPlain =
        shown === '' || shown.startsWith('#') || (/^[-+(]?[\d.,'\s]*\)?$/.test(shown) && !/^[-+]?0\d/.test(shown))
      if (!Number.isFinite(value)) return shown
      return isPlain && !/\d-\d/.test(shown) ? String(Number(value.toPrecision(15))) : shown
    }
    case 'boolean':
      return attributes['office:boolean-value']?.toUpperCase() ?? shown
    default:
      return shown
  }
}
