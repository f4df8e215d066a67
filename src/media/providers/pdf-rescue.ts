/** New tables for a PDF that lost its own, so that what is left of it can be opened. Pure. */

/**
 * A file that was cut short has lost its tables: which pages there are, and where each object begins. Writes new ones behind
 * what is left, from the objects that are found. Undefined when no page is: then they are compressed.
 */
export function withNewTables(bytes: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const offsets = new Map<number, number>()
  const pages = new Set<number>()
  for (const { 1: number = '', index } of text.matchAll(/(?<=^|[\s>])(\d{1,7})\s+\d{1,5}\s+obj\b/g)) {
    const dictionary = text.slice(index, index + 4_000).split(/\bendobj\b|\bstream\b/, 1)[0] ?? ''
    offsets.set(Number(number), index)
    if (/\/Type\s*\/Page\b/.test(dictionary)) pages.add(Number(number))
  }
  if (pages.size === 0) return undefined
  const list = Math.max(...offsets.keys()) + 1
  const kids = [...pages].map((page) => `${page} 0 R`).join(' ')
  const parts = ['\nendstream\nendobj\n', `${list} 0 obj\n<</Type/Pages/Count ${pages.size}/Kids[${kids}]>>\nendobj\n`]
  offsets.set(list, bytes.length + (parts[0]?.length ?? 0))
  offsets.set(list + 1, bytes.length + parts.join('').length)
  parts.push(`${list + 1} 0 obj\n<</Type/Catalog/Pages ${list} 0 R>>\nendobj\n`)
  const start = bytes.length + parts.join('').length
  const rows = [...offsets].toSorted(([one], [other]) => one - other)
  parts.push('xref\n0 1\n0000000000 65535 f \n')
  for (const [number, offset] of rows) parts.push(`${number} 1\n${String(offset).padStart(10, '0')} 00000 n \n`)
  parts.push(`trailer\n<</Root ${list + 1} 0 R/Size ${list + 2}>>\nstartxref\n${start}\n%%EOF\n`)
  return Buffer.concat([bytes, Buffer.from(parts.join(''), 'latin1')])
}
