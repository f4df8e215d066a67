/** Draws a page of a PDF as PNG. */

import { type Pdfium, withMemory } from './pdfium.ts'
import { encodePng } from './png.ts'

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
