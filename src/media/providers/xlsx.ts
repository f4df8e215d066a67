/**
 * Reads Excel workbooks as a stream: sheets by name, rows by number, values as their formats show them, formulas by their stored
 * values; then the comments, boxes and charts of each sheet. A library that holds the whole workbook in memory needs gigabytes for a 50 MB file.
 */
import { ParleyError } from '../../core/errors.ts'
import type { Provider } from '../provider.ts'
import { createUnread } from '../unread.ts'
import { type Archive, damaged, ifIntact, openArchive, smallPart } from './archive.ts'
import { mainPart, relationsOf } from './relations.ts'
import { createSheetReport, createSheetText } from './sheets.ts'
import { createCells } from './xlsx-cells.ts'
import { createMergeScan } from './xlsx-merges.ts'
import { readPersons, readSheetNotes } from './xlsx-notes.ts'
import { readSharedStrings, readStyles } from './xlsx-shared.ts'
import { readXml } from './xml.ts'

interface Sheet {
  name: string
  path: string
  hidden: boolean
}

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'row' })
    const archive = await openArchive(bytes, name, limits, sink)
    const main = await mainPart(archive, 'xl/workbook.xml')
    if (!archive.has(main)) throw damaged(name)
    const { sheets, since1904 } = await readWorkbook(archive, main, name)
    const relations = [...(await relationsOf(archive, main)).values()]
    const part = (type: string, usual: string) => relations.find((one) => one.type === type)?.target ?? usual
    const styles = await readStyles(archive, part('styles', 'xl/styles.xml'))
    const strings = await readSharedStrings(archive, part('sharedStrings', 'xl/sharedStrings.xml'), limits, name)
    const persons = (await ifIntact(readPersons(archive, main))) ?? new Map()
    const unread = createUnread(name, sink)
    const mergesOf = createMergeScan(archive)
    const report = createSheetReport({ name, limits, sink, sheets: () => sheets.length })
    for (const { name: title, path, hidden } of sheets) {
      if (!report.open(title)) break
      const shown = hidden ? `${title} (hidden)` : title
      const text = createSheetText(shown, sink, await mergesOf(path))
      const cells = createCells({ strings, styles, since1904 })
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
      const beside = await ifIntact(readSheetNotes(archive, path, persons, unread))
      if (beside === undefined) report.broken(title)
      await report.notes(shown, [...cells.printed(), ...(beside ?? [])])
    }
    unread.report()
    return report.finish()
  },
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
        if (relation === undefined || relation.external) return
        const hidden = attributes.state !== undefined && attributes.state !== 'visible'
        sheets.push({ name: attributes.name ?? `Sheet ${sheets.length + 1}`, path: relation.target, hidden })
      },
    })
  } catch (error) {
    throw error instanceof ParleyError ? error : damaged(name, error)
  }
  return { sheets: sheets.filter(({ path }) => archive.has(path)), since1904 }
}
