/** Detects the type of a file from its content. Names and declared types only help to tell kinds of text apart. */
import type { Problem } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { isOle, isZip, oleTypeOf, zipTypeOf } from './containers.ts'
import { announcedBy, called, type Formats, formats, unknownType } from './formats.ts'
import { signatureOf } from './providers/signature.ts'
import { decodeText, looksLikeText } from './text-encoding.ts'

/** How many of a file's first bytes `sniff` needs. */
export const sampleBytes = 64 * 1024

export interface Sniffed {
  mediaType: string
  /** Set when the name suggests another type. */
  problem?: Problem
}

export async function sniff(
  sample: Uint8Array,
  hint: { name: string; mediaType: string },
  table: Formats = formats,
  /** What `furtherLook` asked for. */
  further: Uint8Array = sample,
): Promise<Sniffed> {
  const announced = announcedBy(hint.name, table)
  const mediaType = await typeOf(sample, announced?.mediaType ?? hint.mediaType, table, further)
  const is = called(mediaType, table)
  if (announced === undefined || announced.called === is || mediaType === unknownType) return { mediaType }
  // Text may have the extension of another kind of text: .txt files often contain Markdown, JSON or logs.
  if (announced.mediaType !== undefined && isText(announced.mediaType, table) && isPlain(mediaType, table))
    return { mediaType }
  const userMessage = fileWording.notice.misleadingName(hint.name, announced.called, is)
  return { mediaType, problem: { code: 'name_mismatch', userMessage } }
}

async function typeOf(sample: Uint8Array, hinted: string, table: Formats, further: Uint8Array): Promise<string> {
  const office = isZip(sample) ? zipTypeOf(sample, further) : isOle(sample) ? oleTypeOf(further) : undefined
  if (office !== undefined) return office
  if (isZip(sample)) return (await signatureOf(sample)) ?? 'application/zip'
  if (startsLikePdf(sample)) return 'application/pdf'
  const text = looksLikeText(sample)
  const signature = await signatureOf(sample)
  // file-type takes two letters such as "BM" for a signature, so a file that is all text counts as text.
  if (!text) return signature ?? unknownType
  if (signature === 'application/rtf' || signature === 'text/rtf') return 'application/rtf'
  return textTypeOf(decodeText(sample, '').text, hinted, table)
}

function textTypeOf(text: string, hinted: string, table: Formats): string {
  const start = text.trimStart().slice(0, 2_000)
  if (/^(?:<!--[\s\S]*?-->\s*)*<(?:!doctype\s+html|html[\s>])/i.test(start)) return 'text/html'
  const xml = /^<\?xml[\s>]/i.test(start) || /^<svg[\s>]/i.test(start)
  if (xml && /<svg[\s>]/i.test(start)) return 'image/svg+xml'
  if (xml && /<html[\s>]/i.test(start)) return 'text/html'
  const known = hinted.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!isText(known, table) && startsLikeMail(text, known === 'message/rfc822')) return 'message/rfc822'
  if (known === 'text/html') return /<[a-z][\s\S]*>/i.test(text) ? 'text/html' : 'text/plain'
  if (known !== 'image/svg+xml' && isText(known, table)) return known
  if (xml) return 'application/xml'
  if (/^[{[]/.test(start) && /^\s*(?:\{\s*(?:"|\})|\[\s*(?:[{["\d\]-]|true|false|null))/.test(start))
    return 'application/json'
  return 'text/plain'
}

/** PDF programs accept junk before a header within the first kilobyte. Text that only mentions it is text. */
function startsLikePdf(sample: Uint8Array): boolean {
  const head = Buffer.from(sample.buffer, sample.byteOffset, Math.min(sample.length, 1024)).toString('latin1')
  const at = head.indexOf('%PDF-')
  return (
    at >= 0 && (head.slice(0, at).trim() === '' || head.startsWith('\u00ef\u00bb\u00bf%PDF-') || !looksLikeText(sample))
  )
}

/** Whether a media type is one of the text formats, which only the name tells apart. */
function isText(mediaType: string, table: Formats): boolean {
  const family = table[mediaType]?.reader?.family
  return family === 'text' || family === 'csv' || family === 'html'
}

function isPlain(mediaType: string, table: Formats): boolean {
  return isText(mediaType, table) && mediaType !== 'text/html'
}

/** Whether a text begins like an email: header lines, including one that only emails have. */
export function startsLikeMail(start: string, named: boolean): boolean {
  const head = start.replace(/^\uFEFF|^From .*\r?\n/, '').split(/\r?\n\r?\n/)[0] ?? ''
  const lines = head.split(/\r?\n/).filter((line) => !/^[ \t]/.test(line))
  const fields = lines.map((line) => /^([!-9;-~]+):/.exec(line)?.[1]?.toLowerCase())
  // The sample may cut a long head, and its last line with it.
  if (fields.slice(0, -1).some((field) => field === undefined) || fields[0] === undefined) return false
  const known = [
    'from',
    'to',
    'subject',
    'date',
    'received',
    'message-id',
    'mime-version',
    'return-path',
    'content-type',
  ]
  const found = known.filter((field) => fields.includes(field))
  if (named) return found.length >= 1
  return found.length >= 3 && fields.includes('from') && /^(?:message-id|mime-version|received):/im.test(head)
}
