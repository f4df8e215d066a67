/** Holds the reading of a workbook to its limits, and says at the end what was left out. */
import { ParleyError } from '../../core/errors.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'
import type { SheetText } from './sheet-text.ts'

interface Workbook {
  name: string
  limits: Limits
  sink: Sink
  /** Asked when it is told: a stream shows them one by one. */
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
        stopped = `Only the first ${limits.pages} of ${sheets()} sheets of ${name} were read: that is the limit.`
        return false
      }
      opened += 1
      current = sheet
      lastRow = 0
      return true
    },
    async row(number, values, text) {
      if (rows >= limits.rows) {
        stopped = `Only the first ${rows.toLocaleString('en')} rows of ${name} were read, up to row ${lastRow} of ${current}: that is the limit.`
        return false
      }
      rows += 1
      if (!(await text.row(number, values))) {
        const limit = limits.characters.toLocaleString('en')
        stopped = `Only the beginning of ${name} was read, up to row ${lastRow} of ${current}: the limit is ${limit} characters.`
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
        stopped ??= `Only the beginning of ${name} was read, up to row ${lastRow} of ${current}: the limit is ${limits.characters.toLocaleString('en')} characters.`
      }
    },
    async finish() {
      if (broken.length > 0) {
        const which = broken.slice(0, 10).join(', ')
        if (rows === 0) {
          throw new ParleyError(
            'file_damaged',
            `${name} is damaged: nothing in it could be read. Save it anew and share that.`,
          )
        }
        sink.problem({
          code: 'file_damaged',
          userMessage: `${name} is damaged: not all of ${which} could be read. Save it anew and share that.`,
        })
      }
      if (rows === 0)
        throw new ParleyError('file_empty', `${name} holds no cells with content. Check the file and share it again.`)
      if (unvalued > 0) {
        const userMessage = `${name} holds ${unvalued} formulas without values, shown as they are written. Open and save it in a spreadsheet program to have the values.`
        sink.problem({ code: 'formulas_unvalued', userMessage })
      }
      await sink.progress({ done: rows, of: rows, unit: 'row' })
      return { pages: sheets(), truncated: stopped }
    },
  }
}
