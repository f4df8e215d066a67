/** Reads OpenDocument texts. Positions are lines of the extracted text, where a paragraph or a table row is one line. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { damaged } from './archive.ts'
import { contentPart, createOdfText, openDocument } from './odf.ts'
import { createLineText } from './pieces.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openDocument(bytes, name, limits)
    const text = createLineText(sink)
    const document = createOdfText()
    try {
      await readXml(archive.stream(contentPart), document.handler, async () => {
        for (const { text: block, heading } of document.take())
          if (!(await text.add(block, { heading }))) return 'enough'
        return 'more'
      })
    } catch (error) {
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      const partly = await text.finish(name, limits)
      if (partly === undefined) throw error instanceof ParleyError ? error : damaged(name, error)
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.afterDamage(name) })
      return partly
    }
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    return ending
  },
}
