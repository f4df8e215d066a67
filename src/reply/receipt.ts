/** The sentences of a receipt. */
import type { AttachmentReceipt, Receipt } from '../core/reply.ts'
import type { Content } from '../prompt/content.ts'
import { describePages, type PageRange } from '../prompt/page-range.ts'

export interface UsedPictures {
  shown: number
  /** Pictures of the files, as many as may be shown at once. */
  of: number
  /** The model, when it cannot see. */
  blind?: string
}

function describePictures({ shown, of, blind }: UsedPictures = { shown: 0, of: 0 }): string[] {
  if (of === 0) return []
  if (blind !== undefined) return [`${count(of, 'picture')} read by OCR alone, because ${blind} cannot see`]
  const left = of - shown
  return [
    `${count(shown, 'picture')} shown to the model${left === 0 ? '' : `, ${count(left, 'more', 'more')} did not fit`}`,
  ]
}

/** How much of the files the model was given, as people are told it. */
export function describeUsed(content: Content, pictures?: UsedPictures): NonNullable<Receipt['used']> {
  const summary = [summarise(content), ...describePictures(pictures)].join('; ')
  return { summary, tokens: content.tokens, tokensAvailable: content.tokensAvailable }
}

function summarise(content: Content): string {
  const { files, excerpts, whole } = content
  const [only] = files
  if (content.requestedPages !== undefined) return summarisePages(content, content.requestedPages)
  if (whole)
    return files.length === 1 && only !== undefined ? `all of ${only.source.title}` : `all of ${files.length} files`
  const used = files.flatMap((file) => {
    const places = new Set(
      excerpts.filter((excerpt) => excerpt.source.n === file.source.n).map(({ at }) => JSON.stringify(at)),
    ).size
    if (places === 0) return []
    return [
      file.pages === undefined
        ? `${count(places, 'passage')} of ${file.source.title}`
        : `${places} of ${count(file.pages, 'page')} of ${file.source.title}`,
    ]
  })
  const left = files.length - used.length
  const unused = left === 0 ? '' : `; nothing of ${count(left, files.length > left ? 'other file' : 'file')}`
  return `${used.join(', ')}${unused}: what fits the question best`
}

/** "pages 10–20 of manual.pdf, as you asked". */
function summarisePages({ files, excerpts, whole }: Content, requestedPages: PageRange): string {
  const given = files.map((file) => ({
    file,
    places: excerpts.filter((excerpt) => excerpt.source.n === file.source.n),
  }))
  const used = given.flatMap(({ file, places: [first] }) => {
    if (first === undefined) return []
    const { kind } = first.at
    if (kind !== 'page' && kind !== 'slide')
      return [whole ? `all of ${file.source.title}` : `parts of ${file.source.title}`]
    // A file's number of pages is that of an archive's own, not of what lies in it.
    const last = first.at.inner === undefined ? (file.pages ?? requestedPages.to) : requestedPages.to
    return [
      `${describePages({ from: requestedPages.from, to: Math.min(requestedPages.to, last) }, kind)} of ${file.source.title}`,
    ]
  })
  const left = files.length - used.length
  const unused = left === 0 ? '' : `; nothing of ${count(left, 'other file')}`
  return `${used.join(', ')}, as you asked${whole ? '' : ': what of them fits the question best'}${unused}`
}

/** "3 read, 1 skipped: 31 MB is over the limit of 25 MB"; an empty string when nothing was attached. */
export function summariseAttachments(receipts: AttachmentReceipt[]): string {
  const words = { read: 'read', partly: 'partly read', skipped: 'skipped' }
  const told = (['read', 'partly', 'skipped'] as const).flatMap((outcome) => {
    const those = receipts.filter((receipt) => receipt.outcome === outcome)
    if (those.length === 0) return []
    const reasons = outcome === 'read' ? [] : those.map(reasonOf)
    return [`${those.length} ${words[outcome]}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`]
  })
  return told.join(', ')
}

/** Why a file was not read, or not in full; with its name, unless the reason says it. */
function reasonOf({ name, summary, problems, outcome }: AttachmentReceipt): string {
  const messageText =
    outcome === 'partly' && problems.length > 0 ? problems.map(({ userMessage }) => userMessage).join(' ') : summary
  const reason = messageText.replace(/^skipped:\s*/i, '').replace(/\.$/, '')
  return reason.includes(name) ? reason : `${reason} (${name})`
}

function count(number: number, word: string, plural = `${word}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? word : plural}`
}
