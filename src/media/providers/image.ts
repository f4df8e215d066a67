/**
 * Reads pictures: a copy for models with vision (upright, at most 1568 pixels a side, without metadata), and the text in it by
 * OCR for other models. Every picture is a page, so that a citation can open it.
 */

import sharp, { type OutputInfo, type Sharp } from 'sharp'
import type { Problem } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Drawn, Ending, Input, Provider, Sink } from '../provider.ts'
import type { Gray } from './gray.ts'
import { damaged, openPicture, type Picture } from './image-decode.ts'
import { poorConfidence, recognizeUpright, type Upright, withoutGrain } from './ocr.ts'
import { languageNames } from './ocr-languages.ts'
import { markWords } from './quote-marks.ts'
import { createOcr, type Ocr, ocrPixels } from './tesseract.ts'
import { provider as text } from './text.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    const picture = await openPicture(input, limits)
    for (const problem of picture.problems) sink.problem(problem)
    const of = Math.min(picture.pages, limits.pages)
    await sink.progress({ done: 0, of: picture.pages, unit: 'page' })
    const source = input.mediaType === 'image/svg+xml' ? await readSource(input, limits, sink) : undefined
    const legible = source?.words === true ? 0 : Math.min(of, limits.ocrPages ?? 20)
    const ocr = createOcr(sink)
    const reading = { picture, input, ocr, legible, of, sink, told: new Set<string>(), started: new Map() }
    const startedAt = performance.now()
    const unread: number[] = []
    const lost: number[] = []
    for (let page = 1; page <= of; page += 1) {
      if (page > 1) await sink.progress({ done: page - 1, of: picture.pages, unit: 'page' })
      if (!(await givePicture(reading, page))) {
        lost.push(page)
        reading.started.delete(page)
        continue
      }
      const late = performance.now() - startedAt > (limits.ocrSeconds ?? 120) * 1000
      if (late || page > (limits.ocrPages ?? 20)) unread.push(page)
      else if (source?.words !== true) await readText(reading, page)
    }
    if (lost.length === of && source?.words !== true) throw damaged(input.name)
    if (lost.length > 0) {
      const userMessage = fileWording.partlyDamaged.pictures(input.name, lost.length, picture.pages)
      sink.problem({ code: 'pages_damaged', userMessage })
    }
    if (unread.length > 0) {
      const userMessage = fileWording.ocr.picturesOverLimit(input.name, unread.length, picture.pages)
      sink.problem({ code: 'ocr_limit', userMessage })
    }
    return { pages: picture.pages, ...source?.ending, ...cut(input.name, picture.pages, of) }
  },

  async pages(input) {
    const picture = await openPicture(input, {})
    const ocr = createOcr()
    return {
      async render(page, { width, quote }) {
        if (page > picture.pages)
          throw new ParleyError('file_missing', fileWording.refusal.noSuchPage(page, picture.pages))
        const drawn = picture.open(page).resize({ width, height: tallest, fit: 'inside', withoutEnlargement: true })
        const { data, info } = await drawn.png().toBuffer({ resolveWithObject: true })
        const marks = quote === undefined ? [] : await markQuote(picture, page, ocr, quote)
        return { png: data, width: info.width, height: info.height, marks }
      },
    }
  },
}

const tallest = 6_000

interface Reading {
  picture: Picture
  input: Input
  ocr: Ocr
  /** Pages up to this one are recognized, time permitting. */
  legible: number
  of: number
  sink: Sink
  /** Codes of the problems that were reported, each once for all pages. */
  told: Set<string>
  /** Pages that are being recognized. */
  started: Map<number, Promise<Upright>>
}

/** False for a picture that cannot be decoded. */
async function givePicture({ picture, input, sink }: Reading, page: number): Promise<boolean> {
  const encoded = await encodeForModels(picture.open(page), input.mediaType).catch(() => undefined)
  if (encoded !== undefined) await sink.image({ ...encoded, at: { kind: 'page', page } })
  return encoded !== undefined
}

