/** Decodes Windows bitmaps, which libvips does not: uncompressed and run-length encoded ones, with or without a palette. */

export interface Bitmap {
  width: number
  height: number
  /** RGBA, from the top. Rows that are missing in the file are white. */
  data: Uint8Array
  /** The file ends before its last row. */
  cut: boolean
}

/** The size alone, to check it before decoding. Undefined for other bytes and for kinds that nobody writes. */
export function bitmapSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const head = headOf(bytes)
  return head && { width: head.width, height: head.height }
}

interface Head {
  width: number
  height: number
  topDown: boolean
  bits: number
  compression: number
  from: number
  palette: { at: number; step: number }
  masks: number[]
}

const [uncompressed, rle8, rle4, bitFields] = [0, 1, 2, 3]

function headOf(bytes: Uint8Array): Head | undefined {
  if (bytes.length < 30 || bytes[0] !== 0x42 || bytes[1] !== 0x4d) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [from, size] = [view.readUInt32LE(10), view.readUInt32LE(14)]
  const old = size === 12
  if (!old && (size < 40 || bytes.length < 54)) return undefined
  const width = old ? view.readUInt16LE(18) : view.readInt32LE(18)
  const height = old ? view.readUInt16LE(20) : view.readInt32LE(22)
  const bits = view.readUInt16LE(old ? 24 : 28)
  const compression = old ? uncompressed : view.readUInt32LE(30)
  const known =
    ([uncompressed, bitFields].includes(compression) && [1, 4, 8, 16, 24, 32].includes(bits)) ||
    (compression === rle8 && bits === 8) ||
    (compression === rle4 && bits === 4)
  if (width <= 0 || height === 0 || !known) return undefined
  const masked = compression === bitFields && bytes.length >= 66
  const masks = masked
    ? [54, 58, 62].map((at) => view.readUInt32LE(at))
    : bits === 16
      ? [0x7c00, 0x3e0, 0x1f]
      : [0xff0000, 0xff00, 0xff]
  const palette = { at: 14 + size + (masked && size === 40 ? 12 : 0), step: old ? 3 : 4 }
  return { width, height: Math.abs(height), topDown: height < 0, bits, compression, from, palette, masks }
}

/** Never throws. Pixels that the file lacks stay white. */
export function decodeBitmap(bytes: Uint8Array): Bitmap | undefined {
  const head = headOf(bytes)
  if (head === undefined) return undefined
  const { width, height, topDown, bits, compression, from } = head
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data = new Uint8Array(width * height * 4).fill(255)
  const rowAt = (row: number) => (topDown ? row : height - 1 - row) * width * 4
  const colorAt = createColors(view, head)
  if (compression === rle8 || compression === rle4) {
    const cut = runs(view.subarray(from), compression === rle4, (x, y, index) => {
      if (x < width && y < height) data.set(colorAt(index), rowAt(y) + x * 4)
      return y < height
    })
    return { width, height, data, cut }
  }
  const stride = Math.ceil((width * bits) / 32) * 4
  let cut = false
  for (let row = 0; row < height; row += 1) {
    const start = from + row * stride
    if (start + Math.ceil((width * bits) / 8) > view.length) {
      cut = true
      break
    }
    for (let x = 0; x < width; x += 1) data.set(colorAt(valueAt(view, start, x, bits)), rowAt(row) + x * 4)
  }
  return { width, height, data, cut }
}

function valueAt(view: Buffer, start: number, x: number, bits: number): number {
  if (bits >= 16) return view.readUIntLE(start + (x * bits) / 8, bits / 8)
  const byte = view[start + Math.floor((x * bits) / 8)] ?? 0
  return (byte >> (8 - bits - ((x * bits) % 8))) & ((1 << bits) - 1)
}

function createColors(view: Buffer, { bits, palette, masks, from }: Head): (value: number) => readonly number[] {
  if (bits <= 8) {
    const colors = Array.from({ length: 1 << bits }, (_, index) => {
      const at = palette.at + index * palette.step
      return at + 3 > Math.min(from, view.length)
        ? [0, 0, 0, 255]
        : [view[at + 2] ?? 0, view[at + 1] ?? 0, view[at] ?? 0, 255]
    })
    return (value) => colors[value] ?? [0, 0, 0, 255]
  }
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
    return { mask, shift, most: mask === 0 ? 1 : mask >>> shift }
  })
  return (value) => [
    ...channels.map(({ mask, shift, most }) => Math.round((((value & mask) >>> shift) * 255) / most)),
    255,
  ]
}

/** Runs of one color and runs of single ones. Returns whether the end is missing. */
function runs(view: Buffer, halves: boolean, put: (x: number, y: number, index: number) => boolean): boolean {
  let [x, y] = [0, 0]
  const indexOf = (byte: number, place: number) => (halves ? (place % 2 === 0 ? byte >> 4 : byte & 15) : byte)
  for (let at = 0; at + 1 < view.length; ) {
    const [count = 0, second = 0] = [view[at], view[at + 1]]
    at += 2
    if (count > 0) {
      for (let place = 0; place < count; place += 1) if (!put(x++, y, indexOf(second, place))) return false
    } else if (second === 0) [x, y] = [0, y + 1]
    else if (second === 1) return false
    else if (second === 2) {
      x += view[at] ?? 0
      y += view[at + 1] ?? 0
      at += 2
    } else {
      const length = halves ? Math.ceil(second / 2) : second
      for (let place = 0; place < second; place += 1) {
        if (!put(x++, y, indexOf(view[at + (halves ? place >> 1 : place)] ?? 0, place))) return false
      }
      at += length + (length % 2)
    }
  }
  return true
}
