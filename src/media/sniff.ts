/** Detects the type of a file from its content. Names and declared types only help to tell kinds of text apart. */

import { fileTypeFromBuffer } from 'file-type'
import type { Problem } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { announcedBy, called, type Formats, formats, unknownType } from './formats.ts'
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
  const declared = /^.{26,80}?mimetype(application\/vnd\.oasis\.opendocument\.[a-z]+)/s.exec(start)?.[1]
  if (declared !== undefined) return declared
  const names = [...namesIn(sample, 'PK\x03\x04', 26, 30), ...namesIn(end, 'PK\x01\x02', 28, 46)]
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name))
  if (!has(/^(?:\[Content_Types\]\.xml|_rels\/\.rels|docProps\/)/)) return undefined
  if (has(/^word\//)) return `${openXml}.wordprocessingml.document`
  if (has(/^ppt\//)) return `${openXml}.presentationml.presentation`
  if (has(/^xl\//)) return `${openXml}.spreadsheetml.sheet`
  return undefined
}

/** The type of an OLE file by the names of its streams. */
function oleTypeOf(directory: Uint8Array): string | undefined {
  const names = Buffer.from(directory.buffer, directory.byteOffset, directory.byteLength & ~1).toString('utf16le')
  if (names.includes('EncryptedPackage')) return 'application/x-ole-encrypted'
  if (names.includes('WordDocument')) return 'application/msword'
  if (names.includes('PowerPoint Document')) return 'application/vnd.ms-powerpoint'
  if (names.includes('Workbook') || /\0Book\0/.test(names)) return 'application/vnd.ms-excel'
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
