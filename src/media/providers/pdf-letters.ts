/** The letters of a page with their places, in the order of reading; and whether a page needs them at all. */
import type { Box } from './pdf-annotations.ts'
import type { Line } from './pdf-objects.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'

export interface Letter {
  /** One character; longer after marks were added to it. */
  text: string
  /** Undefined for spaces and line ends that PDFium added. */
  box: Box | undefined
  baseline: number
  /** Of its font, in points; 0 for text that is not upright. */
  size: number
}

/** Bytes: box (16), origin (16), matrix (24). */
const memoryNeeded = 56
const originAt = 16
const matrixAt = 32

export function lettersOf(pdfium: Pdfium, text: number, count: number): Letter[] {
  return withMemory(pdfium, memoryNeeded, (memory) => {
    const letters: Letter[] = []
    let object = -1
    let size = 0
    for (let index = 0; index < count; index += 1) {
      const of = pdfium._FPDFText_GetTextObject(text, index)
      if (of !== object) {
        object = of
        size = sizeOf(pdfium, text, index, memory)
      }
      const code = pdfium._FPDFText_GetUnicode(text, index)
      const box = looseBox(pdfium, text, index, memory)
      pdfium._FPDFText_GetCharOrigin(text, index, memory + originAt, memory + originAt + 8)
      const baseline = viewOf(pdfium, memory + originAt + 8, 8).getFloat64(0, true)
      letters.push({ text: String.fromCodePoint(Math.min(0x10ffff, code)), box, baseline, size })
    }
    return letters
  })
}

function sizeOf(pdfium: Pdfium, text: number, index: number, memory: number): number {
  if (pdfium._FPDFText_GetMatrix(text, index, memory + matrixAt) === 0) return 0
  const matrix = viewOf(pdfium, memory + matrixAt, 24)
  const [b, d] = [matrix.getFloat32(4, true), matrix.getFloat32(12, true)]
  return Math.abs(b) > Math.abs(d) / 10 ? 0 : pdfium._FPDFText_GetFontSize(text, index) * Math.abs(d)
}

/** From the top of the tallest letter of the font to its lowest. Undefined without an extent. */
function looseBox(pdfium: Pdfium, text: number, index: number, memory: number): Box | undefined {
  if (pdfium._FPDFText_GetLooseCharBox(text, index, memory) === 0) return undefined
  const view = viewOf(pdfium, memory, 16)
  // FS_RECTF: left, top, right, bottom.
  const left = view.getFloat32(0, true)
  const top = view.getFloat32(4, true)
  const right = view.getFloat32(8, true)
  const bottom = view.getFloat32(12, true)
  return left === right || top === bottom ? undefined : { left, top, right, bottom }
}

// Most pages are prose, for which PDFium's text is right. Only the others are taken apart by letters, at about 1 ms each.

/** In heights of a letter: a wider gap parts columns. */
export const columnGap = 0.9

/**
 * Whether the page has gaps within lines, lines beside one another, raised, lowered or struck-out letters, or Arabic ones. `raw` is
 * PDFium's text, `rules` are the lines drawn on the page.
 */
export function needsLetters(pdfium: Pdfium, text: number, raw: string, rules: readonly Line[]): boolean {
  if (/[\u0600-\u06FF]/.test(raw) || hasUnevenPieces(pdfium, text) || hasWideLines(pdfium, text, raw)) return true
  // A letter at the line's middle: struck out, or underlined closely.
  return rules
    .slice(0, mostRules)
    .some(({ at, from, to }) =>
      [0.1, 0.5, 0.9].some(
        (part) => pdfium._FPDFText_GetCharIndexAtPos(text, from + (to - from) * part, at, 1, 0) >= 0,
      ),
    )
}

/** More lines are a drawing. */
const mostRules = 200

/** Pieces are runs of letters that the file draws at once. */
function hasUnevenPieces(pdfium: Pdfium, text: number): boolean {
  const count = pdfium._FPDFText_CountRects(text, 0, -1)
  let single = 0
  return withMemory(pdfium, 32, (memory) => {
    let last: Box | undefined
    for (let index = 0; index < count; index += 1) {
      // Doubles: left, top, right, bottom.
      if (pdfium._FPDFText_GetRect(text, index, memory, memory + 8, memory + 16, memory + 24) === 0) continue
      const view = viewOf(pdfium, memory, 32)
      const box = {
        left: view.getFloat64(0, true),
        top: view.getFloat64(8, true),
        right: view.getFloat64(16, true),
        bottom: view.getFloat64(24, true),
      }
      if (last !== undefined) {
        if (isUneven(last, box)) return true
        if (isSingle(box) && areApart(last, box)) {
          single += 1
          // Looking a letter up costs the length of the page.
          if (single > mostSingle || isGlued(pdfium, text, box)) return true
        }
      }
      last = box
    }
    return false
  })
}

