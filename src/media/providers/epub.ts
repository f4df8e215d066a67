/** Reads e-books (EPUB): the chapters in their order. They have no fixed pages, so positions are lines of the extracted text. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { createUnread } from '../unread.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { htmlBlocks } from './html.ts'
import { createLineText } from './pieces.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openArchive(bytes, name, limits, sink)
    const { title, authors, chapters, pictures } = await readPackage(archive, name)
    const locked = await encryptedParts(archive)
    if (chapters.some((path) => locked.has(path))) {
      throw new ParleyError('file_encrypted', fileWording.refusal.copyProtected(name))
    }
    const text = createLineText(sink)
    const unread = createUnread(name, sink)
    for (const path of pictures) unread.saw('picture', path)
    const broken: string[] = []
    let full = !(await text.add([title && `# ${title}`, authors.join(', ')].filter(Boolean).join('\n')))
    for (const path of chapters) {
      if (full) break
      const { bytes: page, error } = archive.has(path)
        ? await archive.intact(path, smallPart)
        : { bytes: new Uint8Array(), error: 'missing' }
      if (error !== undefined) broken.push(path)
      for (const block of htmlBlocks(decodeText(page, name).text)) {
        if (await text.add(block, { heading: block.startsWith('#') })) continue
        full = true
        break
      }
    }
    if (broken.length > 0 && !archive.incomplete)
      sink.problem({
        code: 'file_damaged',
        userMessage: fileWording.partlyDamaged.chapters(name, broken.length, chapters.length),
      })
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    unread.report()
    return ending
  },
}

interface Book {
  title: string
  authors: string[]
  /** Paths in the order of reading. */
  chapters: string[]
  pictures: string[]
}

async function readPackage(archive: Archive, name: string): Promise<Book> {
  let root = ''
  if (archive.has('META-INF/container.xml')) {
    await readXml(archive.stream('META-INF/container.xml', smallPart), {
      open(tag, attributes) {
        if (/(?:^|:)rootfile$/.test(tag)) root ||= attributes['full-path'] ?? ''
      },
    }).catch(() => {})
  }
  if (!archive.has(root)) root = archive.entries.find((entry) => entry.name.endsWith('.opf'))?.name ?? ''
  if (!archive.has(root)) throw damaged(name)
  const folder = root.slice(0, root.lastIndexOf('/') + 1)
  const items = new Map<string, { path: string; mediaType: string }>()
  const spine: string[] = []
  const words = { title: '', creator: [] as string[] }
  let open = ''
  await readXml(archive.stream(root, smallPart), {
    open(tag, attributes) {
      open = tag.slice(tag.indexOf(':') + 1)
      if (open === 'creator') words.creator.push('')
      if (open === 'item' && attributes.id !== undefined)
        items.set(attributes.id, {
          path: resolve(folder, attributes.href ?? ''),
          mediaType: attributes['media-type'] ?? '',
        })
      if (open === 'itemref') spine.push(attributes.idref ?? '')
    },
    text(part) {
      if (open === 'title') words.title += part
      if (open === 'creator') words.creator.push(`${words.creator.pop() ?? ''}${part}`)
    },
    close() {
      open = ''
    },
  }).catch(() => {})
  const pages = [...items.values()].filter(({ mediaType }) => /html/.test(mediaType)).map(({ path }) => path)
  const chapters = spine.flatMap((id) => items.get(id)?.path ?? [])
  return {
    title: words.title.trim(),
    authors: words.creator.map((each) => each.trim()).filter(Boolean),
    chapters: chapters.length > 0 ? chapters : pages,
    pictures: [...items.values()].filter(({ mediaType }) => mediaType.startsWith('image/')).map(({ path }) => path),
  }
}

/** Fonts may be obfuscated; text that is encrypted is protected against copying. */
async function encryptedParts(archive: Archive): Promise<Set<string>> {
  const parts = new Set<string>()
  if (!archive.has('META-INF/encryption.xml')) return parts
  await readXml(archive.stream('META-INF/encryption.xml', smallPart), {
    open(tag, attributes) {
      if (/(?:^|:)CipherReference$/.test(tag)) parts.add(resolve('', attributes.URI ?? ''))
    },
  }).catch(() => {})
  return parts
}

function resolve(folder: string, href: string): string {
  const [path = ''] = href.split('#')
  const parts: string[] = []
  for (const part of `${folder}${decoded(path)}`.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
