/** Draws a page of a PDF as PNG. */

import { crc32, deflateSync } from 'node:zlib'
import { type Pdfium, withMemory } from './pdfium.ts'

const annotations = 0x01
const reverseBytes = 0x10
const bgrx = 3
/** A receipt can be very long; then the width is reduced. */
const tallest = 6_000

export function drawPage(
  pdfium: Pdfium,
  page: number,
  wanted: number,
): { png: Uint8Array; width: number; height: number } {
  const ratio = pdfium._FPDF_GetPageHeightF(page) / Math.max(1e-3, pdfium._FPDF_GetPageWidthF(page))
  const width = Math.max(1, Math.round(Math.min(wanted, tallest / ratio)))
  const height = Math.max(1, Math.min(tallest, Math.round(width * ratio)))
  const stride = width * 4
  return withMemory(pdfium, stride * height, (pixels) => {
    const bitmap = pdfium._FPDFBitmap_CreateEx(width, height, bgrx, pixels, stride)
    if (bitmap === 0) throw new RangeError('PDFium is out of memory')
    pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xffffffff)
    pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, annotations | reverseBytes)
    const png = encodePng(pdfium.HEAPU8.subarray(pixels, pixels + stride * height), width, height)
    pdfium._FPDFBitmap_Destroy(bitmap)
    return { png, width, height }
  })
}

// A PNG encoder for pictures of pages. A native image library would need permission to load native code into the
// process that reads untrusted files.

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const grayscale = 0
const truecolour = 2

/** `rgbx` holds four bytes a pixel; the fourth is ignored. A page without color takes a third of the bytes. */
export function encodePng(rgbx: Uint8Array, width: number, height: number): Uint8Array {
  const gray = isGray(rgbx)
  const channels = gray ? 1 : 3
  const lines = Buffer.alloc(height * (1 + width * channels))
  let to = 0
  let from = 0
  for (let y = 0; y < height; y += 1) {
    to += 1 // the line's filter: none, which suits text on white
    for (let x = 0; x < width; x += 1, from += 4) {
      lines[to++] = rgbx[from] ?? 0
      if (gray) continue
      lines[to++] = rgbx[from + 1] ?? 0
      lines[to++] = rgbx[from + 2] ?? 0
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 8
  header[9] = gray ? grayscale : truecolour
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level: 5 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function isGray(rgbx: Uint8Array): boolean {
  for (let i = 0; i < rgbx.length; i += 4) {
    if (rgbx[i] !== rgbx[i + 1] || rgbx[i] !== rgbx[i + 2]) return false
  }
  return true
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
