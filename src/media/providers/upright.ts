/** Recognizes a picture that may be rotated, and takes the rotation that reads best. */
import type { Gray, Ocr } from './ocr.ts'
import type { Recognized } from './ocr-text.ts'

/** Rotated text is recognized as many unlikely words; grain in photographs as few. */
const suspicious = 60
const manyWords = 20
const surely = 75

export interface Upright extends Recognized {
  /** Whether the boxes of words refer to the original rotation. */
  asGiven: boolean
}

export async function recognizeUpright(ocr: Ocr, picture: Gray, read: (tsv: string) => Recognized): Promise<Upright> {
  let best: Upright = { ...read(await ocr.recognize(picture)), asGiven: true }
  if (best.confidence >= suspicious || best.words.length < manyWords) return best
  let turned = picture
  for (let quarter = 1; quarter <= 3; quarter += 1) {
    turned = quarterTurn(turned)
    const found = read(await ocr.recognize(turned))
    if (found.confidence > best.confidence && found.text.length > best.text.length / 3)
      best = { ...found, asGiven: false }
    if (best.confidence >= surely) break
  }
  return best
}

/** Clockwise. */
function quarterTurn({ pixels, width, height }: Gray): Gray {
  const turned = new Uint8Array(pixels.length)
  let from = 0
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, from += 1) turned[x * height + (height - 1 - y)] = pixels[from] ?? 255
  }
  return { pixels: turned, width: height, height: width }
}
