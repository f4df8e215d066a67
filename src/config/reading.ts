/** Limits of reading, from the units people write to those that readers count in. */
import { families, type LimitOverrides, type Limits } from '../media/limits.ts'
import type { File } from './file.ts'

export function readingLimits(reading: File['reading']): LimitOverrides {
  const overrides: LimitOverrides = {}
  for (const family of families) {
    const set = reading[family]
    if (set === undefined) continue
    const { megabytes, memoryMegabytes, ...rest } = set
    const all: { [Name in keyof Limits]: Limits[Name] | undefined } = {
      bytes: megabytes === undefined ? undefined : megabytes * 1e6,
      memoryMb: memoryMegabytes,
      seconds: rest.seconds,
      pages: rest.pages,
      rows: rest.rows,
      characters: rest.characters,
      minutes: rest.minutes,
      frames: rest.frames,
      pixels: rest.megapixels === undefined ? undefined : rest.megapixels * 1e6,
      unpackedBytes: rest.unpackedMegabytes === undefined ? undefined : rest.unpackedMegabytes * 1e6,
      ratio: rest.ratio,
      entries: rest.entries,
      files: rest.files,
      ocrPages: rest.ocrPages,
      ocrSeconds: rest.ocrSeconds,
    }
    overrides[family] = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }
  return overrides
}
