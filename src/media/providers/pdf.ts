/** Reads PDFs: the text layer page by page with PDFium, pages without one by OCR; and draws pictures of pages with marks on the words of a quote. */
import type { Problem } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Input, Provider, Sink } from '../provider.ts'
import { damaged, openPdf, type PdfDocument, rawText, withNewTables } from './pdf-document.ts'
import { drawPage } from './pdf-draw.ts'
import { readExtras } from './pdf-extras.ts'
import { createScanMarks, createScans, isGarbage, type Scans, wantsOcr } from './pdf-scan.ts'
import { textWithTables } from './pdf-tables.ts'
import { openWithPdfjs, type PdfjsFile, xfaPages } from './pdfjs.ts'
import { markQuote } from './quote-marks.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    const opened = await openAnyhow(input)
    if ('other' in opened) return readTexts(input, limits, sink, opened)
    const { document } = opened
    if (document.xfa) {
      const form = await openWithPdfjs(input.bytes).catch(() => undefined)
      const pages = form?.document.isPureXfa === true ? xfaPages(form.document.allXfaHtml) : []
      if (pages.some((text) => text !== '')) return readXfa(input, limits, sink, pages)
      sink.problem({
        code: 'form_unsupported',
        userMessage: fileWording.notice.xfaForm(input.name),
      })
    }
    const { pages } = document
    const of = Math.min(pages, limits.pages)
    await sink.progress({ done: 0, of: pages, unit: 'page' })
    const scans = createScans(document, limits, sink)
    const { blank, lost, stoppedAt } = await readPages(document, of, sink, scans)
    const broken = lost.length === 0 ? 0 : await readLost(input, lost, sink)
    const tally = { pages, repaired: document.repaired, blank: blank + scans.empty(), broken }
    for (const problem of [...problemsOf(input, tally), ...scans.problems(of)]) sink.problem(problem)
    if (broken === (stoppedAt ?? of)) throw new ParleyError('file_damaged', fileWording.damaged.allPages(input.name))
    const ending = { pages, ...cut(input.name, pages, limits, stoppedAt) }
    if (stoppedAt !== undefined) return ending
    const left = await readExtras(input, document, limits, sink)
    return left === undefined ? ending : { ...ending, truncated: [ending.truncated, left].filter(Boolean).join(' ') }
  },
  async pages(input) {
    const document = await openPdf(input)
    const markScan = createScanMarks(document)
    return {
      async render(page, { width, quote }) {
        const image = document.withPage(page, (handle) => ({
          ...drawPage(document.pdfium, handle, width),
          marks: quote === undefined ? [] : markQuote(document.pdfium, handle, quote.replaceAll('|', ' ')),
        }))
        if (image === undefined) {
          throw new ParleyError('file_missing', fileWording.refusal.noSuchPage(page, document.pages))
        }
        if (quote === undefined || image.marks.length > 0) return image
        return { ...image, marks: await markScan(page, quote) }
      },
    }
  },
}

type Opened = { document: PdfDocument } | { other: PdfjsFile; pages: number }

/**
 * If PDFium cannot open a file, tries it with new tables and with pdf.js, and takes the one that finds more pages. Throws PDFium's
 * error when nothing opens it.
 */
async function openAnyhow(input: Input): Promise<Opened> {
  try {
    return { document: await openPdf(input) }
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== 'file_damaged') throw error
    const [rescued, other] = await Promise.all([rescue(input), openWithPdfjs(input.bytes).catch(() => undefined)])
    const pages = other?.document.numPages ?? 0
    if (rescued !== undefined && rescued.pages >= pages) return { document: rescued }
    if (other !== undefined && pages > 0) return { other, pages }
    throw error
  }
}

async function rescue(input: Input): Promise<PdfDocument | undefined> {
  const bytes = withNewTables(input.bytes)
  if (bytes === undefined) return undefined
  const document = await openPdf({ ...input, bytes }).catch(() => undefined)
  return document && { ...document, repaired: true }
}

/** A damaged file that only pdf.js can open: its text layer, without tables and OCR. */
async function readTexts(
  input: Input,
  limits: Limits,
  sink: Sink,
  { other, pages }: { other: PdfjsFile; pages: number },
): Promise<Ending> {
  const of = Math.min(pages, limits.pages)
  let blank = 0
  let broken = 0
  let stoppedAt: number | undefined
  for (let page = 1; page <= of && stoppedAt === undefined; page += 1) {
    const text = await other.text(page).then(plainText, () => undefined)
    if (text === undefined) broken += 1
    else if (text === '') blank += 1
    else if (!(await sink.segment(text, { kind: 'page', page }))) stoppedAt = page - 1
    if (page % 10 === 0 || page === of) await sink.progress({ done: page, of: pages, unit: 'page' })
  }
  if (blank + broken === of) throw damaged(input.name)
  for (const problem of problemsOf(input, { pages, repaired: true, blank, broken })) sink.problem(problem)
  return { pages, ...cut(input.name, pages, limits, stoppedAt) }
}

