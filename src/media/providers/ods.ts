/** Reads OpenDocument spreadsheets as a stream: sheets by name, rows by number, dates as dates; then what lies beside the cells of each sheet. */
import { ParleyError } from '../../core/errors.ts'
import type { Provider } from '../provider.ts'
import { createUnread } from '../unread.ts'
import { contentPart, openDocument, readOdfContext } from './odf.ts'
import { createOdsCells } from './ods-cells.ts'
import { createSheetReport, createSheetText, type SheetText } from './sheets.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'row' })
    const archive = await openDocument({ bytes, name }, limits, sink)
    const unread = createUnread(name, sink)
    const cells = createOdsCells(await readOdfContext(archive, unread))
    const report = createSheetReport({ name, limits, sink, sheets: () => cells.sheets() })
    let sheet: string | undefined
    let text: SheetText | undefined
    try {
      await readXml(archive.stream(contentPart), cells.handler, async () => {
        for (const item of cells.take()) {
          if (item.kind === 'sheet') {
            if (!report.open(item.sheet)) return 'enough'
            sheet = item.sheet
            text = createSheetText(item.sheet, sink, item.merges)
          } else if (text === undefined) continue
          else if (item.kind === 'row') {
            if (!(await report.row(item.number, item.values, text))) return 'enough'
          } else {
            await report.close(text, item.unvalued)
            await report.notes(item.sheet, item.notes)
            text = undefined
          }
        }
        return 'more'
      })
    } catch (error) {
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      report.broken(sheet ?? 'the first sheet')
    }
    if (text !== undefined) await report.close(text, 0)
    unread.report()
    return report.finish()
  },
}
