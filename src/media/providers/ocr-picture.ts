/**
 * Prepares a picture for OCR, because tesseract needs even light and level lines. A photograph of a page has shadows and slanted or
 * converging lines, and a page on a scanner's glass lies a little askew. A clean scan only loses its margins.
 */

import { type Box, type Gray, quarterTurn, turnedBack } from './gray.ts'
import { darkOnLight, evenLight } from './ocr-light.ts'
import { findLines, levelled } from './ocr-lines.ts'

export interface Prepared {
  picture: Gray
  /** Whether it may show lines of text. A photograph of a tree has as many edges, and they form no lines. */
  mayHaveText: boolean
  /** Where a box of the prepared picture is in the given one. */
  place(box: Box): Box
}

export function prepare(given: Gray): Prepared {
  const lit = evenLight(darkOnLight(given))
  const { sideways, lines, mayBeText } = findLines(lit)
  const picture = sideways ? quarterTurn(lit) : lit
  const level = lines === undefined ? picture : levelled(picture, lines)
  const { x, y, width, height } = contentOf(level)
  return {
    picture: cropped(level, { x, y, width, height }),
    mayHaveText: mayBeText,
    place(box) {
      const middle = { x: x + box.x + box.width / 2, y: y + box.y + box.height / 2 }
      const down = lines?.shift(middle.x, middle.y) ?? 0
      const placed = { ...box, x: x + box.x, y: y + box.y + down }
      return sideways ? turnedBack(placed, 1, given) : placed
    },
  }
}

// The part with content.

/** Darker is ink. */
const inkBelow = 200
/** Tesseract wants some paper around letters. */
const frame = 24

function contentOf({ pixels, width, height }: Gray): Box {
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let y = 0; y < height; y += 1) {
    const start = y * width
    let first = 0
    while (first < width && (pixels[start + first] ?? 255) >= inkBelow) first += 1
    if (first === width) continue
    let last = width - 1
    while ((pixels[start + last] ?? 255) >= inkBelow) last -= 1
    left = Math.min(left, first)
    right = Math.max(right, last)
    top = Math.min(top, y)
    bottom = y
  }
  if (right < 0) return { x: 0, y: 0, width, height }
  const x = Math.max(0, left - frame)
  const y = Math.max(0, top - frame)
  return { x, y, width: Math.min(width, right + frame) - x, height: Math.min(height, bottom + frame) - y }
}

function cropped({ pixels, width, height }: Gray, box: Box): Gray {
  if (box.width === width && box.height === height) return { pixels, width, height }
  const part = new Uint8Array(box.width * box.height)
  for (let row = 0; row < box.height; row += 1) {
    const from = (box.y + row) * width + box.x
    part.set(pixels.subarray(from, from + box.width), row * box.width)
  }
  return { pixels: part, width: box.width, height: box.height }
}
