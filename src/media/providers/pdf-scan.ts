/** Decides which pages of a PDF need OCR, and draws such a page in gray. */
import { type Gray, ocrDpi, ocrPixels } from './ocr.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'

const imageObject = 3
const formObject = 5
const grayFormat = 1
const annotations = 0x01

/** A scanned page with only a stamp ("Scanned by …") has fewer letters than this. */
const fewLetters = 200
/** Objects looked at on one page. */
const mostObjects = 500

/** Whether the page shows text that its text layer does not contain. `raw` is PDFium's text. */
export function wantsOcr(pdfium: Pdfium, page: number, raw: string): boolean {
  const letters = raw.replace(/\s/g, '').length
  if (letters === 0) return pdfium._FPDFPage_CountObjects(page) > 0
  if (isGarbage(raw)) return true
  return letters < fewLetters && largestPicture(pdfium, page) > 0.5
}

/** Text from fonts with missing or wrong character tables. */
export function isGarbage(raw: string): boolean {
  const letters = raw.replace(/\s/g, '')
  const bad = letters.match(/[\p{Co}\p{Cn}\p{Cc}\uFFFD]/gu) ?? []
  // PDFium's marks for line-end hyphens do not count.
  const unknown = bad.filter((letter) => letter !== '\uFFFE' && letter !== '\u0002').length
  return letters.length >= 20 && unknown > letters.length * 0.2
}

/** The share of the page that its largest picture covers, 0 to 1. */
function largestPicture(pdfium: Pdfium, page: number): number {
  const area = pdfium._FPDF_GetPageWidthF(page) * pdfium._FPDF_GetPageHeightF(page)
  const objects = Math.min(mostObjects, pdfium._FPDFPage_CountObjects(page))
  let largest = 0
  for (let index = 0; index < objects; index += 1) {
    const object = pdfium._FPDFPage_GetObject(page, index)
    const type = pdfium._FPDFPageObj_GetType(object)
    if (type === imageObject || type === formObject) largest = Math.max(largest, areaOf(pdfium, object))
  }
  return largest / Math.max(1, area)
}

function areaOf(pdfium: Pdfium, object: number): number {
  return withMemory(pdfium, 16, (memory) => {
    if (pdfium._FPDFPageObj_GetBounds(object, memory, memory + 4, memory + 8, memory + 12) === 0) return 0
    const bounds = viewOf(pdfium, memory, 16)
    const at = (offset: number) => bounds.getFloat32(offset, true)
    return Math.max(0, at(8) - at(0)) * Math.max(0, at(12) - at(4))
  })
}

/** Draws the page at the best resolution for OCR that its size allows. Undefined when it is blank. */
export function drawGray(pdfium: Pdfium, page: number): Gray | undefined {
  const wide = Math.max(1, (pdfium._FPDF_GetPageWidthF(page) / 72) * ocrDpi)
  const high = Math.max(1, (pdfium._FPDF_GetPageHeightF(page) / 72) * ocrDpi)
  const scale = Math.min(1, Math.sqrt(ocrPixels / (wide * high)), 20_000 / wide, 20_000 / high)
  const width = Math.max(1, Math.round(wide * scale))
  const height = Math.max(1, Math.round(high * scale))
  const pixels = withMemory(pdfium, width * height, (memory) => {
    const bitmap = pdfium._FPDFBitmap_CreateEx(width, height, grayFormat, memory, width)
    if (bitmap === 0) throw new RangeError('PDFium is out of memory')
    pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xffffffff)
    pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, annotations)
    pdfium._FPDFBitmap_Destroy(bitmap)
    return pdfium.HEAPU8.slice(memory, memory + width * height)
  })
  return pixels.some((level) => level !== 255) ? { pixels, width, height } : undefined
}
