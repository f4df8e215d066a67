/** Merged cells stand after the rows in a sheet's part, but its headings need them before. So the part is searched for them first. */
import type { Archive } from './archive.ts'
import type { Merge } from './sheet-heading.ts'
import { columnOf } from './xlsx-cells.ts'

/** Larger sheets are read without, because unpacking them twice takes long and counts twice. */
const largestPart = 8e6
const largestSum = 20e6
/** Headings are not further down. */
const lastRow = 60

export function createMergeScan(archive: Archive): (part: string) => Promise<Merge[]> {
  let left = largestSum
  return async (part) => {
    const bytes = archive.entries.find(({ name }) => name === part)?.bytes ?? Infinity
    if (bytes > largestPart || bytes > left) return []
    left -= bytes
    try {
      return await scan(archive.stream(part, largestPart))
    } catch {
      // A damaged sheet is reported by the reader of its rows.
      return []
    }
  }
}

const merged = /<(?:\w+:)?mergeCell\s[^>]*?\bref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"/g
/** More than one tag may be cut at the end of a piece. */
const overlap = 200

async function scan(content: AsyncIterable<Uint8Array>): Promise<Merge[]> {
  const merges: Merge[] = []
  let rest = ''
  for await (const chunk of content) {
    const text = rest + Buffer.from(chunk).toString('latin1')
    let end = Math.max(0, text.length - overlap)
    for (const match of text.matchAll(merged)) {
      const [tag, left, top, right, bottom] = match
      end = Math.max(end, match.index + tag.length)
      if (Number(top) > lastRow) continue
      merges.push({
        top: Number(top),
        bottom: Number(bottom),
        left: columnOf(`${left}1`) ?? 0,
        right: columnOf(`${right}1`) ?? 0,
      })
    }
    rest = text.slice(end)
  }
  return merges
}
