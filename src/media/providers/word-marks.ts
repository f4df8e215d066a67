/** Finds a quote in a picture whose words were recognized. Pure. */
import type { Mark } from '../reader.ts'
import type { Word } from './ocr-text.ts'
import { findQuote, lettersIn } from './pdf-marks.ts'

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
