/** Turns a worksheet's tags into rows of displayed values. */

import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import { type Archive, smallPart } from './archive.ts'
import { oneLine } from './sheets.ts'
import { readXml, type XmlHandler } from './xml.ts'

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

// Reads the parts shared by all sheets of a workbook: strings and number formats.

/** How many times the character limit the shared strings may hold. More would fill the memory. */
const mostStrings = 4

export async function readSharedStrings(
  archive: Archive,
  part: string,
  limits: Limits,
  name: string,
): Promise<readonly string[]> {
  const strings: string[] = []
  if (!archive.has(part)) return strings
  let text = ''
  let inText = false
  let phonetic = false
  let characters = 0
  await readXml(archive.stream(part), {
    open(tag) {
      if (tag === 'si') text = ''
      else if (tag === 'rPh') phonetic = true
      else if (tag === 't') inText = !phonetic
    },
    text(words) {
      if (inText) text += words
      if (inText) characters += words.length
      if (characters > limits.characters * mostStrings)
        throw new ParleyError('file_too_large', fileWording.limit.workbookText(name))
    },
    close(tag) {
      if (tag === 't') inText = false
      else if (tag === 'rPh') phonetic = false
      else if (tag === 'si') {
        strings.push(text)
        characters += 8
      }
    },
  })
  return strings
}

/** The kind of number of each cell style. */
export async function readStyles(archive: Archive, part: string): Promise<readonly NumberKind[]> {
  const formats = new Map<number, NumberKind>()
  const kinds: NumberKind[] = []
  if (!archive.has(part)) return kinds
  let inCells = false
  await readXml(archive.stream(part, smallPart), {
    open(tag, attributes) {
      if (tag === 'numFmt') formats.set(Number(attributes.numFmtId), kindOfFormat(attributes.formatCode ?? ''))
      else if (tag === 'cellXfs') inCells = true
      else if (tag === 'xf' && inCells) {
        const id = Number(attributes.numFmtId ?? 0)
        kinds.push(formats.get(id) ?? builtinKind(id))
      }
    },
    close(tag) {
      if (tag === 'cellXfs') inCells = false
    },
  })
  return kinds
}

/** Shows a spreadsheet number by its format: a date, a time, a percentage or a plain number. */

/** Excel counts days from 1899-12-30 (so that its wrong leap year 1900 does no harm later), or from 1904-01-01. */
const epoch1900 = Date.UTC(1899, 11, 30)
const epoch1904 = Date.UTC(1904, 0, 1)
const dayMs = 86_400_000

export type NumberKind = 'number' | 'date' | 'time' | 'datetime' | 'duration' | 'percent'

/** The built-in formats, which a file does not spell out (ECMA-376, 18.8.30). */
export function builtinKind(id: number): NumberKind {
  if (id === 9 || id === 10) return 'percent'
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)) return 'date'
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id === 45 || id === 47) return 'time'
  if (id === 22) return 'datetime'
  if (id === 46) return 'duration'
  return 'number'
}

export function kindOfFormat(code: string): NumberKind {
  const first = code.split(';')[0] ?? ''
  if (/\[(?:h+|m+|s+)\]/i.test(first)) return 'duration'
  // Quoted text, escaped characters, colors and currencies are not part of the pattern.
  const pattern = first.replace(/"[^"]*"|\\.|_.|\*.|\[[^\]]*\]/g, '').toLowerCase()
  if (/general|standard/.test(pattern)) return 'number'
  if (pattern.includes('%')) return 'percent'
  const day = /[yd]|m(?!.*[hs]).*/.test(pattern.replace(/am\/pm|a\/p/g, '')) && /[ydm]/.test(pattern)
  const time = /[hs]/.test(pattern)
  if (day && time && /[yd]/.test(pattern)) return 'datetime'
  if (time) return 'time'
  return day ? 'date' : 'number'
}

export function showNumber(raw: string, kind: NumberKind, since1904: boolean): string {
  const value = Number(raw)
  if (raw.trim() === '' || !Number.isFinite(value)) return raw
  if (kind === 'percent') return `${plain(value * 100)}%`
  if (kind === 'number') return plain(value)
  if (kind === 'duration') return clock(value, true)
  if (kind === 'time' && value >= 0 && value < 1) return clock(value, false)
  const ms = Math.round(((since1904 ? epoch1904 : epoch1900) + value * dayMs) / 1000) * 1000
  const at = new Date(ms)
  if (value < 0 || Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999) return plain(value)
  const [date = '', time = ''] = at.toISOString().split('T')
  const whole = time.startsWith('00:00:00')
  return kind === 'date' && whole
    ? date
    : kind === 'datetime' || !whole
      ? `${date} ${time.slice(0, 8).replace(/:00$/, '')}`
      : date
}

/** As many digits as a spreadsheet keeps: 0.1 + 0.2 is 0.3. */
function plain(value: number): string {
  return String(Number(value.toPrecision(15)))
}

function clock(days: number, long: boolean): string {
  const seconds = Math.round(Math.abs(days) * 86_400)
  const hours = Math.floor(seconds / 3600)
  const two = (value: number) => String(value).padStart(2, '0')
  const shown = `${long ? hours : two(hours)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return days < 0 ? `-${shown}` : shown.replace(long ? /$^/ : /:00$/, '')
}
