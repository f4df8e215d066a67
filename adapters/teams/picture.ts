/** Charts travel inside their message: Teams shows pictures of at most 1,024 pixels, and a message has to stay small. */
import sharp from 'sharp'
import type { OutgoingFile } from '../../src/core/command.ts'

/** Of the picture's bytes. */
const maxBytes = 60_000
const widths = [1024, 800, 640, 480]

/** A `data:` address of the picture; `undefined` when it is none, or cannot be made small enough. */
export async function dataUrl({ mediaType, data }: OutgoingFile): Promise<string | undefined> {
  if (!/^image\/(?:png|jpeg|gif|webp|svg\+xml)$/.test(mediaType)) return undefined
  for (const width of widths) {
    const small = await sharp(data, { limitInputPixels: 50_000_000 })
      .resize({ width, height: 1024, fit: 'inside', withoutEnlargement: true })
      .png({ palette: true, compressionLevel: 9 })
      .toBuffer()
      .catch(() => undefined)
    if (small === undefined) return undefined
    if (small.length <= maxBytes) return `data:image/png;base64,${small.toString('base64')}`
  }
  return undefined
}
