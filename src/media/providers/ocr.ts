/**
 * Text recognition inside the reading process: tesseract's own C++ as WebAssembly, called directly, and its TSV as text with
 * the place and confidence of each word. (tesseract.js's worker would need a thread, through which the permission model can be
 * left.) It blocks the process, which is killed at its limits with it.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import { relaxedSimd, simd } from 'wasm-feature-detect'
import type { Sink } from '../provider.ts'

export interface Gray {
  pixels: Uint8Array
  width: number
  height: number
}

export interface Ocr {
  /** Returns tesseract's TSV, from the parent's program if there is one. */
  recognize(picture: Gray): Promise<string>
}

/** The resolution at which pages are drawn for OCR. */
export const ocrDpi = 200
/** A4 at 300 dpi is 8.7 million. */
export const ocrPixels = 12e6

/** The part of tesseract's API that is used, as compiled by tesseract.js-core. */
interface Tesseract {
  FS: { writeFile(path: string, data: Uint8Array): void }
  TessBaseAPI: new () => {
    Init(path: null, languages: string, engine: number): number
    SetVariable(name: string, value: string): void
    SetImageFile(orientation: number, angle: number): number
    Recognize(monitor: null): number
    GetTSVText(page: number): string
  }
}

const lstmOnly = 1
let loading: Promise<(pgm: Uint8Array) => string> | undefined

export function createOcr(sink: Pick<Sink, 'recognize'> = {}): Ocr {
  let program = sink.recognize
  return {
    async recognize(picture) {
      const pgm = encodePgm(picture)
      const tsv = await program?.(pgm)
      if (tsv !== undefined) return tsv
      // A program that failed once is slow or broken, so it is not used again.
      program = undefined
      loading ??= load()
      return (await loading)(pgm)
    },
  }
}

async function load(): Promise<(pgm: Uint8Array) => string> {
  const require = createRequire(import.meta.url)
  const data = require.resolve('@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz')
  const start: (options: object) => Promise<Tesseract> = require(`tesseract.js-core/${await flavour()}`)
  const [tesseract, english] = await Promise.all([start({ print() {}, printErr() {} }), readFile(data)])
  tesseract.FS.writeFile('eng.traineddata', gunzipSync(english))
  const api = new tesseract.TessBaseAPI()
  if (api.Init(null, 'eng', lstmOnly) !== 0) throw new Error('tesseract did not start')
  api.SetVariable('user_defined_dpi', String(ocrDpi))
  return (pgm) => {
    tesseract.FS.writeFile('/input', pgm)
    if (api.SetImageFile(1, 0) === 1) throw new Error('tesseract did not take the picture')
    api.Recognize(null)
    return api.GetTSVText(0)
  }
}

async function flavour(): Promise<string> {
  if (await relaxedSimd()) return 'tesseract-core-relaxedsimd-lstm'
  return (await simd()) ? 'tesseract-core-simd-lstm' : 'tesseract-core-lstm'
}

function encodePgm({ pixels, width, height }: Gray): Uint8Array {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels])
}

// Recognizes a picture that may be rotated, and takes the rotation that reads best.

/** Rotated text is recognized as many unlikely words; grain in photographs as few. */
const suspicious = 60
const manyWords = 20
const surely = 75

export interface Upright extends Recognized {
  /** Whether the boxes of words refer to the original rotation. */
  asGiven: boolean
}

export async function recognizeUpright(ocr: Ocr, picture: Gray, read: (tsv: string) => Recognized): Promise<Upright> {
  let best: Upright = { ...read(await ocr.recognize(picture)), asGiven: true }
  if (best.confidence >= suspicious || best.words.length < manyWords) return best
  let turned = picture
  for (let quarter = 1; quarter <= 3; quarter += 1) {
    turned = quarterTurn(turned)
    const found = read(await ocr.recognize(turned))
    if (found.confidence > best.confidence && found.text.length > best.text.length / 3)
      best = { ...found, asGiven: false }
    if (best.confidence >= surely) break
  }
  return best
}

/** Clockwise. */
function quarterTurn({ pixels, width, height }: Gray): Gray {
  const turned = new Uint8Array(pixels.length)
  let from = 0
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, from += 1) turned[x * height + (height - 1 - y)] = pixels[from] ?? 255
  }
  return { pixels: turned, width: height, height: width }
}

export interface Word {
  text: string
  /** In pixels of the recognized picture. */
  x: number
  y: number
  width: number
  height: number
  /** 0 to 100. */
  confidence: number
}

export interface Recognized {
  text: string
  words: Word[]
  /** Mean over the letters, 0 to 100; 0 without words. */
  confidence: number
}

/** Below this, the reader gets a warning. */
export const poorConfidence = 70
/** Specks and textures are recognized as words with a lower confidence than this. */
const noise = 25

interface Line {
  paragraph: string
  key: string
  words: Word[]
}

/** `tsv` is as from `tesseract … tsv`, with or without its header. */
export function readTsv(tsv: string): Recognized {
  return recognized(linesOf(tsv))
}

function linesOf(tsv: string): Line[] {
  const lines: Line[] = []
  for (const row of tsv.split('\n')) {
    const [level, , block, paragraph, line, , x, y, width, height, confidence, text = ''] = row.split('\t')
    if (level !== '5' || text.trim() === '' || Number(confidence) < noise) continue
    const key = `${block}.${paragraph}.${line}`
    let last = lines.at(-1)
    if (last?.key !== key) {
      last = { key, paragraph: `${block}.${paragraph}`, words: [] }
      lines.push(last)
    }
    last.words.push({
      text: text.trim(),
      x: Number(x),
      y: Number(y),
      width: Number(width),
      height: Number(height),
      confidence: Number(confidence),
    })
  }
  return lines
}

/** Grain in photographs looks like letters, so only likely lines with a word are kept. */
export function withoutGrain(tsv: string): Recognized {
  const good = linesOf(tsv).filter(({ words }) => meanConfidence(words) >= 50 && words.some(isWord))
  const sure = good.flatMap(({ words }) => words).filter((word) => isWord(word) && word.confidence >= 60)
  return recognized(sure.length === 0 ? [] : good)
}

function recognized(lines: Line[]): Recognized {
  const words = lines.flatMap((line) => line.words)
  return { text: textOf(lines), words, confidence: meanConfidence(words) }
}

function textOf(lines: Line[]): string {
  let text = ''
  let paragraph: string | undefined
  for (const line of lines) {
    const words = line.words.map((word) => word.text).join(' ')
    if (paragraph === undefined) text = words
    else if (line.paragraph !== paragraph) text += `\n\n${words}`
    // Joins a word that was split at the line end.
    else if (/\p{L}[-‐]$/u.test(text) && /^\p{Ll}/u.test(words)) text = text.slice(0, -1) + words
    else text += `\n${words}`
    paragraph = line.paragraph
  }
  return text
}

function meanConfidence(words: Word[]): number {
  const letters = words.reduce((sum, { text }) => sum + text.length, 0)
  const sum = words.reduce((total, { text, confidence }) => total + text.length * confidence, 0)
  return letters === 0 ? 0 : sum / letters
}

function isWord({ text }: Word): boolean {
  return (text.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= Math.max(2, text.length / 2)
}
