/** Decides which pages of a PDF need OCR, and draws such a page in gray. */

import type { Problem } from '../../core/artifact.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Sink } from '../provider.ts'
import type { Mark } from '../reader.ts'
import {
  createOcr,
  type Gray,
  ocrDpi,
  ocrPixels,
  poorConfidence,
  readTsv,
  recognizeUpright,
  type Upright,
} from './ocr.ts'
import { type PdfDocument, rawText } from './pdf-document.ts'
import { drawPage } from './pdf-draw.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'
import { markWords } from './quote-marks.ts'

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

// Recognizes the scanned pages of a PDF one after the other within limits, and reports what was left out.

export interface Scans {
  /** The page's text, or '' if none was found or a limit is reached. `remaining` counts this page and those after it. */
  read(page: number, remaining: () => number): Promise<string>
  problems(pages: number): Problem[]
  /** Pages on which nothing could be recognized. */
  empty(): number
}

/** The longest side of a page as a picture for models. */
const pictureSide = 1568
/** Pages with poor recognition are also given as pictures, up to this number. */
const mostPictures = 10

export function createScans(document: PdfDocument, limits: Limits, sink: Sink): Scans {
  const { pdfium } = document
  const { ocrPages = 50, ocrSeconds = 240 } = limits
  const ocr = createOcr(sink)
  const done: number[] = []
  const unsure: number[] = []
  const skipped: number[] = []
  let empty = 0
  let pictures = 0
  let total: number | undefined
  let spentMs = 0

  async function recognize(page: number): Promise<string> {
    const gray = document.withPage(page, (handle) => drawGray(pdfium, handle))
    if (gray === undefined) {
      empty += 1
      return ''
    }
    const { text, confidence } = await recognizeUpright(ocr, gray, readTsv)
    if (text === '') empty += 1
    else done.push(page)
    if (confidence >= poorConfidence) return text
    if (text !== '') unsure.push(page)
    if (pictures < mostPictures) {
      pictures += 1
      await givePicture(page)
    }
    return text
  }

  async function givePicture(page: number): Promise<void> {
    const drawn = document.withPage(page, (handle) => {
      const ratio = pdfium._FPDF_GetPageWidthF(handle) / Math.max(1, pdfium._FPDF_GetPageHeightF(handle))
      return drawPage(pdfium, handle, Math.round(pictureSide * Math.min(1, ratio)))
    })
    if (drawn === undefined) return
    const { png, width, height } = drawn
    await sink.image({ data: png, mediaType: 'image/png', width, height, at: { kind: 'page', page } })
  }

  return {
    async read(page, remaining) {
      if (done.length + empty >= ocrPages || spentMs >= ocrSeconds * 1000) {
        skipped.push(page)
        return ''
      }
      total ??= remaining()
      const of = Math.min(total, ocrPages)
      await sink.progress({ done: done.length + empty + 1, of, unit: 'page', by: 'ocr' })
      const startedAt = performance.now()
      try {
        return await recognize(page)
      } catch (error) {
        // Tesseract and PDFium trap on some pages, and may fail on later pages after that.
        if (!(error instanceof WebAssembly.RuntimeError)) throw error
        empty += 1
        return ''
      } finally {
        spentMs += performance.now() - startedAt
      }
    },
    empty: () => empty,
    problems(pages) {
      const problems: Problem[] = []
      if (done.length > 0) problems.push({ code: 'read_by_ocr', userMessage: fileWording.ocr.scan(done, pages) })
      if (unsure.length > 0) problems.push({ code: 'ocr_unsure', userMessage: fileWording.ocr.unsure(unsure) })
      if (skipped.length > 0) {
        const most = spentMs >= ocrSeconds * 1000 ? { seconds: ocrSeconds } : { pages: ocrPages }
        problems.push({ code: 'ocr_limit', userMessage: fileWording.ocr.overLimit(skipped, most) })
      }
      return problems
    },
  }
}

// Marks a quote on a scanned page by recognizing the page again, which happens only when a citation is opened.

interface Known extends Upright {
  width: number
  height: number
}

export function createScanMarks(document: PdfDocument): (page: number, quote: string) => Promise<Mark[]> {
  const { pdfium } = document
  const ocr = createOcr()
  const known = new Map<number, Known | undefined>()

  async function recognize(page: number): Promise<Known | undefined> {
    const gray = document.withPage(page, (handle) =>
      wantsOcr(pdfium, handle, rawText(pdfium, handle)) ? drawGray(pdfium, handle) : undefined,
    )
    if (gray === undefined) return undefined
    const { width, height } = gray
    return { ...(await recognizeUpright(ocr, gray, readTsv)), width, height }
  }

  return async (page, quote) => {
    if (!known.has(page)) known.set(page, await recognize(page))
    const found = known.get(page)
    return found?.asGiven === true ? markWords(found.words, quote, found) : []
  }
}
