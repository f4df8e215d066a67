/** The sentences of a receipt. */
import type { AttachmentReceipt, Receipt } from '../core/reply.ts'
import type { Content } from '../prompt/content.ts'

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
  const tells = outcome === 'partly' && problems.length > 0 ? problems.map(({ tell }) => tell).join(' ') : summary
  const reason = tells.replace(/^skipped:\s*/i, '').replace(/\.$/, '')
  return reason.includes(name) ? reason : `${reason} (${name})`
}

function count(number: number, word: string, plural = `${word}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? word : plural}`
}
