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
import { damaged, openPicture, type Picture } from './image-decode.ts'
import { createOcr, type Gray, type Ocr, poorConfidence, recognizeUpright, withoutGrain } from './ocr.ts'
import { markWords } from './quote-marks.ts'
import { provider as text } from './text.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    await sink.progress({ done: 0, of: 1, unit: 'page' })
    const picture = await openPicture(input, limits)
    for (const problem of picture.problems) sink.problem(problem)
    const of = Math.min(picture.pages, limits.pages)
    const source = input.mediaType === 'image/svg+xml' ? await readSource(input, limits, sink) : undefined
    const reading = { picture, input, ocr: createOcr(sink), of, sink }
    const startedAt = performance.now()
    const unread: number[] = []
    const lost: number[] = []
    for (let page = 1; page <= of; page += 1) {
      if (!(await givePicture(reading, page))) {
        lost.push(page)
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
  of: number
  sink: Sink
}

/** False for a picture that cannot be decoded. */
async function givePicture({ picture, input, sink }: Reading, page: number): Promise<boolean> {
  const encoded = await encodeForModels(picture.open(page), input.mediaType).catch(() => undefined)
  if (encoded !== undefined) await sink.image({ ...encoded, at: { kind: 'page', page } })
  return encoded !== undefined
}

async function readText({ picture, input, ocr, of, sink }: Reading, page: number): Promise<void> {
  await sink.progress({ done: page, of, unit: 'page', by: 'ocr' })
  const { text, confidence } = await recognizeUpright(ocr, await toGray(picture.open(page)), withoutGrain)
  await sink.segment(text, { kind: 'page', page })
  if (text === '') return
  const problem: Problem =
    confidence < poorConfidence
      ? {
          code: 'ocr_unsure',
          userMessage: fileWording.ocr.pictureUnsure(input.name),
        }
      : { code: 'read_by_ocr', userMessage: fileWording.ocr.picture(input.name) }
  if (page === 1 || problem.code === 'ocr_unsure') sink.problem(problem)
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
  return found.asGiven ? markWords(found.words, quote, gray) : []
}

function cut(name: string, pages: number, of: number): Ending {
  return pages > of ? { truncated: fileWording.partial.first(name, 'page', { done: of, of: pages }) } : {}
}

/** Models scale larger pictures down. */
const longestSide = 1568
/** A drawing stays sharp as PNG; a larger PNG is probably a photograph. */
const largestPng = 1.5e6
const drawings = new Set(['image/png', 'image/gif', 'image/svg+xml'])

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
const reducedAbove = 2_600

async function toGray(picture: Sharp): Promise<Gray> {
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
