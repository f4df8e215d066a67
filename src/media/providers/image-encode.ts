/** Encodes a picture again for models, and in gray for OCR. Metadata is dropped. */
import sharp, { type OutputInfo, type Sharp } from 'sharp'
import type { Drawn } from '../provider.ts'
import type { Gray } from './ocr.ts'

/** Models scale larger pictures down. */
const longestSide = 1568
/** A drawing stays sharp as PNG; a larger PNG is probably a photograph. */
const largestPng = 1.5e6
const drawings = new Set(['image/png', 'image/gif', 'image/svg+xml'])

export async function encodeForModels(picture: Sharp, mediaType: string): Promise<Omit<Drawn, 'at'>> {
  const { data, info } = await picture
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  const small = () => sharp(data, { raw: { width, height, channels } })
  if (drawings.has(mediaType)) {
    const png = await small().png({ compressionLevel: 7 }).toBuffer()
    if (png.length <= largestPng) return { data: png, mediaType: 'image/png', width, height }
  }
  return { data: await small().jpeg({ quality: 85 }).toBuffer(), mediaType: 'image/jpeg', width, height }
}

/** OCR works better on enlarged screenshots and reduced photographs. */
const enlargedBelow = 1_400
const reducedAbove = 2_600

export async function toGray(picture: Sharp): Promise<Gray> {
  const whole = await picture
    .greyscale()
    .resize({ width: reducedAbove, height: reducedAbove, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { data, info } = Math.max(whole.info.width, whole.info.height) < enlargedBelow ? await twice(whole) : whole
  return { pixels: data, width: info.width, height: info.height }
}

function twice({ data, info: { width, height, channels } }: { data: Buffer; info: OutputInfo }) {
  return sharp(data, { raw: { width, height, channels } })
    .resize({ width: width * 2, height: height * 2, kernel: 'cubic' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
}