/** The next pages are recognized while this one is, where another process does it. */
function recognize({ picture, ocr, legible, started }: Reading, page: number): Promise<Upright> {
  const start = (at: number) => {
    const known = started.get(at) ?? toGray(picture.open(at)).then((gray) => recognizeUpright(ocr, gray, withoutGrain))
    known.catch(() => {})
    started.set(at, known)
    return known
  }
  const found = start(page)
  for (let next = page + 1; next <= legible && started.size < ocr.atOnce; next += 1) void start(next)
  return found.finally(() => started.delete(page))
}

async function readText(reading: Reading, page: number): Promise<void> {
  const { input, of, sink, told } = reading
  await sink.progress({ done: page, of, unit: 'page', by: 'ocr' })
  const found = await recognize(reading, page)
  await sink.segment(found.text, { kind: 'page', page })
  for (const problem of problemsOf(input.name, found)) {
    if (!told.has(problem.code)) sink.problem(problem)
    told.add(problem.code)
  }
}

function problemsOf(name: string, { text, confidence, unread, languages, unknownScript }: Upright): Problem[] {
  const words = fileWording.ocr
  const problems: Problem[] = []
  if (unknownScript !== undefined)
    problems.push({ code: 'ocr_script', userMessage: words.pictureScript(name, unknownScript) })
  if (unread > 0)
    problems.push({
      code: 'ocr_unread',
      userMessage: text === '' ? words.pictureUnreadable(name) : words.pictureUnread(name),
    })
  if (text === '') return problems
  problems.push(
    confidence < poorConfidence
      ? { code: 'ocr_unsure', userMessage: words.pictureUnsure(name) }
      : { code: 'read_by_ocr', userMessage: words.picture(name, languageNames(languages)) },
  )
  return problems
}

/** An SVG is also text with exact words, apart from the pictures inside it. */
async function readSource(input: Input, limits: Limits, sink: Sink): Promise<{ ending: Ending; words: boolean }> {
  const source = Buffer.from(input.bytes).toString('latin1')
  const lean = source.replace(/(data:[\w/+.-]+;base64,)[A-Za-z0-9+/=\s]{100,}/g, '$1')
  const ending = await text.read({ ...input, bytes: Buffer.from(lean, 'latin1') }, limits, sink)
  return { ending, words: /<text[\s>]/.test(lean) }
}

async function markQuote(picture: Picture, page: number, ocr: Ocr, quote: string) {
  const gray = await toGray(picture.open(page))
  const found = await recognizeUpright(ocr, gray, withoutGrain)
  return markWords(found.words, quote, gray)
}

function cut(name: string, pages: number, of: number): Ending {
  return pages > of ? { truncated: fileWording.partial.first(name, 'page', { done: of, of: pages }) } : {}
}

/** Models scale larger pictures down. */
const longestSide = 1568
/** A drawing stays sharp as PNG; a larger PNG is probably a photograph. */
const largestPng = 1.5e6
const drawings = new Set(['image/png', 'image/bmp', 'image/gif', 'image/svg+xml'])

/** Encodes a picture again for models. Metadata is dropped. */
async function encodeForModels(picture: Sharp, mediaType: string): Promise<Omit<Drawn, 'at'>> {
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
/** A page at about 220 dpi. */
const reducedAbove = 4.8e6
/** A long screenshot or receipt keeps its letters. */
const leastSide = 1_000

async function toGray(picture: Sharp): Promise<Gray> {
  const { width, height } = await picture.metadata()
  const enough = Math.sqrt(reducedAbove / (width * height))
  const legible = Math.min(leastSide / Math.min(width, height), Math.sqrt(ocrPixels / (width * height)))
  const side = Math.max(1, Math.round(Math.max(width, height) * Math.max(enough, legible)))
  const whole = await picture
    .greyscale()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
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
