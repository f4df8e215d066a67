/** Recognizes the scanned pages of a PDF one after the other within limits, and reports what was left out. */
import type { Problem } from '../../core/artifact.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Sink } from '../provider.ts'
import { createOcr } from './ocr.ts'
import { poorConfidence, readTsv } from './ocr-text.ts'
import type { PdfDocument } from './pdf-document.ts'
import { drawPage } from './pdf-draw.ts'
import { drawGray } from './pdf-scan.ts'
import { recognizeUpright } from './upright.ts'

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
