/** Charts are sent inside a message. Teams shows images of up to 1,024 pixels, and a message must stay small. */
import sharp from 'sharp'
import type { OutgoingFile } from '../../src/core/command.ts'

/** The limit for the image's bytes. */
const maxBytes = 60_000
const widths = [1024, 800, 640, 480]

/** The image as a `data:` URL; `undefined` if it is not an image or stays too large. */
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
