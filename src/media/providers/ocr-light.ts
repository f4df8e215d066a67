/** Makes the letters of a picture dark on evenly white paper. */
import type { Gray } from './gray.ts'

/** A place of this size with this contrast has letters, which are the smaller part of it. */
const letters = { side: 32, contrast: 80 }

/** Tesseract takes several times as long for light letters on a dark page. */
export function darkOnLight(given: Gray): Gray {
  const { pixels, width, height } = given
  let light = 0
  let dark = 0
  for (let top = 0; top + letters.side <= height; top += letters.side) {
    for (let left = 0; left + letters.side <= width; left += letters.side) {
      let [least, most, sum, count] = [255, 0, 0, 0]
      for (let y = top; y < top + letters.side; y += 2) {
        for (let x = left; x < left + letters.side; x += 2, count += 1) {
          const level = pixels[y * width + x] ?? 255
          least = Math.min(least, level)
          most = Math.max(most, level)
          sum += level
        }
      }
      if (most - least < letters.contrast) continue
      if (sum / count < (least + most) / 2) light += 1
      else dark += 1
    }
  }
  return light > dark * 3 ? { ...given, pixels: pixels.map((level) => 255 - level) } : given
}

// The brightness of the paper is measured in tiles, and each pixel is divided by that of its place.

/** About the height of a letter at 200 dpi. */
const tile = 10
/** Dark spots up to this many tiles on either side are ink and not shade. */
const inkTiles = 3
/** Paper in the deepest shade that is still brightened. */
const darkest = 40
/** Paper that varies less than this is evenly lit. */
const even = 0.85

export function evenLight(given: Gray): Gray {
  const { pixels, width, height } = given
  const columns = Math.ceil(width / tile)
  const rows = Math.ceil(height / tile)
  const paper = closed(paperOf(given, columns, rows), columns, rows)
  const sorted = paper.toSorted()
  const low = sorted[Math.floor(sorted.length * 0.03)] ?? 255
  const high = sorted[Math.floor(sorted.length * 0.97)] ?? 255
  if (low >= high * even) return given
  const lit = new Uint8Array(pixels.length)
  for (let y = 0; y < height; y += 1) {
    const down = Math.min(rows - 1, Math.max(0, (y - tile / 2) / tile))
    const above = Math.floor(down)
    const below = Math.min(rows - 1, above + 1)
    const part = down - above
    for (let x = 0; x < width; x += 1) {
      const right = Math.min(columns - 1, Math.max(0, (x - tile / 2) / tile))
      const before = Math.floor(right)
      const after = Math.min(columns - 1, before + 1)
      const share = right - before
      const top = (paper[above * columns + before] ?? 0) * (1 - share) + (paper[above * columns + after] ?? 0) * share
      const base = (paper[below * columns + before] ?? 0) * (1 - share) + (paper[below * columns + after] ?? 0) * share
      const of = Math.max(darkest, top * (1 - part) + base * part)
      lit[y * width + x] = Math.min(255, ((pixels[y * width + x] ?? 0) * 255) / of)
    }
  }
  return { pixels: lit, width, height }
}

/** The brightness of the brightest tenth of each tile. */
function paperOf({ pixels, width, height }: Gray, columns: number, rows: number): Uint8Array {
  const paper = new Uint8Array(columns * rows)
  const counts = new Uint16Array(256)
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      counts.fill(0)
      const right = Math.min(width, (column + 1) * tile)
      const bottom = Math.min(height, (row + 1) * tile)
      let total = 0
      for (let y = row * tile; y < bottom; y += 2) {
        for (let x = column * tile; x < right; x += 2) {
          const level = pixels[y * width + x] ?? 255
          counts[level] = (counts[level] ?? 0) + 1
          total += 1
        }
      }
      let level = 255
      for (let left = total / 10 - (counts[255] ?? 0); left > 0; left -= counts[level] ?? 0) level -= 1
      paper[row * columns + column] = level
    }
  }
  return paper
}

/** Fills dark spots that are small enough for ink, and keeps the edges of shadows. */
function closed(paper: Uint8Array, columns: number, rows: number): Uint8Array {
  return spread(spread(paper, columns, rows, Math.max), columns, rows, Math.min)
}

function spread(values: Uint8Array, columns: number, rows: number, pick: (a: number, b: number) => number): Uint8Array {
  const along = new Uint8Array(values.length)
  const both = new Uint8Array(values.length)
  const clamp = (value: number, most: number) => Math.min(most - 1, Math.max(0, value))
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let found = values[row * columns + column] ?? 0
      for (let by = -inkTiles; by <= inkTiles; by += 1)
        found = pick(found, values[row * columns + clamp(column + by, columns)] ?? 0)
      along[row * columns + column] = found
    }
  }
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let found = along[row * columns + column] ?? 0
      for (let by = -inkTiles; by <= inkTiles; by += 1)
        found = pick(found, along[clamp(row + by, rows) * columns + column] ?? 0)
      both[row * columns + column] = found
    }
  }
  return both
}