function isUneven(last: Box, box: Box): boolean {
  const taller = Math.max(last.top - last.bottom, box.top - box.bottom)
  const shared = Math.min(last.top, box.top) - Math.max(last.bottom, box.bottom)
  const gap = Math.max(box.left - last.right, last.left - box.right)
  if (shared <= -taller / 2) return false
  if (shared > 0 && gap > columnGap * taller) return true
  const shorter = Math.min(last.top - last.bottom, box.top - box.bottom)
  return Math.abs(gap) < taller / 2 && shorter < taller * 0.9 && Math.abs(box.bottom - last.bottom) > taller * 0.1
}

const mostSingle = 50

function isSingle(box: Box): boolean {
  return box.right - box.left <= 1.2 * (box.top - box.bottom)
}

/** A letter on a line of its own that PDFium put behind the last line. */
function isGlued(pdfium: Pdfium, text: number, box: Box): boolean {
  const [x, y] = [box.left + (box.right - box.left) / 10, (box.bottom + box.top) / 2]
  const index = pdfium._FPDFText_GetCharIndexAtPos(text, x, y, 1, 1)
  return index > 0 && pdfium._FPDFText_GetUnicode(text, index - 1) !== lineFeed
}

const lineFeed = 10

/** Wider than any font for this many letters. */
const widest = 0.8
/** Enough of a page to tell. */
const mostLinesSeen = 500

function hasWideLines(pdfium: Pdfium, text: number, raw: string): boolean {
  const bottoms = new Set<number>()
  return withMemory(pdfium, 16, (memory) => {
    const boxAt = (index: number) =>
      looseBox(pdfium, text, pdfium._FPDFText_GetCharIndexFromTextIndex(text, index), memory)
    let from = 0
    for (const line of raw.split('\n', mostLinesSeen)) {
      const start = from + (line.length - line.trimStart().length)
      const end = from + line.trimEnd().length - 1
      from += line.length + 1
      if (end < start) continue
      const [first, last] = [boxAt(start), boxAt(end)]
      if (first === undefined || last === undefined) continue
      const height = first.top - first.bottom
      if (Math.abs(last.right - first.left) > widest * height * (end - start + 1) + height) return true
      // Another line at the same height.
      const bottom = Math.round(first.bottom)
      if (bottoms.has(bottom)) return true
      bottoms.add(bottom)
    }
    return false
  })
}

/**
 * Ends lines where they end on the page: PDFium also ends one behind raised letters, and puts a single letter on a line of its own behind
 * the line above it, so that 88 over 9 reads as 889.
 */
export function withLineEnds(letters: readonly Letter[]): Letter[] {
  const lines: Letter[] = []
  let open: Letter[] = []
  let last: Letter | undefined
  for (const letter of letters) {
    if (letter.box === undefined) {
      open.push(letter)
      continue
    }
    const between = last === undefined ? open : lettersBetween(last, open, letter)
    lines.push(...between, letter)
    open = []
    last = letter
  }
  return [...lines, ...open]
}

function lettersBetween(last: Letter, open: Letter[], next: Letter): Letter[] {
  if (last.box === undefined || next.box === undefined || last.size === 0 || next.size === 0) return open
  const words = open.filter(({ text }) => text !== '\n' && text !== '\r')
  const ends = words.length < open.length
  if (!ends) return areApart(last.box, next.box) ? [{ ...next, text: '\n', box: undefined }] : open
  const space = spaceBetween(last.box, next.box)
  if (space === undefined) return open
  return space === '' || words.length > 0 || last.text.trim() === '' ? words : [{ ...next, text: ' ', box: undefined }]
}

function areApart(one: Box, other: Box): boolean {
  return Math.min(one.top, other.top) <= Math.max(one.bottom, other.bottom)
}

/** Undefined if the next letter does not stand directly to the right. */
function spaceBetween(last: Box, next: Box): ' ' | '' | undefined {
  const lower = Math.min(last.top - last.bottom, next.top - next.bottom)
  const shared = Math.min(last.top, next.top) - Math.max(last.bottom, next.bottom)
  const gap = next.left - last.right
  if (shared <= lower / 2 || gap < -lower / 4 || gap > lower) return undefined
  return gap > lower / 6 ? ' ' : ''
}

// Ligatures of Arabic: one glyph for several letters, which PDFium gives from left to right.

const arabicLetter = /^(?=\p{Lo})\p{Script=Arabic}$/u
const alefs = /[\u0622\u0623\u0625\u0627]/
const lam = '\u0644'

/** Puts the letters of each ligature into the order in which they are written. Changes `letters`. */
export function orderLigatures(letters: Letter[]): void {
  for (let from = 0; from < letters.length; ) {
    let to = from + 1
    while (to < letters.length && isSameGlyph(letters[from], letters[to])) to += 1
    if (to - from > 1) {
      const glyph = letters.slice(from, to).reverse()
      // Some files give their letters in the order of the page; then PDFium has set them right.
      const right = glyph.length === 2 && alefs.test(glyph[0]?.text ?? '') && glyph[1]?.text === lam
      if (!right) letters.splice(from, glyph.length, ...glyph)
    }
    from = to
  }
}

function isSameGlyph(one: Letter | undefined, other: Letter | undefined): boolean {
  if (one?.box === undefined || other?.box === undefined) return false
  if (one.box.left !== other.box.left || one.baseline !== other.baseline) return false
  return arabicLetter.test(one.text) && arabicLetter.test(other.text)
}
