/**
 * Unpacks `winmail.dat`, in which Outlook sends text and attachments to programs that cannot open it (TNEF, described in [MS-OXTNEF]). Every
 * length is checked against the bytes that are there.
 */
import { decompressRTF } from '@kenjiuno/decompressrtf'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeAs } from '../text-encoding.ts'
import { bodyOf } from './mail-body.ts'
import { type Attachment, filesLeft, readMessage } from './message.ts'

export interface Tnef {
  subject?: string | undefined
  text?: string | undefined
  html?: string | undefined
  attachments: Attachment[]
}

export const provider: Provider = {
  async read(input, limits, sink) {
    const { bytes, name } = input
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const tnef = unpackTnef(bytes)
    if (tnef === undefined) throw new ParleyError('file_damaged', fileWording.damaged.mail(name))
    const message = { head: [['Subject', tnef.subject] as const], body: bodyOf(tnef), attachments: tnef.attachments }
    return readMessage(message, { input, limits, sink, left: filesLeft(limits) })
  },
}

export function isTnef(bytes: Uint8Array): boolean {
  return bytes[0] === 0x78 && bytes[1] === 0x9f && bytes[2] === 0x3e && bytes[3] === 0x22
}

const attribute = {
  subject: 0x8004,
  body: 0x800c,
  data: 0x800f,
  title: 0x8010,
  start: 0x9002,
  properties: 0x9003,
  attached: 0x9005,
  codePage: 0x9007,
}
const property = {
  subject: 0x0037,
  body: 0x1000,
  compressedRtf: 0x1009,
  html: 0x1013,
  data: 0x3701,
  filename: 0x3704,
  longFilename: 0x3707,
  mediaType: 0x370e,
  displayName: 0x3001,
}

/** Undefined for other bytes. The part before a damaged place is kept. */
export function unpackTnef(bytes: Uint8Array): Tnef | undefined {
  if (!isTnef(bytes)) return undefined
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tnef: Tnef = { attachments: [] }
  let codePage = 'windows-1252'
  let open: { title?: string; data?: Uint8Array; properties?: Map<number, Uint8Array[]> } | undefined
  const close = () => {
    if (open !== undefined) tnef.attachments.push(...attachmentOf(open, codePage))
    open = undefined
  }
  for (let at = 6; at + 9 <= data.length; ) {
    const id = data.readUInt16LE(at + 1)
    const length = data.readUInt32LE(at + 5)
    const content = data.subarray(at + 9, at + 9 + length)
    if (content.length < length) break
    at += 9 + length + 2
    if (id === attribute.codePage && length >= 4) codePage = codePageName(content.readUInt32LE(0))
    else if (id === attribute.subject) tnef.subject = textOf(content, codePage)
    else if (id === attribute.body) tnef.text = textOf(content, codePage)
    else if (id === attribute.properties) addMessageProperties(tnef, readProperties(content), codePage)
    else if (id === attribute.start) {
      close()
      open = {}
    } else if (open === undefined) continue
    else if (id === attribute.title) open.title = textOf(content, codePage)
    else if (id === attribute.data) open.data = content
    else if (id === attribute.attached) open.properties = readProperties(content)
  }
  close()
  return tnef
}

function addMessageProperties(tnef: Tnef, found: Map<number, Uint8Array[]>, codePage: string): void {
  const [html, rtf] = [found.get(property.html)?.[0], found.get(property.compressedRtf)?.[0]]
  tnef.subject ??= stringOf(found, property.subject, codePage)
  tnef.text ??= stringOf(found, property.body, codePage)
  if (html !== undefined) tnef.html = decodeAs(html, codePage)
  if (rtf === undefined || html !== undefined || tnef.text !== undefined) return
  const plain = decompressed(rtf)
  if (plain !== undefined) tnef.attachments.push({ name: 'message.rtf', mediaType: 'application/rtf', bytes: plain })
}

function decompressed(rtf: Uint8Array): Uint8Array | undefined {
  try {
    return Uint8Array.from(decompressRTF([...rtf]))
  } catch {
    return undefined
  }
}

function attachmentOf(
  {
    title,
    data,
    properties = new Map(),
  }: { title?: string; data?: Uint8Array; properties?: Map<number, Uint8Array[]> },
  codePage: string,
): Attachment[] {
  const text = (id: number) => stringOf(properties, id, codePage)
  const stored = properties.get(property.data)?.[0]
  // An attached message is an object, whose first 16 bytes name its kind; it is TNEF again.
  const embedded = stored?.subarray(16)
  const bytes = embedded !== undefined && isTnef(embedded) ? embedded : (data ?? stored)
  if (bytes === undefined || bytes.length === 0) return []
  const name = text(property.longFilename) ?? title ?? text(property.filename) ?? text(property.displayName)
  return [{ name, mediaType: text(property.mediaType) ?? '', bytes }]
}

/** Values by the number of their property. A value of an unknown kind ends the list. */
function readProperties(data: Buffer): Map<number, Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>()
  if (data.length < 4) return found
  let at = 4
  const take = (length: number) => {
    const part = data.subarray(at, at + length)
    at += length
    return part.length < length ? undefined : part
  }
  const count = () => take(4)?.readUInt32LE(0)
  for (let left = data.readUInt32LE(0); left > 0; left -= 1) {
    const kind = take(2)?.readUInt16LE(0)
    const id = take(2)?.readUInt16LE(0)
    if (kind === undefined || id === undefined) return found
    // A property with a name: its set, and a number or the name.
    if (id >= 0x8000) {
      take(16)
      if (count() === 0) take(4)
      else take(padded(count() ?? Number.POSITIVE_INFINITY))
    }
    const fixed = sizes[kind & 0x0fff]
    const many = (kind & 0x1000) !== 0
    const variable = fixed === undefined
    if (variable && !variableKinds.has(kind & 0x0fff)) return found
    const values = variable || many ? (count() ?? 0) : 1
    const list: Uint8Array[] = []
    for (let value = 0; value < values; value += 1) {
      const length = variable ? count() : fixed
      const part = length === undefined ? undefined : take(length)
      if (part === undefined || length === undefined) return found
      if (variable) take(padded(length) - length)
      list.push((kind & 0x0fff) === 0x001f ? wideMark(part) : part)
    }
    found.set(id, list)
  }
  return found
}

const sizes: Readonly<Record<number, number>> = {
  2: 4,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 4,
  20: 8,
  64: 8,
  72: 16,
}
const variableKinds = new Set([0xd, 0x1e, 0x1f, 0x102])

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

/** Unicode strings keep a byte order mark, so that `stringOf` can tell them from strings in the code page. */
function wideMark(part: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([0xff, 0xfe]), part])
}

function stringOf(found: Map<number, Uint8Array[]>, id: number, codePage: string): string | undefined {
  const value = found.get(id)?.[0]
  if (value === undefined) return undefined
  return textOf(value, value[0] === 0xff && value[1] === 0xfe ? 'utf-16le' : codePage) || undefined
}

function textOf(bytes: Uint8Array, encoding: string): string {
  return decodeAs(bytes, encoding).split('\0')[0] ?? ''
}

function codePageName(number: number): string {
  const known: Readonly<Record<number, string>> = {
    65001: 'utf-8',
    932: 'shift_jis',
    936: 'gb18030',
    949: 'euc-kr',
    950: 'big5',
    20866: 'koi8-r',
  }
  return (
    known[number] ??
    (number >= 1250 && number <= 1258 ? `windows-${number}` : number === 874 ? 'windows-874' : 'windows-1252')
  )
}
