/** Applies the limits to a workbook, and reports what was left out. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'
import type { SheetText } from './sheet-text.ts'

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
  close(text: SheetText, unvalued: number): Promise<void>
  finish(): Promise<Ending>
}

const progressRows = 1_000

export function createSheetReport({ name, limits, sink, sheets }: Workbook): SheetReport {
  const broken: string[] = []
  let opened = 0
  let rows = 0
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
    async close(text, formulas) {
      unvalued += formulas
      if (!(await text.finish())) {
        stopped ??= fileWording.partial.upTo(name, `row ${lastRow} of ${current}`, limits.characters)
      }
    },
    async finish() {
      if (broken.length > 0) {
        if (rows === 0) throw new ParleyError('file_damaged', fileWording.damaged.workbook(name))
        sink.problem({
          code: 'file_damaged',
          userMessage: fileWording.partlyDamaged.sheets(name, broken),
        })
      }
      if (rows === 0) throw new ParleyError('file_empty', fileWording.empty.noCells(name))
      if (unvalued > 0) {
        const userMessage = fileWording.notice.formulasWithoutValues(name, unvalued)
        sink.problem({ code: 'formulas_unvalued', userMessage })
      }
      await sink.progress({ done: rows, of: rows, unit: 'row' })
      return { pages: sheets(), truncated: stopped }
    },
  }
}
