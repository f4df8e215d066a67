/**
 * Decodes pictures with sharp (libvips) and libheif: upright, in sRGB, on white, after a check of their size. Runs
 * only in a native reading process. libvips may only read bytes in memory, never open files.
 */

import { createRequire } from 'node:module'
import sharp, { type Sharp, type SharpOptions } from 'sharp'
import type { Problem } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Input } from '../provider.ts'
import { bitmapSize, decodeBitmap } from './bmp.ts'

sharp.concurrency(1)
sharp.cache(false)
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif', 'Svg', 'Heif'].map((kind) => `VipsForeignLoad${kind}Buffer`),
})

export interface Picture {
  /** The frames of an animation count as one. */
  pages: number
  problems: Problem[]
  /** `page` is 1-based. Nothing is decoded before the output is requested. */
  open(page: number): Sharp
}

export const defaultPixels = 64e6
/** SVGs are drawn at the size that models get, which is enough for small print. */
const drawnSide = 1568
const white = '#ffffff'

/** Throws `file_too_large`, `file_damaged` or `file_unsupported`. */
export async function openPicture(input: Input, limits: Pick<Limits, 'pixels'>): Promise<Picture> {
  const pixels = limits.pixels ?? defaultPixels
  const { bytes, name, mediaType } = input
  if (/heic|heif/.test(mediaType)) {
    const raw = await decodeHeic(input, pixels)
    return { pages: 1, problems: [], open: () => plain(sharp(raw.data, { raw: { ...raw.size, channels: 4 } })) }
  }
  if (mediaType === 'image/bmp') return openBitmap(input, pixels)
  const head = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined)
  if (head === undefined) throw damaged(name)
  const { width, height } = head
  if (mediaType === 'image/svg+xml') {
    const density = Math.min(2_400, Math.max(1, ((head.density ?? 72) * drawnSide) / Math.max(width, height)))
    return { pages: 1, problems: [], open: () => plain(sharp(bytes, { density, limitInputPixels: pixels })) }
  }
  const high = head.pageHeight ?? height
  if (width * high > pixels) throw tooManyPixels(name, { width, height: high }, pixels)
  const pages = mediaType === 'image/tiff' ? (head.pages ?? 1) : 1
  const options: SharpOptions = { limitInputPixels: pixels, failOn: 'error' }
  const problems: Problem[] = []
  if ((head.pages ?? 1) > pages)
    problems.push({ code: 'first_frame', userMessage: fileWording.notice.firstFrame(name) })
  if (!(await decodes(sharp(bytes, options)))) {
    if (!(await decodes(sharp(bytes, { ...options, failOn: 'none' })))) throw damaged(name)
    options.failOn = 'none'
    problems.push({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.picture(name) })
  }
  return { pages, problems, open: (page) => plain(sharp(bytes, { ...options, page: page - 1 }).autoOrient()) }
}

function openBitmap({ bytes, name }: Input, pixels: number): Picture {
  const size = bitmapSize(bytes)
  if (size === undefined) throw damaged(name)
  const most = Math.min(pixels, mostPixels)
  if (size.width * size.height > most) throw tooManyPixels(name, size, most)
  const bitmap = decodeBitmap(bytes)
  if (bitmap === undefined) throw damaged(name)
  const { data, width, height, cut } = bitmap
  const problems = cut ? [{ code: 'file_damaged', userMessage: fileWording.partlyDamaged.picture(name) }] : []
  return { pages: 1, problems, open: () => plain(sharp(data, { raw: { width, height, channels: 4 } })) }
}

/** Whether the whole picture can be decoded, tested at a small size. */
async function decodes(picture: Sharp): Promise<boolean> {
  try {
    await picture.resize(64, 64, { fit: 'inside' }).raw().toBuffer()
    return true
  } catch {
    return false
  }
}

/** Transparency becomes white, so that dark text stays readable. */
function plain(picture: Sharp): Sharp {
  return picture.flatten({ background: white }).toColourspace('srgb')
}

// Decodes HEIC, the format of phone cameras, with libheif compiled to WebAssembly, which also turns pictures upright.

export interface RawPicture {
  /** RGBA. */
  data: Uint8Array
  size: { width: number; height: number }
}

interface HeicImage {
  width: number
  height: number
  decode(): Promise<{ width: number; height: number; data: Uint8ClampedArray }>
}

type DecodeAll = (options: { buffer: Uint8Array }) => Promise<HeicImage[]>

/** Decoders outside of libvips hold a picture whole, libheif several times, so a larger one would exceed 700 MB. */
const mostPixels = 36e6

/** Throws `file_too_large` before it decodes, or `file_damaged`. */
export async function decodeHeic({ bytes, name }: Input, pixels: number): Promise<RawPicture> {
  const { all }: { all: DecodeAll } = createRequire(import.meta.url)('heic-decode')
  const [first] = await all({ buffer: bytes }).catch(() => [])
  if (first === undefined) throw damaged(name)
  const most = Math.min(pixels, mostPixels)
  if (first.width * first.height > most) throw tooManyPixels(name, first, most)
  const decoded = await first.decode().catch(() => undefined)
  if (decoded === undefined) throw damaged(name)
  const { data, width, height } = decoded
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), size: { width, height } }
}

// The reasons why a picture cannot be read.

export function tooManyPixels(name: string, size: { width: number; height: number }, pixels: number): ParleyError {
  return new ParleyError('file_too_large', fileWording.limit.pixels(name, size, pixels))
}

export function damaged(name: string): ParleyError {
  return new ParleyError('file_damaged', fileWording.damaged.picture(name))
}
