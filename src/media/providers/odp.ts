/** Reads OpenDocument presentations: each slide with its tables and the speaker's notes. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { createUnread } from '../unread.ts'
import { damaged } from './archive.ts'
import { contentPart, openDocument, readOdfContext } from './odf.ts'
import { createOdfText, type OdfBlock } from './odf-text.ts'
import { deliverSlides } from './slides.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'slide' })
    const archive = await openDocument({ bytes, name }, limits, sink)
    const unread = createUnread(name, sink)
    const document = createOdfText(await readOdfContext(archive, unread))
    const blocks: OdfBlock[] = []
    let characters = 0
    try {
      await readXml(archive.stream(contentPart), document.handler, async () => {
        for (const block of document.take()) {
          characters += block.text.length
          blocks.push(block)
        }
        return characters > limits.characters ? 'enough' : 'more'
      })
    } catch (error) {
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      if (blocks.length === 0) throw error instanceof ParleyError ? error : damaged(name, error)
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.afterDamage(name) })
    }
    const slides = Map.groupBy(blocks, ({ slide }) => slide)
    const ending = await deliverSlides({ name, limits, sink, of: document.slides() }, async (at) => {
      const own = slides.get(at + 1) ?? []
      const texts = (notes: boolean) => own.filter((block) => block.notes === notes).map(({ text }) => text)
      return { text: texts(false), notes: texts(true) }
    })
    unread.report()
    return ending
  },
}
