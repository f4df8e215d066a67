/** Reads OpenDocument texts. Positions are lines of the extracted text, where a paragraph or a table row is one line. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { createUnread } from '../unread.ts'
import { type Archive, damaged, smallPart } from './archive.ts'
import { contentPart, type OdfContext, openDocument, readOdfContext, stylesPart } from './odf.ts'
import { createOdfText } from './odf-text.ts'
import { createLineText } from './pieces.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openDocument({ bytes, name }, limits, sink)
    const text = createLineText(sink)
    const unread = createUnread(name, sink)
    const context = await readOdfContext(archive, unread)
    const document = createOdfText(context)
    const around = await readHeaders(archive, context)
    try {
      for (const line of around.headers) await text.add(line)
      await readXml(archive.stream(contentPart), document.handler, async () => {
        for (const { text: block, heading } of document.take())
          if (!(await text.add(block, { heading }))) return 'enough'
        return 'more'
      })
      for (const line of around.footers) await text.add(line)
    } catch (error) {
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      const partly = await text.finish(name, limits)
      if (partly === undefined) throw error instanceof ParleyError ? error : damaged(name, error)
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.afterDamage(name) })
      unread.report()
      return partly
    }
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    unread.report()
    return ending
  },
}

/** Headers and footers stand in the part of the styles. */
async function readHeaders(archive: Archive, context: OdfContext) {
  const headers: string[] = []
  const footers: string[] = []
  if (!archive.has(stylesPart)) return { headers, footers }
  let document = createOdfText(context)
  let inside: string | undefined
  const kinds = /^style:(header|footer)(?:-left|-first)?$/
  await readXml(archive.stream(stylesPart, smallPart), {
    open(name, attributes) {
      if (inside !== undefined) document.handler.open?.(name, attributes)
      else if (kinds.test(name) && attributes['style:display'] !== 'false') inside = name
    },
    text(words) {
      if (inside !== undefined) document.handler.text?.(words)
    },
    close(name) {
      if (inside === undefined) return
      if (name !== inside) return document.handler.close?.(name)
      const words = document
        .rest()
        .map((block) => block.text.trim())
        .join('\n')
      const isHeader = name.startsWith('style:header')
      if (words !== '') (isHeader ? headers : footers).push(`${isHeader ? 'Header' : 'Footer'}: ${words}`)
      inside = undefined
      document = createOdfText(context)
    },
  }).catch(() => {})
  return { headers: [...new Set(headers)], footers: [...new Set(footers)] }
}
