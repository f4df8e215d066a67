/**
 * Reads Excel workbooks as a stream: sheets by name, rows by number, dates as dates, formulas by their stored
 * values. A library that holds the whole workbook in memory needs gigabytes for a 50 MB file.
 */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { mainPart, relationsOf } from './relations.ts'
import { createSheetReport, createSheetText } from './sheets.ts'
import { createCells, readSharedStrings, readStyles } from './xlsx-cells.ts'
import { readXml } from './xml.ts'

interface Sheet {
  name: string
  path: string
  hidden: boolean
}

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'row' })
    const archive = await openArchive(bytes, name, limits)
    const main = await mainPart(archive, 'xl/workbook.xml')
    if (!archive.has(main)) {
      if (archive.entries.some((entry) => /workbook\.bin$/.test(entry.name))) throw binary(name)
      throw damaged(name)
    }
    const { sheets, since1904 } = await readWorkbook(archive, main, name)
    const relations = [...(await relationsOf(archive, main)).values()]
    const part = (type: string, usual: string) => relations.find((one) => one.type === type)?.target ?? usual
    const kinds = await readStyles(archive, part('styles', 'xl/styles.xml'))
    const strings = await readSharedStrings(archive, part('sharedStrings', 'xl/sharedStrings.xml'), limits, name)
    const report = createSheetReport({ name, limits, sink, sheets: () => sheets.length })
    for (const { name: title, path, hidden } of sheets) {
      if (!report.open(title)) break
      const text = createSheetText(hidden ? `${title} (hidden)` : title, sink)
      const cells = createCells({ strings, kinds, since1904 })
      try {
        await readXml(archive.stream(path), cells.handler, async () => {
          for (const { number, values } of cells.take()) if (!(await report.row(number, values, text))) return 'enough'
          return 'more'
        })
      } catch (error) {
        if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
        report.broken(title)
      }
      await report.close(text, cells.unvalued())
    }
    return report.finish()
  },
}

function binary(name: string): ParleyError {
  return new ParleyError('file_unsupported', fileWording.refusal.binaryWorkbook(name))
}

async function readWorkbook(archive: Archive, main: string, name: string) {
  const relations = await relationsOf(archive, main)
  const sheets: Sheet[] = []
  let since1904 = false
  try {
    await readXml(archive.stream(main, smallPart), {
      open(tag, attributes) {
        if (tag === 'workbookPr') since1904 = /^(?:1|true)$/.test(attributes.date1904 ?? '')
        if (tag !== 'sheet') return
        const relation = relations.get(attributes['r:id'] ?? '')
        if (relation === undefined || relation.type === 'chartsheet' || relation.external) return
        const hidden = attributes.state !== undefined && attributes.state !== 'visible'
        sheets.push({ name: attributes.name ?? `Sheet ${sheets.length + 1}`, path: relation.target, hidden })
      },
    })
  } catch (error) {
    throw error instanceof ParleyError ? error : damaged(name, error)
  }
  return { sheets: sheets.filter(({ path }) => archive.has(path)), since1904 }
}
