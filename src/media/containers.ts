/**
 * Detects office documents, which are zip or OLE files, by the names in their directory. Only names are looked at,
 * nothing is unpacked.
 */

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

export function isZip(sample: Uint8Array): boolean {
  return startsWith(sample, [0x50, 0x4b, 0x03, 0x04]) || startsWith(sample, [0x50, 0x4b, 0x05, 0x06])
}

export function isOle(sample: Uint8Array): boolean {
  return startsWith(sample, [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
}

const openXml = 'application/vnd.openxmlformats-officedocument'

/** An office document's media type; undefined for any other zip. */
export function zipTypeOf(sample: Uint8Array, end: Uint8Array): string | undefined {
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
export function oleTypeOf(directory: Uint8Array): string | undefined {
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
