/**
 * Pictures on pages that have a text layer: screenshots, charts and stamps whose words the text layer lacks. Each picture of a file is
 * recognized once, within the limits of OCR; those beyond are counted in the receipt.
 */
import { crc32 } from 'node:zlib'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Input, Sink } from '../provider.ts'
import { createUnread } from '../unread.ts'
import type { Gray } from './gray.ts'
import type { Box } from './pdf-annotations.ts'
import { type PdfDocument, textWithin } from './pdf-document.ts'
import type { PlacedPicture } from './pdf-objects.ts'
import type { Scans } from './pdf-scan.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'
import { ocrDpi, ocrPixels } from './tesseract.ts'

/** In points; smaller pictures are bullets, icons and lines. */
const leastWidth = 40
const leastHeight = 12
/** In pixels. */
const leastPixels = { width: 60, height: 14 }
/** Larger pictures are compared by the size of their compressed data. */
const mostHashed = 1e6
/** On one page; more are the pieces of a drawing. */
const mostPictures = 500
/** On a page with invisible text, a picture of this share of it is a scan that was recognized before. */
const scanned = 0.3
const invisible = 3
/** Pictures with more pixels an inch are drawn larger. */
const mostDpi = 400

export interface PagePicture {
  page: number
  box: Box
  /** The same for the same picture on another page. */
  key: string
}

/** The pictures of a page that may hold words which its text lacks. `placed` are all its pictures. */
export function picturesOn(
  pdfium: Pdfium,
  handle: number,
  page: number,
  placed: readonly PlacedPicture[],
): PagePicture[] {
  const large = placed.slice(0, mostPictures).filter((picture) => isLarge(pdfium, picture))
  if (large.length === 0) return []
  const area = pdfium._FPDF_GetPageWidthF(handle) * pdfium._FPDF_GetPageHeightF(handle)
  const isScanned = hasInvisibleText(pdfium, handle)
  return inStrips(large).flatMap(({ box, objects }): PagePicture[] => {
    const [width, height] = [box.right - box.left, box.top - box.bottom]
    if (width < leastWidth || height < leastHeight) return []
    if (isScanned && width * height > scanned * area) return []
    return [{ page, box, key: objects.map((object) => keyOf(pdfium, object, page)).join(' ') }]
  })
}

function isLarge(pdfium: Pdfium, { object, box }: PlacedPicture): boolean {
  if (box.right - box.left < leastHeight || box.top - box.bottom < 1) return false
  const { width, height } = pixelsOf(pdfium, object)
  return width >= leastPixels.width && (height >= leastPixels.height || box.right - box.left > leastWidth)
}

function pixelsOf(pdfium: Pdfium, object: number): { width: number; height: number } {
  return withMemory(pdfium, 8, (memory) => {
    if (pdfium._FPDFImageObj_GetImagePixelSize(object, memory, memory + 4) === 0) return { width: 0, height: 0 }
    const view = viewOf(pdfium, memory, 8)
    return { width: view.getUint32(0, true), height: view.getUint32(4, true) }
  })
}

interface Region {
  box: Box
  objects: number[]
}

/** Some programs cut a picture into strips: pictures that touch are one. */
function inStrips(pictures: readonly PlacedPicture[]): Region[] {
  const regions: Region[] = []
  for (const { box, object } of pictures) {
    const touching = regions.filter((region) => touch(region.box, box))
    const boxes = [box, ...touching.map((region) => region.box)]
    for (const region of touching) regions.splice(regions.indexOf(region), 1)
    regions.push({
      box: {
        left: Math.min(...boxes.map(({ left }) => left)),
        bottom: Math.min(...boxes.map(({ bottom }) => bottom)),
        right: Math.max(...boxes.map(({ right }) => right)),
        top: Math.max(...boxes.map(({ top }) => top)),
      },
      objects: [...touching.flatMap(({ objects }) => objects), object],
    })
  }
  return regions
}

function touch(one: Box, other: Box): boolean {
  return (
    one.left <= other.right + 1 &&
    other.left <= one.right + 1 &&
    one.bottom <= other.top + 1 &&
    other.bottom <= one.top + 1
  )
}

function keyOf(pdfium: Pdfium, object: number, page: number): string {
  const { width, height } = pixelsOf(pdfium, object)
  const size = pdfium._FPDFImageObj_GetImageDataRaw(object, 0, 0)
  const key = `${width}x${height}:${size}`
  if (size > mostHashed) return pdfium._FPDFImageObj_GetImageFilterCount(object) > 0 ? key : `${key}:${page}`
  return withMemory(pdfium, Math.max(1, size), (memory) => {
    pdfium._FPDFImageObj_GetImageDataRaw(object, memory, size)
    return `${key}:${crc32(pdfium.HEAPU8.subarray(memory, memory + size))}`
  })
}

