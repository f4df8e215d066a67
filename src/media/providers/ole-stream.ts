/** Where the bytes of a stream lie in an OLE file (MS-CFB), such as an office file from before 2007. */

export interface Span {
  from: number
  length: number
}

const noSector = 0xfffffffa
const entrySize = 128

/** By one of these names in lower case. Undefined if there is none, or the file is damaged. */
export function findStream(file: Buffer, names: readonly string[]): Span[] | undefined {
  try {
    return find(file, names)
  } catch (error) {
    // Reading beyond the end of a damaged file.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function find(file: Buffer, names: readonly string[]): Span[] | undefined {
  if (file.length < 512 || file.readUInt32LE(0) !== 0xe011cfd0) return undefined
  const size = 2 ** Math.min(file.readUInt16LE(30), 16)
  const smallSize = 2 ** Math.min(file.readUInt16LE(32), 16)
  if (size < 512 || smallSize < 16) return undefined
  const offset = (sector: number) => (sector + 1) * size
  const table = sectorTable(file, size)
  /** At most `most` sectors, because a damaged chain may come back to itself. */
  const chain = (first: number, next: readonly number[], most: number) => {
    const sectors: number[] = []
    for (let at = first; at < noSector && sectors.length < most; at = next[at] ?? noSector) sectors.push(at)
    return sectors
  }
  const sectors = (first: number, most = file.length / size) => chain(first, table, most)
  const entries = sectors(file.readUInt32LE(48)).flatMap((sector) =>
    Array.from({ length: size / entrySize }, (_, at) => offset(sector) + at * entrySize),
  )
  const start = (entry: number) => file.readUInt32LE(entry + 116)
  const length = (entry: number) => file.readUInt32LE(entry + 120)
  const [root] = entries
  const found = names
    .map((name) => entries.find((entry) => file.readUInt8(entry + 66) === 2 && nameOf(file, entry) === name))
    .find((entry) => entry !== undefined)
  if (found === undefined || root === undefined) return undefined
  const whole = (first: number): Span[] => sectors(first).map((sector) => ({ from: offset(sector), length: size }))
  if (length(found) >= file.readUInt32LE(56)) return cut(whole(start(found)), length(found), file.length)
  // Short streams share the sectors of one larger stream.
  const mostSmall = file.length / smallSize
  const tableSectors = sectors(file.readUInt32LE(60), Math.ceil(mostSmall / (size / 4)))
  const smallTable = tableSectors.flatMap((sector) => numbers(file, offset(sector), size / 4))
  const shared = whole(start(root))
  const small = chain(start(found), smallTable, mostSmall).map((sector) => {
    const at = sector * smallSize
    const span = shared[Math.floor(at / size)]
    if (span === undefined) throw new RangeError('a short stream ends')
    return { from: span.from + (at % size), length: smallSize }
  })
  return cut(small, length(found), file.length)
}

function nameOf(file: Buffer, entry: number): string {
  const bytes = Math.max(0, Math.min(file.readUInt16LE(entry + 64), 64) - 2)
  return file.toString('utf16le', entry, entry + bytes).toLowerCase()
}

/** The sector that follows each sector. */
function sectorTable(file: Buffer, size: number): number[] {
  const perSector = size / 4
  const most = Math.ceil(file.length / size / perSector)
  const parts = numbers(file, 76, 109)
  let more = file.readUInt32LE(68)
  while (more < noSector && parts.length < most) {
    const own = numbers(file, (more + 1) * size, perSector)
    more = own.pop() ?? noSector
    parts.push(...own)
  }
  return parts
    .filter((sector) => sector < noSector)
    .slice(0, most)
    .flatMap((sector) => numbers(file, (sector + 1) * size, perSector))
}

function numbers(file: Buffer, from: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => file.readUInt32LE(from + at * 4))
}

function cut(spans: readonly Span[], length: number, end: number): Span[] | undefined {
  const kept: Span[] = []
  let left = length
  for (const { from, length: own } of spans) {
    if (left <= 0) break
    const taken = Math.min(own, left)
    if (from + taken > end) return undefined
    kept.push({ from, length: taken })
    left -= taken
  }
  return left > 0 ? undefined : kept
}
