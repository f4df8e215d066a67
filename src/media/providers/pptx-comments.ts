/** Comments on slides, both the ones of older programs and the newer threads. */
import { type Archive, smallPart } from './archive.ts'
import { relationsOf } from './relations.ts'
import { readXml } from './xml.ts'

const local = (name: string) => name.slice(name.indexOf(':') + 1)

/** Names of authors by their id. */
export async function readAuthors(archive: Archive, main: string): Promise<ReadonlyMap<string, string>> {
  const authors = new Map<string, string>()
  for (const { type, target } of (await relationsOf(archive, main)).values()) {
    if ((type !== 'commentAuthors' && type !== 'authors') || !archive.has(target)) continue
    await readXml(archive.stream(target, smallPart), {
      open(name, { id, name: called }) {
        if (/^(?:cmAuthor|author)$/.test(local(name)) && id !== undefined && called) authors.set(id, called)
      },
    })
  }
  return authors
}

export async function readComments(
  archive: Archive,
  part: string,
  authors: ReadonlyMap<string, string>,
): Promise<string[]> {
  if (!archive.has(part)) return []
  /** Replies are within the comment that they answer. */
  const open: { label: string; text: string; at: number }[] = []
  const lines: string[] = []
  let inText = 0
  await readXml(archive.stream(part, smallPart), {
    open(tag, { authorId }) {
      const name = local(tag)
      if (name === 'cm' || name === 'reply') {
        const author = authors.get(authorId ?? '') ?? 'somebody'
        open.push({ label: `${name === 'reply' ? 'Reply' : 'Comment'} by ${author}: `, text: '', at: lines.length })
        lines.push('')
      } else if (name === 'parentCm') {
        const comment = open.at(-1)
        if (comment !== undefined) comment.label = comment.label.replace(/^Comment/, 'Reply')
      } else if (name === 'text' || name === 't') inText += 1
      else if (name === 'br') write(' ')
    },
    text: (words) => inText > 0 && write(words),
    close(tag) {
      const name = local(tag)
      if (name === 'text' || name === 't') inText -= 1
      else if (name === 'p') write(' ')
      else if (name === 'cm' || name === 'reply') {
        const comment = open.pop()
        if (comment !== undefined && comment.text.trim() !== '')
          lines[comment.at] = `${comment.label}${comment.text.trim().replace(/\s+/g, ' ')}`
      }
    },
  })
  function write(words: string): void {
    const comment = open.at(-1)
    if (comment !== undefined) comment.text += words
  }
  return lines.filter((line) => line !== '')
}
