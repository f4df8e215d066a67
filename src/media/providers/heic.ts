/** Decodes HEIC, the format of phone cameras, with libheif compiled to WebAssembly, which also turns pictures upright. */
import { createRequire } from 'node:module'
import type { Input } from '../provider.ts'
import { damaged, tooManyPixels } from './image-refusals.ts'

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

/** libheif holds several copies of a picture while decoding, so a larger one would exceed 700 MB. */
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
