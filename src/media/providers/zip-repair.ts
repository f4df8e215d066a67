/**
 * Gives a zip a directory that can be opened: a byte too many or too few at its end, wrong places in its directory, or no directory at all
 * because the file was cut off. Only headers are looked at; nothing is unpacked.
 */

export interface RepairedZip {
  bytes: Buffer
  /** The end of the archive is missing, so files may be missing too. */
  incomplete: boolean
  /** Places of the local headers whose content ends with the file. */
  cut: ReadonlySet<number>
}

const localHeader = Buffer.from('PK\x03\x04', 'latin1')
const directoryHeader = Buffer.from('PK\x01\x02', 'latin1')
const endHeader = Buffer.from('PK\x05\x06', 'latin1')
const descriptorHeader = Buffer.from('PK\x07\x08', 'latin1')
const endLength = 22

/** Removes bytes after the end of the archive, if its directory is where the end record says. */
export function withSoundEnd(bytes: Buffer): RepairedZip | undefined {
  const at = bytes.lastIndexOf(endHeader)
  if (at < 0) return undefined
  const end = Buffer.alloc(endLength)
  bytes.copy(end, 0, at, at + endLength)
  const [size, from] = [end.readUInt32LE(12), end.readUInt32LE(16)]
  if (from + size !== at || (size > 0 && !startsAt(bytes, directoryHeader, from))) return undefined
  end.writeUInt16LE(0, 20)
  return { bytes: Buffer.concat([bytes.subarray(0, at), end]), incomplete: false, cut: new Set() }
}

/** A new directory from the headers before each file. Undefined if there are none. */
export function fromLocalHeaders(bytes: Buffer, mostEntries: number): RepairedZip | undefined {
  const directory: Buffer[] = []
  const cut = new Set<number>()
  let broken = false
  let at = bytes.indexOf(localHeader)
  let end = at
  while (at >= 0 && directory.length <= mostEntries) {
    const entry = readLocalHeader(bytes, at)
    if (entry === undefined) {
      broken = true
      break
    }
    directory.push(directoryEntry(bytes, entry))
    if (entry.cut) cut.add(at)
    end = entry.end
    if (startsAt(bytes, localHeader, entry.next)) at = entry.next
    else if (startsAt(bytes, directoryHeader, entry.next) || startsAt(bytes, endHeader, entry.next)) break
    else {
      // Other bytes are between two files, or the file ends here.
      at = bytes.indexOf(localHeader, entry.next)
      if (at >= 0 || entry.cut || bytes.indexOf(endHeader, entry.next) < 0) broken = true
    }
  }
  if (directory.length === 0) return undefined
  const listed = Buffer.concat(directory)
  const trailer = Buffer.alloc(endLength)
  endHeader.copy(trailer)
  trailer.writeUInt16LE(Math.min(directory.length, 0xffff), 8)
  trailer.writeUInt16LE(Math.min(directory.length, 0xffff), 10)
  trailer.writeUInt32LE(listed.length, 12)
  trailer.writeUInt32LE(end, 16)
  const incomplete = broken || cut.size > 0 || bytes.lastIndexOf(endHeader) < 0
  return { bytes: Buffer.concat([bytes.subarray(0, end), listed, trailer]), incomplete, cut }
}

interface LocalEntry {
  at: number
  name: Buffer
  packed: number
  unpacked: number
  crc: number
  end: number
  /** Where the next header should be. */
  next: number
  cut: boolean
}

function readLocalHeader(bytes: Buffer, at: number): LocalEntry | undefined {
  if (at + 30 > bytes.length) return undefined
  const nameLength = bytes.readUInt16LE(at + 26)
  const from = at + 30 + nameLength + bytes.readUInt16LE(at + 28)
  if (nameLength === 0 || from > bytes.length) return undefined
  const name = bytes.subarray(at + 30, at + 30 + nameLength)
  const known = {
    crc: bytes.readUInt32LE(at + 14),
    packed: bytes.readUInt32LE(at + 18),
    unpacked: bytes.readUInt32LE(at + 22),
  }
  const after = (bytes.readUInt16LE(at + 6) & 8) !== 0
  const described = after ? findDescriptor(bytes, from) : undefined
  if (described !== undefined) return { at, name, cut: false, ...described }
  // Sizes of 4 GB mean that they are in another field, for files that are too large to be read here.
  const unknown = known.packed === 0xffffffff || (after && known.packed === 0)
  const end = unknown ? bytes.length : Math.min(bytes.length, from + known.packed)
  const cut = unknown || from + known.packed > bytes.length
  return { at, name, crc: known.crc, packed: end - from, unpacked: cut ? 0 : known.unpacked, end, next: end, cut }
}

/** Sizes that were written after the content, where they agree with its length. */
function findDescriptor(bytes: Buffer, from: number) {
  for (let at = bytes.indexOf(descriptorHeader, from); at >= 0; at = bytes.indexOf(descriptorHeader, at + 4)) {
    if (at + 16 > bytes.length) return undefined
    if (bytes.readUInt32LE(at + 8) !== at - from) continue
    const [crc, unpacked] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 12)]
    // Zip64 writes eight bytes for each size.
    const long = !isHeader(bytes, at + 16) && isHeader(bytes, at + 24)
    return {
      crc,
      packed: at - from,
      unpacked: long ? bytes.readUInt32LE(at + 16) : unpacked,
      end: at,
      next: at + (long ? 24 : 16),
    }
  }
  return undefined
}

function directoryEntry(bytes: Buffer, { at, name, crc, packed, unpacked }: LocalEntry): Buffer {
  const entry = Buffer.alloc(46)
  directoryHeader.copy(entry)
  entry.writeUInt16LE(20, 4)
  bytes.copy(entry, 6, at + 4, at + 14)
  entry.writeUInt32LE(crc, 16)
  entry.writeUInt32LE(packed, 20)
  entry.writeUInt32LE(unpacked, 24)
  entry.writeUInt16LE(name.length, 28)
  entry.writeUInt32LE(at, 42)
  return Buffer.concat([entry, name])
}

function isHeader(bytes: Buffer, at: number): boolean {
  return [localHeader, directoryHeader, endHeader].some((header) => startsAt(bytes, header, at))
}

function startsAt(bytes: Buffer, header: Buffer, at: number): boolean {
  return bytes.subarray(at, at + 4).equals(header)
}
