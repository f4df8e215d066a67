/** Marks a quote on a scanned page by recognizing the page again, which happens only when a citation is opened. */
import type { Mark } from '../reader.ts'
import { createOcr } from './ocr.ts'
import { readTsv } from './ocr-text.ts'
import { type PdfDocument, rawText } from './pdf-document.ts'
import { drawGray, wantsOcr } from './pdf-scan.ts'
import { recognizeUpright, type Upright } from './upright.ts'
import { markWords } from './word-marks.ts'

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
