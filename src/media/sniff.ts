/** Detects the type of a file from its content. Names and declared types only help to tell kinds of text apart. */

import { fileTypeFromBuffer } from 'file-type'
import type { Problem } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { announcedBy, called, type Formats, formats, unknownType } from './formats.ts'
import { mailsIn } from './providers/mailbox.ts'
import { decodeText, looksBinary, looksLikeText } from './text-encoding.ts'

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
  if (isTnef(sample)) return 'application/vnd.ms-tnef'
  const avif = avifTypeOf(sample)
  if (avif !== undefined) return avif
  if (isZip(sample)) return (await signatureOf(sample)) ?? 'application/zip'
  if (startsLikePdf(sample)) return 'application/pdf'
  const signature = await signatureOf(sample)
  if (signature !== undefined && looksBinary(sample)) return signature
  // file-type takes two letters such as "BM" for a signature, so a file that is all text counts as text.
  if (!looksLikeText(sample)) return signature ?? unknownType
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
  if (/^BEGIN:VCALENDAR\b/i.test(start)) return 'text/calendar'
  if (/^BEGIN:VCARD\b/i.test(start)) return 'text/vcard'
  const json = /^\s*(?:\{\s*(?:"|\})|\[\s*(?:[{["\d\]-]|true|false|null))/.test(start)
  if (json && known === 'application/x-ipynb+json') return known
  const named = known === 'message/rfc822' || known === 'application/mbox'
  if (!isText(known, table) && startsLikeMail(text, named)) {
    if (known !== 'message/rfc822') return /^\uFEFF?From /.test(text) ? 'application/mbox' : 'message/rfc822'
    return mailsIn(Buffer.from(text)).length > 1 ? 'application/mbox' : 'message/rfc822'
  }
  if (known === 'text/html') return /<[a-z][\s\S]*>/i.test(text) ? 'text/html' : 'text/plain'
  if (known !== 'image/svg+xml' && isText(known, table)) return known
  if (xml) return 'application/xml'
  if (json) return 'application/json'
  return 'text/plain'
}

/**
 * PDF programs accept junk before the header, and files without one: they begin with the first object. Text that only mentions a PDF is
 * text.
 */
function startsLikePdf(sample: Uint8Array): boolean {
  const head = latin1(sample)
  const at = head.search(/%PDF[-\s]/)
  if (at < 0) return /^\s*(?:%[^\n\r]{0,200}[\n\r]\s*)*\d{1,7}\s+\d{1,5}\s+obj\s*<</.test(head)
  const before = head.slice(0, at)
  if (before.trim() === '' || before === '\u00ef\u00bb\u00bf') return true
  return (
    /^%PDF[^\n\r]{0,20}[\n\r]\s*(?:%[^\n\r]{0,200}[\n\r]\s*)*\d{1,7}\s+\d{1,5}\s+obj\b/.test(head.slice(at)) ||
    (at < 1_024 && !looksLikeText(sample))
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
  // The line of a mailbox before the headers.
  if (/^\uFEFF?From \S/.test(start)) return found.length >= 2
  return found.length >= 3 && fields.includes('from') && /^(?:message-id|mime-version|received):/im.test(head)
}

/** The main brand of a picture may be any, such as mif3; the others say what decodes it. */
function avifTypeOf(sample: Uint8Array): string | undefined {
  if (sample.length < 16 || latin1(sample.subarray(4, 8)) !== 'ftyp') return undefined
  const length = new DataView(sample.buffer, sample.byteOffset, 4).getUint32(0)
  const brands: string[] = latin1(sample.subarray(8, Math.min(length, 256))).match(/.{4}/gs) ?? []
  if (!brands.includes('avif') || !/^(?:mif|msf|miaf|avif)/.test(brands[0] ?? '')) return undefined
  // A short form of the headers, which libheif does not decode.
  return latin1(sample.subarray(length + 4, length + 8)) === 'mini' ? 'image/x-avif-mini' : 'image/avif'
}

/** Outlook's winmail.dat. */
function isTnef(sample: Uint8Array): boolean {
  return startsWith(sample, [0x78, 0x9f, 0x3e, 0x22])
}

/** The media type by signature, or undefined if there is none (mostly text). Never throws. */
async function signatureOf(sample: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(sample))?.mime ?? tiff(sample)
  } catch {
    return tiff(sample)
  }
}

/** file-type looks for a TIFF's directory, which most programs write after the picture. */
function tiff(sample: Uint8Array): string | undefined {
  const [first, second, third, fourth] = sample
  const little = first === 0x49 && second === 0x49 && third === 0x2a && fourth === 0
  const big = first === 0x4d && second === 0x4d && third === 0 && fourth === 0x2a
  return little || big ? 'image/tiff' : undefined
}

// Office documents are zip or OLE files. They are detected by the names in their directory: only names are looked at, nothing
// is unpacked.

