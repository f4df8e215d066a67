/** Turns a worksheet's tags into rows of displayed values. */
import { oneLine } from './sheet-text.ts'
import { type NumberKind, showNumber } from './sheet-values.ts'
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
}

interface Shared {
  strings: readonly string[]
  kinds: readonly NumberKind[]
  since1904: boolean
}

/** Excel's limit. */
const mostColumns = 16_384
/** A cell of Excel holds 32,767 characters. */
const longestCell = 64_000

export function createCells({ strings, kinds, since1904 }: Shared): Cells {
  let rows: SheetRow[] = []
  let row: SheetRow | undefined
  let last = 0
  let column = -1
  let type = ''
  let style = 0
  let value = ''
  let formula = ''
  let inside: 'value' | 'formula' | undefined
  let unvalued = 0
  let phonetic = false

  function endCell(): void {
    if (row === undefined) return
    let shown = show()
    if (shown === '' && formula !== '') {
      unvalued += 1
      shown = `=${formula}`
    }
    if (shown !== '' && column >= 0 && column < mostColumns) row.values.set(column, shown)
  }

  function show(): string {
    if (value === '') return ''
    switch (type) {
      case 's':
        return oneLine(strings[Number(value)] ?? '')
      case 'b':
        return value.trim() === '1' ? 'TRUE' : 'FALSE'
      case 'd':
        return value
          .trim()
          .replace(/T00:00(?::00(?:\.0+)?)?Z?$/, '')
          .replace('T', ' ')
      case 'str':
      case 'inlineStr':
      case 'e':
        return oneLine(value)
      default:
        return showNumber(value, kinds[style] ?? 'number', since1904)
    }
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
        } else if (tag === 'rPh') phonetic = true
        else if (tag === 'v' || (tag === 't' && !phonetic)) inside = 'value'
        else if (tag === 'f') inside = 'formula'
      },
      text(words) {
        if (inside === 'value' && value.length < longestCell) value += words
        else if (inside === 'formula' && formula.length < longestCell) formula += words
      },
      close(tag) {
        if (tag === 'v' || tag === 't' || tag === 'f') inside = undefined
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
  }
}

/** `AB12` → 27. */
function columnOf(address: string | undefined): number | undefined {
  const letters = /^([A-Z]{1,3})\d+$/.exec(address ?? '')?.[1]
  if (letters === undefined) return undefined
  let column = 0
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}
