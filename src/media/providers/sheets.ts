/**
 * What the readers of workbooks share. Rows of a sheet as text: every segment names its sheet and the columns by letter and
 * heading, and every row has its number, so that each cell has an address. And the limits of a workbook, with a report of what
 * was left out.
 */

import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'
import { segmentCharacters, split } from './pieces.ts'
import { headingOf, type Merge } from './sheet-heading.ts'

export interface SheetText {
  /** `cells` by their column, counted from 0. False: the limit is reached. */
  row(number: number, cells: ReadonlyMap<number, string>): Promise<boolean>
  finish(): Promise<boolean>
}

/** With more columns, each filled cell is named and empty ones are left out. */
const mostColumns = 40
const longestHeading = 600
/** A heading may come after a title and a blank line. */
const headingRows = 5

export function createSheetText(sheet: string, sink: Sink, merges: readonly Merge[] = []): SheetText {
  let waiting: { number: number; cells: ReadonlyMap<number, string> }[] = []
  let heading: string[] | undefined
  let decided = false
  let columns = 0
  let lines: string[] = []
  let size = 0
  let from = 0
  let to = 0

  const head = () => {
    const named = Array.from({ length: columns }, (_, at) => {
      const title = heading?.[at] ?? ''
      return title === '' ? columnLetters(at) : `${columnLetters(at)}: ${title}`
    }).join(' | ')
    const plain = Array.from({ length: columns }, (_, at) => columnLetters(at)).join(' | ')
    return `[${sheet}] row | ${columns > mostColumns ? 'cells' : named.length > longestHeading ? plain : named}`
  }

  async function flush(): Promise<boolean> {
    if (lines.length === 0) return true
    const text = `${head()}\n${lines.join('\n')}`
    lines = []
    size = 0
    return sink.segment(text, { kind: 'rows', sheet, from, to })
  }

  async function write(number: number, cells: ReadonlyMap<number, string>): Promise<boolean> {
    const width = Math.max(...cells.keys()) + 1
    // Another width is another heading: what came before keeps the old one.
    if (width > columns && !(await flush())) return false
    columns = Math.max(columns, width)
    const line = `${number} | ${lineOf(cells, columns, heading)}`
    if (size > 0 && size + line.length > segmentCharacters && !(await flush())) return false
    if (lines.length === 0) from = number
    to = number
    if (line.length <= segmentCharacters) {
      lines.push(line)
      size += line.length + 1
      return true
    }
    for (const part of split(line)) {
      lines = [part]
      if (!(await flush())) return false
    }
    return true
  }

  async function decide(): Promise<boolean> {
    decided = true
    columns = Math.max(0, ...waiting.map(({ cells }) => Math.max(...cells.keys()) + 1))
    const taken = waiting
    waiting = []
    const found = headingOf(taken, merges, Math.min(columns, mostColumns))
    for (const [place, { number, cells }] of taken.entries()) {
      if (place === found?.last) heading = found.titles
      if (!(await write(number, cells))) return false
    }
    return true
  }

  return {
    async row(number, cells) {
      if (cells.size === 0) return true
      if (decided) return write(number, cells)
      waiting.push({ number, cells })
      return waiting.length < headingRows || decide()
    },
    async finish() {
      if (!decided && !(await decide())) return false
      return flush()
    },
  }
}

function lineOf(cells: ReadonlyMap<number, string>, columns: number, heading: string[] | undefined): string {
  if (columns <= mostColumns) return Array.from({ length: columns }, (_, at) => cells.get(at) ?? '').join(' | ')
  return [...cells]
    .map(([at, text]) =>
      heading?.[at] ? `${columnLetters(at)} (${heading[at]}): ${text}` : `${columnLetters(at)}: ${text}`,
    )
    .join(' | ')
}

/** 0 → A, 25 → Z, 26 → AA. */
export function columnLetters(column: number): string {
  let letters = ''
  for (let left = column + 1; left > 0; left = Math.floor((left - 1) / 26)) {
    letters = String.fromCharCode(65 + ((left - 1) % 26)) + letters
  }
  return letters
}

