/** What reading one attachment came to, as people are told it. */
import { type Artifact, clock } from '../core/artifact.ts'
import type { ParleyError } from '../core/errors.ts'
import type { Attachment } from '../core/message.ts'
import type { AttachmentReceipt } from '../core/reply.ts'

/** Problems after which everything of the file is there all the same. */
const harmless = new Set(['name_mismatch', 'text_encoding', 'csv_quotes', 'read_by_ocr', 'first_frame', 'no_sound'])
/** Problems of this reading rather than of the file: another try may give more. */
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

/** Whether every later reading would give the same, so that this one may stand for them. */
export function isPermanent(artifact: Artifact): boolean {
  return !artifact.problems.some(({ code }) => passing.has(code))
}

export function describeReading(attachment: Attachment, artifact: Artifact): AttachmentReceipt {
  const partly = artifact.truncated !== undefined || artifact.problems.some(({ code }) => !harmless.has(code))
  const amount = isRecording(artifact) ? describeRecording(artifact) : `${describeAmount(artifact)} read`
  return {
    attachmentId: attachment.id,
    name: attachment.name,
    outcome: partly ? 'partly' : 'read',
    summary: artifact.truncated === undefined ? amount : `${amount}; ${artifact.truncated}`,
    problems: artifact.problems,
    contentHash: artifact.contentHash,
    mediaType: artifact.mediaType,
    tokens: artifact.tokens,
    pages: artifact.pages,
    images: artifact.images === undefined ? undefined : artifact.images.length,
  }
}

export function skippedReceipt(attachment: Attachment, why: ParleyError | string): AttachmentReceipt {
  const problem =
    typeof why === 'string'
      ? { code: 'stopped', userMessage: `${attachment.name} was not read: ${why}.` }
      : { code: why.code, userMessage: why.userMessage }
  return {
    attachmentId: attachment.id,
    name: attachment.name,
    outcome: 'skipped',
    summary: typeof why === 'string' ? `skipped: ${why}` : `skipped: ${why.userMessage}`,
    problems: [problem],
  }
}

function isRecording({ mediaType }: Artifact): boolean {
  return /^(?:audio|video)\//.test(mediaType)
}

/** "12 min transcribed (en), 8 pictures", "0:24 transcribed", "nothing said". */
function describeRecording({ segments, durationMs, language, images }: Artifact): string {
  const ms = durationMs ?? 0
  const length = ms >= 600_000 ? `${Math.round(ms / 60_000)} min ` : ms > 0 ? `${clock(ms)} ` : ''
  const message = segments.length === 0 ? 'nothing said' : 'transcribed'
  const tongue = language === undefined ? '' : ` (${language})`
  const pictures = images === undefined ? '' : `, ${count(images.length, 'picture')}`
  return `${length}${message}${tongue}${pictures}`
}

function describeAmount(artifact: Artifact): string {
  const own = artifact.segments.filter(({ at }) => at.inner === undefined)
  const last = artifact.pages === undefined ? artifact.segments.at(-1)?.at : own.at(-1)?.at
  if (artifact.mediaType.startsWith('image/')) return describePicture(artifact)
  const inner = new Set(artifact.segments.flatMap(({ at }) => (at.inner === undefined ? [] : [at.inner]))).size
  if (
    (inner > 0 && artifact.pages === undefined) ||
    /^(?:message\/rfc822|application\/zip)$/.test(artifact.mediaType)
  ) {
    const files = inner === 0 ? '' : count(inner, 'file')
    if (artifact.mediaType === 'message/rfc822') return files === '' ? 'the message' : `the message and ${files}`
    return files === '' ? 'the list of files' : files
  }
  if (artifact.pages !== undefined && last?.kind === 'rows') return count(artifact.pages, 'sheet')
  if (artifact.pages !== undefined && last?.kind === 'slide') return count(artifact.pages, 'slide')
  if (artifact.pages !== undefined) {
    const withText = new Set(own.flatMap(({ at }) => (at.kind === 'page' ? [at.page] : []))).size
    const pages = count(artifact.pages, 'page')
    const attached = inner === 0 ? '' : ` and ${count(inner, 'attached file')}`
    return `${withText === artifact.pages ? '' : `${withText} of `}${pages}${attached}`
  }
  if (last?.kind === 'lines') return count(last.to, 'line')
  if (last?.kind === 'rows') return count(last.to, 'row')
  return count(artifact.tokens, 'token')
}

/** "a picture with 120 words", "a picture without text", "3 pictures with 40 words". */
function describePicture({ pages = 1, segments, mediaType }: Artifact): string {
  const words = segments.reduce((sum, { text }) => sum + (text.match(/\S+/g)?.length ?? 0), 0)
  const pictures = pages === 1 ? 'a picture' : count(pages, 'picture')
  if (mediaType === 'image/svg+xml') return `${pictures} with its source`
  return words === 0 ? `${pictures} without text` : `${pictures} with ${count(words, 'word')}`
}

function count(number: number, word: string): string {
  return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`
}