/** Which part of the file is needed besides its first bytes. */
export function furtherLook(sample: Uint8Array, size: number): { from: number; length: number } | undefined {
  if (isZip(sample)) {
    const length = Math.min(size, 64 * 1024)
    return { from: size - length, length }
  }
  if (!isOle(sample) || sample.length < 512) return undefined
  const header = Buffer.from(sample.buffer, sample.byteOffset, 512)
  const sector = 2 ** Math.min(header.readUInt16LE(30), 16)
  const from = (header.readUInt32LE(48) + 1) * sector
  return from < size ? { from, length: Math.min(size - from, 4_096) } : undefined
}

function isZip(sample: Uint8Array): boolean {
  return startsWith(sample, [0x50, 0x4b, 0x03, 0x04]) || startsWith(sample, [0x50, 0x4b, 0x05, 0x06])
}

function isOle(sample: Uint8Array): boolean {
  return startsWith(sample, [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
}

const openXml = 'application/vnd.openxmlformats-officedocument'

/** An office document's media type; undefined for any other zip. */
function zipTypeOf(sample: Uint8Array, end: Uint8Array): string | undefined {
  const start = latin1(sample.subarray(0, 300))
  const declared = /^.{26,80}?mimetype(application\/(?:vnd\.oasis\.opendocument\.[a-z]+|epub\+zip))/s.exec(start)?.[1]
  if (declared !== undefined) return declared
  const names = [...namesIn(sample, 'PK\x03\x04', 26, 30), ...namesIn(end, 'PK\x01\x02', 28, 46)]
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name))
  const apple = appleTypeOf(has)
  if (apple !== undefined) return apple
  if (!has(/^(?:\[Content_Types\]\.xml|_rels\/\.rels|docProps\/)/)) return undefined
  if (has(/^word\//)) return `${openXml}.wordprocessingml.document`
  if (has(/^ppt\//)) return `${openXml}.presentationml.presentation`
  if (has(/^xl\/workbook\.bin$/)) return 'application/vnd.ms-excel.sheet.binary.macroenabled.12'
  if (has(/^xl\//)) return `${openXml}.spreadsheetml.sheet`
  return undefined
}

/** Keynote, Numbers and Pages write a package of their own: an XML index until 2009, objects in .iwa files since 2013. */
function appleTypeOf(has: (pattern: RegExp) => boolean): string | undefined {
  if (has(/^index\.apxl(?:\.gz)?$/)) return 'application/vnd.apple.keynote'
  if (has(/^index\.numbers(?:\.gz)?$/)) return 'application/vnd.apple.numbers'
  const objects =
    has(/(?:^|\/)Index\/[^/]+\.iwa$/) ||
    (has(/(?:^|\/)Index\.zip$/) && has(/(?:^|\/)Metadata\/|\.key\/|\.numbers\/|\.pages\//))
  const old = has(/^(?:buildVersionHistory\.plist|QuickLook\/Preview\.pdf)$/) && has(/^index\.xml(?:\.gz)?$/)
  if (!objects) return old ? 'application/vnd.apple.pages' : undefined
  if (has(/(?:^|\/)(?:Slide|MasterSlide|TemplateSlide)[^/]*\.iwa$|\.key\//)) return 'application/vnd.apple.keynote'
  if (has(/(?:^|\/)(?:Tables\/DataList|CalculationEngine)[^/]*\.iwa$|\.numbers\//))
    return 'application/vnd.apple.numbers'
  return 'application/vnd.apple.iwork'
}

/** The type of an OLE file by the names of its streams, which some programs write in capitals. */
function oleTypeOf(directory: Uint8Array): string | undefined {
  const names = Buffer.from(directory.buffer, directory.byteOffset, directory.byteLength & ~1)
    .toString('utf16le')
    .toLowerCase()
  if (names.includes('encryptedpackage')) return 'application/x-ole-encrypted'
  if (names.includes('worddocument')) return 'application/msword'
  if (names.includes('powerpoint document')) return 'application/vnd.ms-powerpoint'
  if (names.includes('workbook') || /\0book\0/.test(names)) return 'application/vnd.ms-excel'
  if (names.includes('__substg1.0_') || names.includes('__nameid')) return 'application/vnd.ms-outlook'
  return undefined
}

function namesIn(bytes: Uint8Array, signature: string, lengthAt: number, nameAt: number): string[] {
  const text = latin1(bytes)
  const names: string[] = []
  for (let at = text.indexOf(signature); at >= 0; at = text.indexOf(signature, at + 4)) {
    const length = text.charCodeAt(at + lengthAt) + text.charCodeAt(at + lengthAt + 1) * 256
    if (length > 0 && length < 1_024) names.push(text.slice(at + nameAt, at + nameAt + length))
  }
  return names
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, at) => bytes[at] === byte)
}
