/** The receipt of one attachment: how much of it was read, and what was not. */
import type { Artifact } from '../core/artifact.ts'
import type { ParleyError } from '../core/errors.ts'
import type { Attachment } from '../core/message.ts'
import type { AttachmentReceipt } from '../core/reply.ts'
import { fileWording } from '../wording/files.ts'
import { recordingWording } from '../wording/recordings.ts'
import { formats as allFormats, type Formats } from './formats.ts'

/** Problems that leave nothing of the file out. */
const harmless = new Set([
  'name_mismatch',
  'text_encoding',
  'csv_quotes',
  'read_by_ocr',
  'pictures_read_by_ocr',
  'first_frame',
  'no_sound',
])
/** Problems of this attempt, not of the file: another attempt may read more. */
const passing = new Set([
  ...['file_too_slow', 'file_too_hungry', 'file_reader_crashed'],
  ...[
    'ffmpeg_missing',
    'transcriber_missing',
    'transcriber_unreachable',
    'transcriber_busy',
    'transcriber_refused_key',
  ],
])

/** Whether another attempt would give the same result, so that this one can be cached. */
export function isPermanent(artifact: Artifact): boolean {
  return !artifact.problems.some(({ code }) => passing.has(code))
}

export function describeReading(attachment: Pick<Attachment, 'id' | 'name'>, artifact: Artifact): AttachmentReceipt {
  const partly = artifact.truncated !== undefined || artifact.problems.some(({ code }) => !harmless.has(code))
  const amount = isRecording(artifact)
    ? describeRecording(artifact)
    : fileWording.receipt.read(describeAmount(artifact))
  return {
    attachmentId: attachment.id,
    name: attachment.name,
    outcome: partly ? 'partly' : 'read',
    summary: artifact.truncated === undefined ? amount : fileWording.receipt.withLimit(amount, artifact.truncated),
    problems: artifact.problems,
    contentHash: artifact.contentHash,
    mediaType: artifact.mediaType,
    tokens: artifact.tokens,
    pages: artifact.pages,
    images: artifact.images === undefined ? undefined : artifact.images.length,
  }
}

export function skippedReceipt(
  attachment: Pick<Attachment, 'id' | 'name'>,
  why: ParleyError | string,
): AttachmentReceipt {
  const problem =
    typeof why === 'string'
      ? { code: 'stopped', userMessage: fileWording.receipt.notRead(attachment.name, why) }
      : { code: why.code, userMessage: why.userMessage }
  return {
    attachmentId: attachment.id,
    name: attachment.name,
    outcome: 'skipped',
    summary: fileWording.receipt.skipped(typeof why === 'string' ? why : why.userMessage),
    problems: [problem],
  }
}

/** One message with its attachments. */
const messages = new Set(['message/rfc822', 'application/vnd.ms-outlook', 'application/vnd.ms-tnef'])

function isArchive(mediaType: string): boolean {
  const formats: Formats = allFormats
  return formats[mediaType]?.reader?.family === 'archive'
}

function isRecording({ mediaType }: Artifact): boolean {
  return /^(?:audio|video)\//.test(mediaType)
}

function describeRecording({ segments, durationMs, language, images }: Artifact): string {
  const speech = segments.length > 0
  return recordingWording.receipt({ durationMs: durationMs ?? 0, speech, language, pictures: images?.length })
}

function describeAmount(artifact: Artifact): string {
  const words = fileWording.receipt
  const { mediaType, pages, segments, tokens } = artifact
  const own = segments.filter(({ at }) => at.inner === undefined)
  const last = (pages === undefined ? segments : own).at(-1)?.at
  if (mediaType.startsWith('image/')) return describePicture(artifact)
  const paths = new Set(segments.flatMap(({ at }) => (at.inner === undefined ? [] : [at.inner])))
  const inner = paths.size
  if (mediaType === 'application/mbox') {
    const emails = new Set([...paths].map((path) => path.split('/')[0])).size
    return words.mailbox(emails, [...paths].filter((path) => path.includes('/')).length)
  }
  if (messages.has(mediaType)) return words.message(inner)
  if (isArchive(mediaType) || (inner > 0 && own.length === 0 && pages === undefined))
    return inner === 0 ? words.archiveListing : words.amount(inner, 'file')
  if (pages !== undefined && last?.kind === 'rows') return words.amount(pages, 'sheet')
  if (pages !== undefined && last?.kind === 'slide') return words.amount(pages, 'slide')
  if (pages !== undefined) {
    const withText = new Set(own.flatMap(({ at }) => (at.kind === 'page' ? [at.page] : []))).size
    return words.pages(withText, pages, inner)
  }
  if (last?.kind === 'lines') return words.amount(last.to, 'line')
  if (last?.kind === 'rows') return words.amount(last.to, 'row')
  return words.amount(tokens, 'token')
}

function describePicture({ pages = 1, segments, mediaType }: Artifact): string {
  if (mediaType === 'image/svg+xml') return fileWording.receipt.drawing
  const words = segments.reduce((sum, { text }) => sum + (text.match(/\S+/g)?.length ?? 0), 0)
  return fileWording.receipt.picture(pages, words)
}
