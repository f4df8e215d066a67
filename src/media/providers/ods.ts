/** Reads OpenDocument spreadsheets as a stream: sheets by name, rows by number, dates as dates. */
import { ParleyError } from '../../core/errors.ts'
import type { Provider } from '../provider.ts'
import { contentPart, openDocument } from './odf-archive.ts'
import { createOdsCells } from './ods-cells.ts'
import { createSheetReport } from './sheet-report.ts'
import { createSheetText, type SheetText } from './sheet-text.ts'
import { readXml } from './xml.ts'

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
