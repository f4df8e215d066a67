/** The sentences of a receipt. */
import type { Receipt } from '../core/reply.ts'
import type { Content } from '../prompt/content.ts'

/** How much of the files the model was given, as people are told it. */
export function describeUsed(content: Content): NonNullable<Receipt['used']> {
  return { summary: summarise(content), tokens: content.tokens, tokensAvailable: content.tokensAvailable }
}

function summarise({ files, excerpts, whole }: Content): string {
  const [only] = files
  if (whole) return files.length === 1 && only !== undefined ? `all of ${only.title}` : `all of ${files.length} files`
  const used = files.flatMap((file) => {
    const places = new Set(excerpts.filter((excerpt) => excerpt.file === file).map(({ at }) => JSON.stringify(at))).size
    if (places === 0) return []
    return [
      file.pages === undefined
        ? `${count(places, 'passage')} of ${file.title}`
        : `${places} of ${count(file.pages, 'page')} of ${file.title}`,
    ]
  })
  const left = files.length - used.length
  const unused = left === 0 ? '' : `; nothing of ${count(left, files.length > left ? 'other file' : 'file')}`
  return `${used.join(', ')}${unused}: what fits the question best`
}

function count(number: number, word: string): string {
  return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`
}
