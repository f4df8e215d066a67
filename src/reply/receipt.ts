/** How much of the files an answer used, and what happened to the attachments: the texts of a receipt. */
import type { AttachmentReceipt, Receipt } from '../core/reply.ts'
import { type Content, describePages, type PageRange } from '../prompt/content.ts'
import { attachmentWording, usedWording } from '../wording/answers.ts'

export interface UsedPictures {
  shown: number
  /** Pictures of the files, as many as may be shown at once. */
  of: number
  /** The model, when it cannot see. */
  blind?: string
}

function describePictures({ shown, of, blind }: UsedPictures = { shown: 0, of: 0 }): string[] {
  if (of === 0) return []
  if (blind !== undefined) return [usedWording.picturesReadByOcr(of, blind)]
  return [usedWording.picturesShown(shown, of - shown)]
}

/** How much of the files the model was given. */
export function describeUsed(content: Content, pictures?: UsedPictures): NonNullable<Receipt['used']> {
  const summary = [summarise(content), ...describePictures(pictures)].join('; ')
  return { summary, tokens: content.tokens, tokensAvailable: content.tokensAvailable }
}

function summarise(content: Content): string {
  const { files, excerpts, whole } = content
  const [only] = files
  if (content.requestedPages !== undefined) return summarisePages(content, content.requestedPages)
  if (whole)
    return files.length === 1 && only !== undefined
      ? usedWording.allOf(only.source.title)
      : usedWording.allOfFiles(files.length)
  const used = files.flatMap((file) => {
    const places = new Set(
      excerpts.filter((excerpt) => excerpt.source.n === file.source.n).map(({ at }) => JSON.stringify(at)),
    ).size
    if (places === 0) return []
    return [
      file.pages === undefined
        ? usedWording.passagesOf(places, file.source.title)
        : usedWording.pagesOf(places, file.pages, file.source.title),
    ]
  })
  return usedWording.bestMatches(used, files.length - used.length, files.length)
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
      return [(whole ? usedWording.allOf : usedWording.partsOf)(file.source.title)]
    // The number of pages is the archive's own, not that of the files inside it.
    const last = first.at.inner === undefined ? (file.pages ?? requestedPages.to) : requestedPages.to
    const range = describePages({ from: requestedPages.from, to: Math.min(requestedPages.to, last) }, kind)
    return [usedWording.rangeOf(range, file.source.title)]
  })
  return usedWording.asYouAsked(used, whole, files.length - used.length)
}

/** "3 read, 1 skipped: 31 MB is over the limit of 25 MB"; an empty string when nothing was attached. */
export function summariseAttachments(receipts: AttachmentReceipt[]): string {
  const told = (['read', 'partly', 'skipped'] as const).flatMap((outcome) => {
    const those = receipts.filter((receipt) => receipt.outcome === outcome)
    if (those.length === 0) return []
    const reasons = outcome === 'read' ? [] : those.map(reasonOf)
    return [attachmentWording.group(those.length, attachmentWording.outcomes[outcome], reasons)]
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