async function readXfa(input: Input, limits: Limits, sink: Sink, texts: string[]): Promise<Ending> {
  const pages = texts.length
  for (const [index, text] of texts.slice(0, limits.pages).entries()) {
    const taken = text === '' || (await sink.segment(text, { kind: 'page', page: index + 1 }))
    if (!taken) return { pages, ...cut(input.name, pages, limits, index) }
  }
  return { pages, ...cut(input.name, pages, limits, undefined) }
}

async function readPages(document: PdfDocument, of: number, sink: Sink, scans: Scans) {
  let blank = 0
  const lost: number[] = []
  for (let page = 1; page <= of; page += 1) {
    const found = readPage(document, page)
    const text = found?.scan === true ? await scanned(scans, found, () => countScans(document, page, of)) : found?.text
    if (text === undefined) lost.push(page)
    else if (text === '') blank += found?.scan === true ? 0 : 1
    else if (!(await sink.segment(text, { kind: 'page', page }))) return { blank, lost, stoppedAt: page - 1 }
    if (page % 10 === 0 || page === of) await sink.progress({ done: page, of: document.pages, unit: 'page' })
  }
  return { blank, lost, stoppedAt: undefined }
}

/** Pages that PDFium cannot read, by pdf.js. Counts those that it cannot read either. */
async function readLost(input: Input, lost: number[], sink: Sink): Promise<number> {
  const other = await openWithPdfjs(input.bytes).catch(() => undefined)
  let broken = 0
  for (const page of lost) {
    const text = await other?.text(page).then(plainText, () => undefined)
    if (!text || !(await sink.segment(text, { kind: 'page', page }))) broken += 1
  }
  return broken
}

interface Found {
  page: number
  text: string
  /** The page shows more than its text layer contains. */
  scan: boolean
}

/** The recognized text, unless the text layer has more. */
async function scanned(scans: Scans, { page, text }: Found, remaining: () => number): Promise<string> {
  const recognized = await scans.read(page, remaining)
  return recognized.length >= text.length / 2 ? recognized : text
}

function countScans(document: PdfDocument, from: number, to: number): number {
  let scans = 0
  for (let page = from; page <= to; page += 1) if (readPage(document, page)?.scan === true) scans += 1
  return scans
}

/** Undefined for an unreadable page. PDFium traps on some damaged pages; earlier pages are still good. */
function readPage({ pdfium, withPage }: PdfDocument, page: number): Found | undefined {
  try {
    return withPage(page, (handle) => {
      const raw = rawText(pdfium, handle)
      return {
        page,
        text: isGarbage(raw) ? '' : (textWithTables(pdfium, handle, plainText) ?? plainText(raw)),
        scan: wantsOcr(pdfium, handle, raw),
      }
    })
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  }
}

/** PDFium marks a line-end hyphen as U+FFFE or U+0002. */
const lineEndHyphen = '[\\uFFFE\\u0002]'
const partedWord = new RegExp(`(\\p{L})(?:${lineEndHyphen}|\\u00AD)\\n?(?=\\p{Ll})`, 'gu')
const authorsHyphen = new RegExp(`${lineEndHyphen}\\n?`, 'g')
/** Control characters from fonts with broken character tables. */
const controls = /[^\P{Cc}\t\n]/gu

/** Joins words split at line ends. Before a capital or a digit, the hyphen belongs to the text. */
export function plainText(raw: string): string {
  return raw
    .replace(/\r\n?/g, '\n')
    .replace(partedWord, '$1')
    .replace(authorsHyphen, '-')
    .replace(/\u00AD/g, '')
    .replace(controls, '')
    .replace(/[^\S\n]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

interface Tally {
  pages: number
  repaired: boolean
  blank: number
  broken: number
}

function problemsOf({ name }: Input, { pages, repaired, blank, broken }: Tally): Problem[] {
  const problems: Problem[] = []
  if (repaired) {
    problems.push({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.foundPages(name, pages) })
  }
  if (broken > 0)
    problems.push({
      code: 'pages_damaged',
      userMessage: fileWording.partlyDamaged.pages(broken, pages),
    })
  if (blank > 0) {
    const userMessage = fileWording.notice.noText(blank, pages)
    problems.push({ code: 'pages_without_text', userMessage })
  }
  return problems
}

function cut(name: string, pages: number, limits: Limits, stoppedAt: number | undefined): Pick<Ending, 'truncated'> {
  if (stoppedAt !== undefined) {
    const read = { done: stoppedAt, of: pages, characters: limits.characters }
    return { truncated: fileWording.partial.first(name, 'page', read) }
  }
  if (pages <= limits.pages) return {}
  return { truncated: fileWording.partial.first(name, 'page', { done: limits.pages, of: pages }) }
}