/** Text that is only there to be found lies over a scan. */
function hasInvisibleText(pdfium: Pdfium, handle: number): boolean {
  const objects = Math.min(200, pdfium._FPDFPage_CountObjects(handle))
  for (let index = 0; index < objects; index += 1)
    if (pdfium._FPDFTextObj_GetTextRenderMode(pdfium._FPDFPage_GetObject(handle, index)) === invisible) return true
  return false
}

/** Adds the words of the pictures as segments of their pages. Returns a sentence when the limit of characters was reached. */
export async function readPictures(
  input: Input,
  { document, pictures, scans }: { document: PdfDocument; pictures: readonly PagePicture[]; scans: Scans },
  limits: Limits,
  sink: Sink,
): Promise<string | undefined> {
  const known = new Set<string>()
  const read: number[] = []
  const unread = createUnread(input.name, sink)
  const own = pictures.filter(({ key }) => {
    const isNew = !known.has(key)
    known.add(key)
    return isNew
  })
  const report = () => {
    unread.report()
    if (read.length > 0)
      sink.problem({ code: 'pictures_read_by_ocr', userMessage: fileWording.ocr.picturesOnPages(read) })
  }
  for (const [index, { page, box, key }] of own.entries()) {
    let under = ''
    const draw = () =>
      document.withPage(page, (handle) => {
        under = textWithin(document.pdfium, handle, box)
        return drawRegion(document.pdfium, handle, box)
      })
    const found = await scans.readPicture(draw, { done: index + 1, of: own.length })
    if (found === undefined) unread.saw('picture', key)
    if (!found || isKnown(found, under)) continue
    read.push(page)
    if (!(await sink.segment(`Text in a picture on this page:\n${found}`, { kind: 'page', page }))) {
      report()
      return fileWording.partial.notAll('pictures', input.name, limits.characters)
    }
  }
  report()
  return undefined
}

/** Words printed over a picture are recognized with it. */
function isKnown(found: string, printed: string): boolean {
  const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const known = new Set(words(printed))
  const recognized = words(found)
  return recognized.filter((word) => !known.has(word)).length <= recognized.length * 0.2
}

/** Draws a part of the page, without annotations. Undefined when nothing of it can be seen. */
function drawRegion(pdfium: Pdfium, page: number, box: Box): Gray | undefined {
  const points = { width: pdfium._FPDF_GetPageWidthF(page), height: pdfium._FPDF_GetPageHeightF(page) }
  const largest = Math.sqrt(ocrPixels / Math.max(1, ((box.right - box.left) * (box.top - box.bottom)) / 72 ** 2))
  const dpi = Math.min(mostDpi, Math.max(ocrDpi, (1_000 / Math.max(1, box.right - box.left)) * 72), largest)
  const whole = { width: Math.round((points.width / 72) * dpi), height: Math.round((points.height / 72) * dpi) }
  const one = onDevice(pdfium, page, whole, box.left, box.top)
  const other = onDevice(pdfium, page, whole, box.right, box.bottom)
  const left = Math.max(0, Math.min(one.x, other.x))
  const top = Math.max(0, Math.min(one.y, other.y))
  const width = Math.min(whole.width, Math.max(one.x, other.x)) - left
  const height = Math.min(whole.height, Math.max(one.y, other.y)) - top
  if (width < leastPixels.width || height < leastPixels.height) return undefined
  const pixels = withMemory(pdfium, width * height, (memory) => {
    const bitmap = pdfium._FPDFBitmap_CreateEx(width, height, 1, memory, width)
    if (bitmap === 0) throw new RangeError('PDFium is out of memory')
    pdfium._FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xffffffff)
    pdfium._FPDF_RenderPageBitmap(bitmap, page, -left, -top, whole.width, whole.height, 0, 0)
    pdfium._FPDFBitmap_Destroy(bitmap)
    return pdfium.HEAPU8.slice(memory, memory + width * height)
  })
  const [first] = pixels
  return pixels.some((level) => level !== first) ? { pixels, width, height } : undefined
}

function onDevice(
  pdfium: Pdfium,
  page: number,
  { width, height }: { width: number; height: number },
  x: number,
  y: number,
) {
  return withMemory(pdfium, 8, (memory) => {
    pdfium._FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, memory, memory + 4)
    const point = viewOf(pdfium, memory, 8)
    return { x: point.getInt32(0, true), y: point.getInt32(4, true) }
  })
}
