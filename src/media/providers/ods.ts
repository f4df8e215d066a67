/** Reads OpenDocument spreadsheets as a stream: sheets by name, rows by number, dates as dates. */
import { ParleyError } from '../../core/errors.ts'
import type { Provider } from '../provider.ts'
import { contentPart, openDocument } from './odf.ts'
import { createSheetReport, createSheetText, oneLine, type SheetText } from './sheets.ts'
import { readXml, type XmlHandler } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'row' })
    const archive = await openDocument(bytes, name, limits)
    const cells = createOdsCells()
    const report = createSheetReport({ name, limits, sink, sheets: () => cells.sheets() })
    let sheet: string | undefined
    let text: SheetText | undefined
    try {
      await readXml(archive.stream(contentPart), cells.handler, async () => {
        for (const { sheet: title, number, values } of cells.take()) {
          if (title !== sheet) {
            if (text !== undefined) await report.close(text, 0)
            if (!report.open(title)) return 'enough'
            sheet = title
            text = createSheetText(title, sink)
          }
          if (text !== undefined && !(await report.row(number, values, text))) return 'enough'
        }
        return 'more'
      })
    } catch (error) {
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      report.broken(sheet ?? 'the first sheet')
    }
    if (text !== undefined) await report.close(text, 0)
    return report.finish()
  },
}

interface OdsRow {
  sheet: string
  number: number
  values: Map<number, string>
}

interface OdsCells {
  handler: XmlHandler
  take(): OdsRow[]
  sheets(): number
}

const mostColumns = 16_384
/** Equal rows and cells are stored once with a count, which a malicious file sets high. Filled ones are repeated at most this often. */
const mostRepeats = 1_000

/** Turns the tags into rows of displayed values. */
function createOdsCells(): OdsCells {
  let rows: OdsRow[] = []
  let sheets = 0
  let sheet = ''
  let depth = 0
  let number = 0
  let rowRepeat = 1
  let values = new Map<number, string>()
  let column = 0
  let cell: { shown: string[]; value: string | undefined; repeat: number } | undefined
  let paragraph: string | undefined
  let hidden = 0

  function openCell(attributes: Record<string, string>): void {
    const repeat = Math.max(1, Number(attributes['table:number-columns-repeated'] ?? 1) || 1)
    cell = { shown: [], value: storedValue(attributes), repeat }
  }

  function endCell(): void {
    if (cell === undefined) return
    const shown = oneLine(cell.value ?? cell.shown.join(' '))
    if (shown !== '') {
      const until = Math.min(column + Math.min(cell.repeat, mostRepeats), mostColumns)
      for (let at = column; at < until; at += 1) values.set(at, shown)
    }
    column += cell.repeat
    cell = undefined
  }

  function endRow(): void {
    if (values.size > 0) {
      for (let at = 0; at < Math.min(rowRepeat, mostRepeats); at += 1)
        rows.push({ sheet, number: number + at + 1, values })
    }
    number += rowRepeat
  }

  return {
    handler: {
      open(name, attributes) {
        if (hidden > 0 || name === 'office:annotation' || name === 'table:tracked-changes' || name === 'draw:frame') {
          hidden += 1
        } else if (name === 'table:table') {
          depth += 1
          if (depth > 1) return
          sheets += 1
          sheet = attributes['table:name'] ?? `Sheet ${sheets}`
          number = 0
        } else if (name === 'table:table-row') {
          rowRepeat = Math.max(1, Number(attributes['table:number-rows-repeated'] ?? 1) || 1)
          values = new Map()
          column = 0
        } else if (name === 'table:table-cell' || name === 'table:covered-table-cell') openCell(attributes)
        else if (name === 'text:p' && cell !== undefined) paragraph = ''
        else if (paragraph === undefined) return
        else if (name === 'text:s') paragraph += ' '
        else if (name === 'text:tab' || name === 'text:line-break') paragraph += ' '
      },
      text(words) {
        if (hidden === 0 && paragraph !== undefined) paragraph += words.replace(/\s+/g, ' ')
      },
      close(name) {
        if (hidden > 0) {
          hidden -= 1
          return
        }
        if (name === 'text:p' && paragraph !== undefined) {
          cell?.shown.push(paragraph)
          paragraph = undefined
        } else if (name === 'table:table-cell' || name === 'table:covered-table-cell') endCell()
        else if (name === 'table:table-row') endRow()
        else if (name === 'table:table') depth -= 1
      },
    },
    take() {
      const taken = rows
      rows = []
      return taken
    },
    sheets: () => sheets,
  }
}

/** The stored value if it is more precise than the displayed one; otherwise undefined. */
function storedValue(attributes: Record<string, string>): string | undefined {
  switch (attributes['office:value-type']) {
    case 'date':
      return attributes['office:date-value']
        ?.replace(/T00:00:00(?:\.0+)?$/, '')
        .replace('T', ' ')
        .replace(/(:\d\d):00(?:\.0+)?$/, '$1')
    case 'float': {
      const value = Number(attributes['office:value'])
      return Number.isFinite(value) ? String(Number(value.toPrecision(15))) : undefined
    }
    case 'boolean':
      return attributes['office:boolean-value']?.toUpperCase()
    default:
      return undefined
  }
}
