/** Charts as PNG. Text is drawn as paths with DejaVu Sans from `fonts`, so no system font is needed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import opentype from 'opentype.js'
import sharp from 'sharp'
import { type Chart, drawChart, type Lettering } from '../chart.ts'

/** For high-density screens. */
const density = 2

let loaded: Promise<Lettering> | undefined

/** Loaded once per process, with the first chart. */
export function loadLetters(): Promise<Lettering> {
  loaded ??= (async () => {
    const bytes = await readFile(join(import.meta.dirname, 'fonts/DejaVuSans.ttf'))
    const font = opentype.parse(new Uint8Array(bytes).buffer)
    // One character at a time: labels need no ligatures, and the library rejects some ligature tables.
    const signs = (text: string, size: number) => {
      let at = 0
      return [...text].map((sign) => {
        const glyph = font.charToGlyph(sign)
        const from = at
        at += ((glyph.advanceWidth ?? 0) * size) / font.unitsPerEm
        return { glyph, from, to: at }
      })
    }
    return {
      path: (text, x, y, size) =>
        signs(text, size)
          .map(({ glyph, from }) => glyph.getPath(x + from, y, size).toPathData(1))
          .join(''),
      width: (text, size) => signs(text, size).at(-1)?.to ?? 0,
    }
  })()
  return loaded
}

export async function chartPng(chart: Chart): Promise<Uint8Array> {
  const { svg, width, height } = drawChart(chart, await loadLetters())
  const image = sharp(Buffer.from(svg), { density: 72 * density, limitInputPixels: 40_000_000 })
  return new Uint8Array(
    await image
      .resize(width * density, height * density)
      .png({ palette: true })
      .toBuffer(),
  )
}
