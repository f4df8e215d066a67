/** Reads rich text. Positions are lines of the extracted text, where a paragraph or a table row is one line. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { createLineText } from './line-text.ts'
import { rtfBlocks } from './rtf-text.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const text = createLineText(sink)
    const rtf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    for (const block of rtfBlocks(rtf)) if (!(await text.add(block))) break
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    if (!/\}\s*\0*\s*$/.test(rtf.slice(-200))) {
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.cutOff(name) })
    }
    return ending
  },
}
