/** Decides which pages of a PDF need OCR, and draws such a page in gray. */

import type { Problem } from '../../core/artifact.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Sink } from '../provider.ts'
import type { Mark } from '../reader.ts'
import type { Gray } from './gray.ts'
import { poorConfidence, readTsv, recognizeUpright, type Upright, withoutGrain } from './ocr.ts'
import { languageNames } from './ocr-languages.ts'
import { type PdfDocument, rawText } from './pdf-document.ts'
import { drawPage } from './pdf-draw.ts'
import { objectsOf } from './pdf-objects.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'
import { markWords } from './quote-marks.ts'
import { createOcr, ocrDpi, ocrPixels } from './tesseract.ts'

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
  const letters = countLetters(raw, fewLetters)
  if (letters === 0) return pdfium._FPDFPage_CountObjects(page) > 0
  if (isGarbage(raw)) return true
  return letters < fewLetters && largestPicture(pdfium, page) > 0.5
}

/** Up to `enough`. */
function countLetters(raw: string, enough: number): number {
  let letters = 0
  for (let at = 0; at < raw.length && letters < enough; at += 1) if (raw.charCodeAt(at) > 0x20) letters += 1
  return letters === enough ? letters : raw.replace(/\s/g, '').length
}

const suspect = /[\p{Co}\p{Cn}\uFFFD]|[^\P{Cc}\s]/u

/** Text from fonts with missing or wrong character tables. */
export function isGarbage(raw: string): boolean {
  if (!suspect.test(raw)) return false
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
  /** The text of a picture on a page that has text; '' if it has none, undefined if a limit is reached. */
  readPicture(draw: () => Gray | undefined, progress: { done: number; of: number }): Promise<string | undefined>
  problems(pages: number): Problem[]
  /** Pages without text that `problems` explains. */
  explained(): readonly number[]
}

/** The longest side of a page as a picture for models. */
const pictureSide = 1568
/** Pages with poor recognition are also given as pictures, up to this number. */
const mostPictures = 10
/** How far ahead the next scans are looked for. */
const lookAhead = 8

type Pages = Record<'read' | 'unsure' | 'unread' | 'unreadable' | 'skipped', number[]>

export function createScans(document: PdfDocument, limits: Limits, sink: Sink): Scans {
  const { pdfium } = document
  const { ocrPages = 50, ocrSeconds = 240 } = limits
  const ocr = createOcr(sink)
  const started = new Map<number, Promise<Upright | undefined>>()
  const pages: Pages = { read: [], unsure: [], unread: [], unreadable: [], skipped: [] }
  const unknown = new Map<string, number[]>()
  const languages = new Set<string>()
  /** Pages and pictures, with text or without. */
  let tried = 0
  let pictures = 0
  let total: number | undefined
  let spentMs = 0

  function start(page: number): Promise<Upright | undefined> {
    const known = started.get(page) ?? recognize(() => document.withPage(page, (handle) => drawGray(pdfium, handle)))
    started.set(page, known)
    known.catch(() => {})
    return known
  }

  /** Undefined for a blank page, and where PDFium or tesseract trapped; both may fail on later pages after that. */
  async function recognize(draw: () => Gray | undefined, read = readTsv): Promise<Upright | undefined> {
    try {
      const gray = draw()
      return gray && (await recognizeUpright(ocr, gray, read))
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return undefined
      throw error
    }
  }

  /** The next scans are recognized while this one is, where another process does it. */
  function startNext(page: number): void {
    const most = Math.min(document.pages, limits.pages, page + lookAhead)
    const atOnce = Math.min(ocr.atOnce, ocrPages - tried)
    for (let next = page + 1; next <= most && started.size < atOnce; next += 1) {
      if (!started.has(next) && isScan(next)) void start(next)
    }
  }

  function isScan(page: number): boolean {
    try {
      return document.withPage(page, (handle) => wantsOcr(pdfium, handle, rawText(pdfium, handle))) ?? false
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return false
      throw error
    }
  }

  async function note(page: number, found: Upright | undefined): Promise<string> {
    if (found === undefined) return ''
    const { text, confidence, unread, unknownScript } = found
    if (text === '' && unread > 0) pages.unreadable.push(page)
    if (text !== '') {
      pages.read.push(page)
      for (const language of found.languages) languages.add(language)
      if (unread > 0) pages.unread.push(page)
      if (confidence < poorConfidence) pages.unsure.push(page)
    }
    if (unknownScript !== undefined) unknown.set(unknownScript, [...(unknown.get(unknownScript) ?? []), page])
    if ((confidence < poorConfidence || unread > 0) && pictures < mostPictures) {
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

  const isSpent = () => tried >= ocrPages || spentMs >= ocrSeconds * 1000

  async function counted(recognized: () => Promise<string>): Promise<string> {
    tried += 1
    const startedAt = performance.now()
    try {
      return await recognized()
    } finally {
      spentMs += performance.now() - startedAt
    }
  }

  return {
    async read(page, remaining) {
      if (isSpent()) {
        pages.skipped.push(page)
        return ''
      }
      total ??= remaining()
      await sink.progress({ done: tried + 1, of: Math.min(total, ocrPages), unit: 'page', by: 'ocr' })
      return counted(async () => {
        const found = start(page)
        startNext(page)
        const text = await note(page, await found)
        started.delete(page)
        return text
      })
    },
    async readPicture(draw, progress) {
      if (isSpent()) return undefined
      await sink.progress({ ...progress, unit: 'picture', by: 'ocr' })
      return counted(async () => (await recognize(draw, withoutGrain))?.text ?? '')
    },
    explained: () => [...pages.skipped, ...pages.unreadable],
    problems(of) {
      const { read, unsure, unread, unreadable, skipped } = pages
      const words = fileWording.ocr
      const problems: Problem[] = []
      const add = (code: string, those: number[], userMessage: (pages: number[]) => string) => {
        if (those.length > 0) problems.push({ code, userMessage: userMessage(those) })
      }
      add('read_by_ocr', read, () => words.scan(read, of, languageNames([...languages])))
      add('ocr_unsure', unsure, words.unsure)
      add('ocr_unread', unread, words.unread)
      add('ocr_unread', unreadable, words.unreadable)
      for (const [script, those] of unknown) add('ocr_script', those, () => words.unknownScript(those, script))
      const most = spentMs >= ocrSeconds * 1000 ? { seconds: ocrSeconds } : { pages: ocrPages }
      add('ocr_limit', skipped, () => words.overLimit(skipped, most))
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
      wantsOcr(pdfium, handle, rawText(pdfium, handle)) || objectsOf(pdfium, handle).pictures.length > 0
        ? drawGray(pdfium, handle)
        : undefined,
    )
    if (gray === undefined) return undefined
    const { width, height } = gray
    return { ...(await recognizeUpright(ocr, gray, readTsv)), width, height }
  }

  return async (page, quote) => {
    if (!known.has(page)) known.set(page, await recognize(page))
    const found = known.get(page)
    return found === undefined ? [] : markWords(found.words, quote, found)
  }
}
