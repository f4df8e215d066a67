/**
 * Finds a quote on a page of a PDF, or in a picture whose words were recognized: rectangles around its lines, ignoring
 * differences in spaces, hyphens, ligatures and quotation marks.
 */
import type { Mark } from '../reader.ts'
import type { Word } from './ocr.ts'
import { withText } from './pdf-document.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'

/** A shorter part of a quote could match anywhere. */
const shortestPart = 12
/** Converts points to fractions: the page is measured as if drawn this large. */
const scale = 20_000

export function markQuote(pdfium: Pdfium, page: number, quote: string): Mark[] {
  const marks = withText(pdfium, page, (text, count) => {
    const letters = lettersOf(pdfium, text, count)
    const ranges = findQuote(letters.text, quote).map(([from, to]): [number, number] => [
      letters.indexOf[from] ?? 0,
      letters.indexOf[to - 1] ?? 0,
    ])
    return ranges.flatMap(([from, to]) => lineBoxes(pdfium, page, text, from, to))
  })
  return marks ?? []
}

/** Ranges of `letters` that match the quote, or else its sentences. Pure; only letters are compared. */
export function findQuote(letters: string, quote: string): [number, number][] {
  const whole = inOneOrder(lettersIn(quote))
  if (whole === '') return []
  const page = inOneOrder(letters)
  const at = page.indexOf(whole)
  if (at >= 0) return [[at, at + whole.length]]
  // A quote may omit words with "…" or continue on the next page; then the parts on this page are marked.
  const parts = quote.split(/(?<=[.!?:;])\s+|…|\.{3}|\n/).map((part) => inOneOrder(lettersIn(part)))
  return parts.flatMap((part): [number, number][] => {
    const found = part.length < shortestPart ? -1 : page.indexOf(part)
    return found < 0 ? [] : [[found, found + part.length]]
  })
}

/** Letters, digits and symbols in one case, with ligatures split: the same however the text is typeset. */
export function lettersIn(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{S}]/gu, '')
}

/** PDFium gives the ligature of lam and alef the other way round than the text that was read, so both orders are one here. */
function inOneOrder(letters: string): string {
  return letters.replace(/([\u0622\u0623\u0625\u0627])\u0644/g, '\u0644$1')
}

/** The page's letters, and for each UTF-16 unit of them the index of the character that it came from. */
function lettersOf(pdfium: Pdfium, text: number, count: number): { text: string; indexOf: number[] } {
  const indexOf: number[] = []
  const parts: string[] = []
  for (let index = 0; index < count; index += 1) {
    const code = pdfium._FPDFText_GetUnicode(text, index)
    if (code === 0 || code > 0x10ffff) continue
    const part = lettersIn(String.fromCodePoint(code))
    if (part === '') continue
    parts.push(part)
    for (let unit = 0; unit < part.length; unit += 1) indexOf.push(index)
  }
  return { text: parts.join(''), indexOf }
}

interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

/** One rectangle for each line that the characters from `from` to `to` (inclusive) touch. */
function lineBoxes(pdfium: Pdfium, page: number, text: number, from: number, to: number): Mark[] {
  const lines: Box[] = []
  for (let index = from; index <= to; index += 1) {
    const box = characterBox(pdfium, page, text, index)
    if (box === undefined) continue
    const line = lines.at(-1)
    if (line !== undefined && sameLine(line, box)) {
      line.left = Math.min(line.left, box.left)
      line.right = Math.max(line.right, box.right)
      line.top = Math.min(line.top, box.top)
      line.bottom = Math.max(line.bottom, box.bottom)
    } else lines.push({ ...box })
  }
  return lines.map(({ left, top, right, bottom }) => {
    const x = within(left)
    const y = within(top)
    return { x, y, width: within(right) - x, height: within(bottom) - y }
  })
}

/** They overlap by half of the lower one's height, with no column between them. */
function sameLine(line: Box, box: Box): boolean {
  const shared = Math.min(line.bottom, box.bottom) - Math.max(line.top, box.top)
  const lower = Math.min(line.bottom - line.top, box.bottom - box.top)
  const gap = Math.max(box.left - line.right, line.left - box.right)
  return shared > lower / 2 && gap < 4 * (line.bottom - line.top)
}

/** In fractions of the page as it is shown, with its rotation and crop; undefined for spaces that PDFium added. */
function characterBox(pdfium: Pdfium, page: number, text: number, index: number): Box | undefined {
  return withMemory(pdfium, 24, (memory) => {
    if (pdfium._FPDFText_GetLooseCharBox(text, index, memory) === 0) return undefined
    const rectangle = viewOf(pdfium, memory, 16)
    // FS_RECTF: left, top, right, bottom in points, from the page's lower left corner.
    const corners = [0, 4, 8, 12].map((offset) => rectangle.getFloat32(offset, true))
    const [left = 0, top = 0, right = 0, bottom = 0] = corners
    if (left === right || top === bottom) return undefined
    const a = shown(pdfium, page, left, top, memory + 16)
    const b = shown(pdfium, page, right, bottom, memory + 16)
    return { left: Math.min(a.x, b.x), right: Math.max(a.x, b.x), top: Math.min(a.y, b.y), bottom: Math.max(a.y, b.y) }
  })
}

function shown(pdfium: Pdfium, page: number, x: number, y: number, memory: number): { x: number; y: number } {
  pdfium._FPDF_PageToDevice(page, 0, 0, scale, scale, 0, x, y, memory, memory + 4)
  const point = viewOf(pdfium, memory, 8)
  return { x: point.getInt32(0, true) / scale, y: point.getInt32(4, true) / scale }
}

function within(fraction: number): number {
  return Math.min(1, Math.max(0, fraction))
}

/** One rectangle for each line that the quote touches, in fractions of the picture. */
export function markWords(words: Word[], quote: string, picture: { width: number; height: number }): Mark[] {
  const letters: string[] = []
  const wordOf: number[] = []
  for (const [index, word] of words.entries()) {
    const part = lettersIn(word.text)
    letters.push(part)
    for (let unit = 0; unit < part.length; unit += 1) wordOf.push(index)
  }
  return findQuote(letters.join(''), quote).flatMap(([from, to]) => {
    const first = wordOf[from] ?? 0
    const last = wordOf[to - 1] ?? first
    return linesOf(words.slice(first, last + 1)).map((line) => ({
      x: line.left / picture.width,
      y: line.top / picture.height,
      width: (line.right - line.left) / picture.width,
      height: (line.bottom - line.top) / picture.height,
    }))
  })
}

function linesOf(words: Word[]) {
  const lines: { left: number; top: number; right: number; bottom: number }[] = []
  for (const { x, y, width, height } of words) {
    const line = lines.at(-1)
    const sameLine =
      line !== undefined &&
      x >= line.left &&
      Math.min(line.bottom, y + height) - Math.max(line.top, y) > Math.min(height, line.bottom - line.top) / 3
    if (!sameLine) lines.push({ left: x, top: y, right: x + width, bottom: y + height })
    else {
      line.right = Math.max(line.right, x + width)
      line.top = Math.min(line.top, y)
      line.bottom = Math.max(line.bottom, y + height)
    }
  }
  return lines
}
