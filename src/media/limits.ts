/** Limits on reading a file. The configuration can override each for a family of formats. */

export interface Limits {
  /** Size of the file. */
  bytes: number
  /** Wall-clock time of one read. */
  seconds: number
  /** Resident memory of the reading process, everything included; a bare one takes about 50 MB. */
  memoryMb: number
  /** Pages read; for spreadsheets and delimited text, rows; lines are bounded by `characters` alone. */
  pages: number
  rows: number
  /** Characters of text taken from one file. */
  characters: number
  /** Files in an archive, and bytes that it may unpack to; above `freeBytes` no more than `ratio` times its size. */
  entries?: number
  unpackedBytes?: number
  ratio?: number
  freeBytes?: number
  /** Files read inside an email or an archive. */
  files?: number
  /** Pixels of a picture, checked before decoding. */
  pixels?: number
  /** Pages read by OCR, and the time it may take in addition to `seconds`. */
  ocrPages?: number
  ocrSeconds?: number
  /** How much of a recording is transcribed. `seconds` includes the transcription server's time. */
  minutes?: number
  /** Pictures kept of a video. */
  frames?: number
}

/** Defaults for every archive and office document, unless its family sets others. */
export const archiveDefaults = {
  entries: 10_000,
  unpackedBytes: 500e6,
  ratio: 200,
  freeBytes: 50e6,
  files: 100,
} as const

/** Formats that share their limits. */
export const families = [
  'pdf',
  'text',
  'csv',
  'html',
  'image',
  'office',
  'sheet',
  'mail',
  'archive',
  'audio',
  'video',
] as const
export type Family = (typeof families)[number]

/** THE defaults. A thousand dense pages are about three million characters. */
export const defaultLimits = {
  pdf: {
    bytes: 100e6,
    seconds: 120,
    memoryMb: 1024,
    pages: 2_000,
    rows: 1,
    characters: 12e6,
    ocrPages: 50,
    ocrSeconds: 240,
  },
  text: { bytes: 25e6, seconds: 60, memoryMb: 512, pages: 1, rows: 1, characters: 12e6 },
  csv: { bytes: 25e6, seconds: 60, memoryMb: 512, pages: 1, rows: 100_000, characters: 12e6 },
  html: { bytes: 10e6, seconds: 30, memoryMb: 512, pages: 1, rows: 1, characters: 12e6 },
  image: {
    bytes: 50e6,
    seconds: 60,
    memoryMb: 700,
    pages: 50,
    rows: 1,
    characters: 1e6,
    pixels: 64e6,
    ocrPages: 20,
    ocrSeconds: 120,
  },
  office: { bytes: 100e6, seconds: 120, memoryMb: 700, pages: 2_000, rows: 1, characters: 12e6 },
  sheet: { bytes: 100e6, seconds: 120, memoryMb: 700, pages: 500, rows: 100_000, characters: 12e6 },
  mail: { bytes: 50e6, seconds: 180, memoryMb: 1024, pages: 1, rows: 1, characters: 12e6 },
  archive: { bytes: 100e6, seconds: 180, memoryMb: 1024, pages: 1, rows: 1, characters: 12e6 },
  audio: { bytes: 500e6, seconds: 3_600, memoryMb: 512, pages: 1, rows: 1, characters: 12e6, minutes: 240 },
  video: {
    bytes: 500e6,
    seconds: 3_600,
    memoryMb: 1024,
    pages: 1,
    rows: 1,
    characters: 12e6,
    minutes: 120,
    frames: 12,
  },
} as const satisfies Record<Family, Limits>

export type LimitOverrides = Partial<Record<Family, Partial<Limits>>>

export function limitsFor(family: Family, overrides: LimitOverrides = {}): Limits {
  return { ...defaultLimits[family], ...overrides[family] }
}

/** The heap of every reading process, because the type of its file is not known when it starts. */
export function largestMemoryMb(overrides: LimitOverrides = {}): number {
  return Math.max(...families.map((family) => limitsFor(family, overrides).memoryMb))
}