/** What a cell holds, on one line. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*[\r\n]+\s*/g, ' ')
}

/** What lies on a sheet beside its cells, such as a comment. */
export interface SheetNote {
  row: number
  /** The cell that it belongs to. */
  cell?: string
  text: string
}

async function deliverNotes(sheet: string, notes: readonly SheetNote[], sink: Sink): Promise<boolean> {
  const head = `[${sheet}] beside the cells`
  let open: SheetNote[] = []
  let size = 0
  const flush = async () => {
    const [first, last] = [open.at(0), open.at(-1)]
    if (first === undefined || last === undefined) return true
    const text = [head, ...open.map((note) => note.text)].join('\n')
    open = []
    size = 0
    return sink.segment(text, { kind: 'rows', sheet, from: first.row, to: last.row })
  }
  for (const { row, text } of notes) {
    for (const part of split(text)) {
      if (size + part.length > segmentCharacters && !(await flush())) return false
      open.push({ row, text: part })
      size += part.length + 1
    }
  }
  return flush()
}

interface Workbook {
  name: string
  limits: Limits
  sink: Sink
  /** Called late, because a streaming parser finds the sheets one by one. */
  sheets(): number
}

export interface SheetReport {
  /** Whether the next sheet may be read. */
  open(sheet: string): boolean
  /** False: a limit is reached. */
  row(number: number, values: ReadonlyMap<number, string>, text: SheetText): Promise<boolean>
  broken(sheet: string): void
  /** In the order of their rows. */
  notes(sheet: string, notes: readonly SheetNote[]): Promise<void>
  close(text: SheetText, unvalued: number): Promise<void>
  finish(): Promise<Ending>
}

const progressRows = 1_000

/** Applies the limits to a workbook, and reports what was left out. */
export function createSheetReport({ name, limits, sink, sheets }: Workbook): SheetReport {
  const broken: string[] = []
  let opened = 0
  let rows = 0
  let noted = false
  let lastRow = 0
  let current = ''
  let unvalued = 0
  let stopped: string | undefined

  return {
    open(sheet) {
      if (stopped !== undefined) return false
      if (opened >= limits.pages) {
        stopped = fileWording.partial.first(name, 'sheet', { done: limits.pages, of: sheets() })
        return false
      }
      opened += 1
      current = sheet
      lastRow = 0
      return true
    },
    async row(number, values, text) {
      if (rows >= limits.rows) {
        stopped = fileWording.partial.firstRows(name, rows, `row ${lastRow} of ${current}`)
        return false
      }
      rows += 1
      if (!(await text.row(number, values))) {
        stopped = fileWording.partial.upTo(name, `row ${lastRow} of ${current}`, limits.characters)
        return false
      }
      lastRow = number
      if (rows % progressRows === 0) await sink.progress({ done: rows, of: 0, unit: 'row' })
      return true
    },
    broken(sheet) {
      broken.push(sheet)
    },
    async notes(sheet, notes) {
      if (notes.length === 0 || stopped !== undefined) return
      noted = true
      if (!(await deliverNotes(sheet, notes, sink)))
        stopped = fileWording.partial.upTo(name, `row ${lastRow} of ${current}`, limits.characters)
    },
    async close(text, formulas) {
      unvalued += formulas
      if (!(await text.finish())) {
        stopped ??= fileWording.partial.upTo(name, `row ${lastRow} of ${current}`, limits.characters)
      }
    },
    async finish() {
      if (broken.length > 0) {
        if (rows === 0 && !noted) throw new ParleyError('file_damaged', fileWording.damaged.workbook(name))
        sink.problem({
          code: 'file_damaged',
          userMessage: fileWording.partlyDamaged.sheets(name, broken),
        })
      }
      if (rows === 0 && !noted) throw new ParleyError('file_empty', fileWording.empty.noCells(name))
      if (unvalued > 0) {
        const userMessage = fileWording.notice.formulasWithoutValues(name, unvalued)
        sink.problem({ code: 'formulas_unvalued', userMessage })
      }
      await sink.progress({ done: rows, of: rows, unit: 'row' })
      return { pages: sheets(), truncated: stopped }
    },
  }
}
