/** Reads rich text. Positions are lines of the text given out: a paragraph or a row of a table is one line. */
import { ParleyError } from '../../core/errors.ts'
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
    if (ending === undefined) {
      const userMessage = `${name} holds no text: its pages are pictures or empty. Export it as a PDF and share that.`
      throw new ParleyError('file_empty', userMessage)
    }
    if (!/\}\s*\0*\s*$/.test(rtf.slice(-200))) {
      const userMessage = `${name} was cut off: only what stands before the break was read. Share it again to have all of it.`
      sink.problem({ code: 'file_damaged', userMessage })
    }
    return ending
  },
}
