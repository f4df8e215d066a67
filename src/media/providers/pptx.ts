/** Reads PowerPoint presentations: the slides in their order, each with its tables, charts and diagrams, comments and the speaker's notes. */
import { ParleyError } from '../../core/errors.ts'
import type { Provider } from '../provider.ts'
import { createUnread } from '../unread.ts'
import { type Archive, damaged, ifIntact, openArchive, smallPart } from './archive.ts'
import { readDrawing } from './drawing.ts'
import { readAuthors, readComments } from './pptx-comments.ts'
import { mainPart, relationsOf } from './relations.ts'
import { deliverSlides } from './slides.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'slide' })
    const archive = await openArchive(bytes, name, limits, sink)
    const main = await mainPart(archive, 'ppt/presentation.xml')
    if (!archive.has(main)) throw damaged(name)
    const paths = await slidesOf(archive, main)
    const authors = (await ifIntact(readAuthors(archive, main))) ?? new Map()
    const unread = createUnread(name, sink)
    const lost = (path: string): string[] => {
      unread.saw('comment', path)
      return []
    }
    const textOf = async (path: string) => (await readDrawing(archive, path, unread)).map(({ text }) => text)
    const ending = await deliverSlides({ name, limits, sink, of: paths.length }, async (at) => {
      const path = paths[at]
      if (path === undefined || !archive.has(path)) throw damaged(name)
      const relations = [...(await relationsOf(archive, path)).values()].filter(({ external }) => !external)
      const text = await textOf(path)
      for (const { target } of relations.filter(({ type }) => type === 'comments'))
        text.push(...((await ifIntact(readComments(archive, target, authors))) ?? lost(target)))
      const notes = relations.find(({ type }) => type === 'notesSlide')?.target
      return { text, notes: notes === undefined ? [] : await textOf(notes) }
    })
    unread.report()
    return ending
  },
}

async function slidesOf(archive: Archive, main: string): Promise<string[]> {
  const relations = await relationsOf(archive, main)
  const paths: string[] = []
  try {
    await readXml(archive.stream(main, smallPart), {
      open(name, attributes) {
        const target = name === 'p:sldId' ? relations.get(attributes['r:id'] ?? '')?.target : undefined
        if (target !== undefined) paths.push(target)
      },
    })
  } catch (error) {
    if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
  }
  if (paths.length > 0) return paths
  // The list is broken, so the numbers in the file names give the order.
  return archive.entries
    .map(({ name }) => name)
    .filter((name) => /(?:^|\/)slides\/slide\d+\.xml$/.test(name))
    .sort((a, b) => Number(/(\d+)\.xml$/.exec(a)?.[1]) - Number(/(\d+)\.xml$/.exec(b)?.[1]))
}
