/** Gray pictures as OCR gets them, and their rotation. */

export interface Gray {
  pixels: Uint8Array
  width: number
  height: number
}

export interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** Clockwise. */
export function quarterTurn({ pixels, width, height }: Gray): Gray {
  const turned = new Uint8Array(pixels.length)
  let from = 0
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, from += 1) turned[x * height + (height - 1 - y)] = pixels[from] ?? 255
  }
  return { pixels: turned, width: height, height: width }
}

/** Where a box was before some clockwise quarter turns of a picture of this size. */
export function turnedBack(box: Box, quarters: number, { width, height }: Pick<Gray, 'width' | 'height'>): Box {
  if (quarters === 0) return box
  const highBefore = quarters % 2 === 1 ? height : width
  const before = { x: box.y, y: highBefore - box.x - box.width, width: box.height, height: box.width }
  return turnedBack(before, quarters - 1, { width, height })
}
