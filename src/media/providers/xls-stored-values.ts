/**
 * Old Excel workbooks (BIFF) before their conversion: every formula becomes the value that it had when the file was saved. LibreOffice would
 * calculate TODAY(), RAND() and what depends on them anew, whatever its settings say, and show another date than the file.
 */
import { findStream, type Span } from './ole-stream.ts'

const bof = 0x0809
const filePass = 0x002f
const formula = 0x0006
const string = 0x0207
const continued = 0x003c
/** Formulas of several cells, which follow the first of them. */
const sharedFormulas = new Set([0x04bc, 0x0221, 0x0236])
const cellValue = { blank: 0x0201, number: 0x0203, label: 0x0204, boolean: 0x0205 } as const
/** No record has this number, so that it is skipped. */
const filler = 0x0ffe
/** BIFF5 and BIFF8. */
const versions = [0x0500, 0x0600]
const longestRecord = 8_224
const calculateOnLoad = 0x0002

/** Changes the bytes in place. Returns whether there was something to change; files that are not understood stay as they are. */
export function keepStoredValues(file: Buffer): boolean {
  const spans = findStream(file, ['workbook', 'book'])
  if (spans === undefined) return false
  const stream = Buffer.concat(spans.map(({ from, length }) => file.subarray(from, from + length)))
  if (!isCalculated(stream)) return false
  for (let at = recordAt(stream, 0); at !== undefined; at = recordAt(stream, at.end)) {
    if (at.id === formula) replaceFormula(stream, at)
    else if (sharedFormulas.has(at.id)) stream.writeUInt16LE(filler, at.from)
  }
  writeBack(file, spans, stream)
  return true
}

interface Record {
  id: number
  from: number
  size: number
  end: number
}

function recordAt(stream: Buffer, from: number): Record | undefined {
  if (from + 4 > stream.length) return undefined
  const [id, size] = [stream.readUInt16LE(from), stream.readUInt16LE(from + 2)]
  const end = from + 4 + size
  // Zeros fill the last sector.
  return (id === 0 && size === 0) || end > stream.length ? undefined : { id, from, size, end }
}

/**
 * Whether a workbook of a known version, without a password, has formulas with values. Programs that do not calculate store zeros, and ask
 * for a calculation at the opening of the file.
 */
function isCalculated(stream: Buffer): boolean {
  const first = recordAt(stream, 0)
  if (first?.id !== bof || first.size < 4 || !versions.includes(stream.readUInt16LE(4))) return false
  let [values, asks, formulas] = [false, false, false]
  for (let at: Record | undefined = first; at !== undefined; at = recordAt(stream, at.end)) {
    if (at.id === filePass) return false
    if (at.id !== formula || at.size < 20) continue
    formulas = true
    values ||= stream.readDoubleLE(at.from + 10) !== 0
    asks ||= (stream.readUInt16LE(at.from + 18) & calculateOnLoad) !== 0
  }
  return formulas && (values || !asks)
}

/** Row, column, format and the result stand at the same places in a formula and in a value. */
function replaceFormula(stream: Buffer, record: Record): void {
  const { from, size, end } = record
  if (size < 20) return
  const result = from + 10
  const type = stream.readUInt16LE(result + 6) === 0xffff ? stream.readUInt8(result) : undefined
  if (type === undefined) put(stream, from, { id: cellValue.number, size: 14, end })
  else if (type === 0) replaceText(stream, record)
  else if (type > 2) put(stream, from, { id: cellValue.blank, size: 6, end })
  else {
    // A truth value or an error.
    stream.writeUInt8(stream.readUInt8(result + 2), result)
    stream.writeUInt8(type - 1, result + 1)
    put(stream, from, { id: cellValue.boolean, size: 8, end })
  }
}

/** The text of a formula follows it in a record of its own. A longer one goes on in others, and stays a formula. */
function replaceText(stream: Buffer, { from, end }: Record): void {
  let text = recordAt(stream, end)
  if (text !== undefined && sharedFormulas.has(text.id)) text = recordAt(stream, text.end)
  if (text?.id !== string || text.size + 6 > longestRecord || recordAt(stream, text.end)?.id === continued) return
  stream.copy(stream, from + 10, text.from + 4, text.end)
  put(stream, from, { id: cellValue.label, size: 6 + text.size, end: text.end })
}

/** Writes the head of a record, and fills the rest up to `end`. */
function put(stream: Buffer, from: number, { id, size, end }: { id: number; size: number; end: number }): void {
  stream.writeUInt16LE(id, from)
  stream.writeUInt16LE(size, from + 2)
  for (let at = from + 4 + size; at < end; ) {
    // At least the four bytes of another head are left.
    const left = end - at - 4
    const own = left > longestRecord ? longestRecord - 4 : left
    stream.writeUInt16LE(filler, at)
    stream.writeUInt16LE(own, at + 2)
    at += 4 + own
  }
}

function writeBack(file: Buffer, spans: readonly Span[], stream: Buffer): void {
  let at = 0
  for (const { from, length } of spans) {
    stream.copy(file, from, at, at + length)
    at += length
  }
}
