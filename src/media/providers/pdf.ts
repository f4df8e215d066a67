/** Reads PDFs: the text layer page by page with PDFium, pages without one by OCR; and draws pictures of pages with marks on the words of a quote. */
import type { Problem } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Input, Provider, Sink } from '../provider.ts'
import { openPdf, type PdfDocument, rawText } from './pdf-document.ts'
import { drawPage } from './pdf-draw.ts'
import { markQuote } from './pdf-marks.ts'
import { createScans, type Scans } from './pdf-ocr.ts'
import { isGarbage, wantsOcr } from './pdf-scan.ts'
import { createScanMarks } from './pdf-scan-marks.ts'
import { textWithTables } from './pdf-tables.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    const document = await openPdf(input)
    const { pages } = document
    const of = Math.min(pages, limits.pages)
    await sink.progress({ done: 0, of: pages, unit: 'page' })
    const scans = createScans(document, limits, sink)
    const { blank, broken, stoppedAt } = await readPages(document, of, sink, scans)
    const tally = { pages, repaired: document.repaired, blank: blank + scans.empty(), broken }
    for (const problem of [...problemsOf(input, tally), ...scans.problems(of)]) sink.problem(problem)
    if (broken === (stoppedAt ?? of))
      throw new ParleyError(
        'file_damaged',
        `${input.name} is damaged: none of its pages can be read. Please export or save it again and share that.`,
      )
    return { pages, ...cut(input.name, pages, limits, stoppedAt) }
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
          throw new ParleyError(
            'file_missing',
            `There is no page ${page} to show: the file has ${count(document.pages, 'page')}.`,
          )
        }
        if (quote === undefined || image.marks.length > 0) return image
        return { ...image, marks: await markScan(page, quote) }
      },
    }
  },
}

async function readPages(document: PdfDocument, of: number, sink: Sink, scans: Scans) {
  let blank = 0
  let broken = 0
  for (let page = 1; page <= of; page += 1) {
    const found = readPage(document, page)
    const text = found?.scan === true ? await scanned(scans, found, () => countScans(document, page, of)) : found?.text
    if (text === undefined) broken += 1
    else if (text === '') blank += found?.scan === true ? 0 : 1
    else if (!(await sink.segment(text, { kind: 'page', page }))) return { blank, broken, stoppedAt: page - 1 }
    if (page % 10 === 0 || page === of) await sink.progress({ done: page, of: document.pages, unit: 'page' })
  }
  return { blank, broken, stoppedAt: undefined }
}

interface Found {
  page: number
  text: string
  /** The page shows more than its text layer tells. */
  scan: boolean
}

/** What was recognised, unless the layer says more: a stamp on a picture stands in both. */
async function scanned(scans: Scans, { page, text }: Found, remaining: () => number): Promise<string> {
  const recognized = await scans.read(page, remaining)
  return recognized.length >= text.length / 2 ? recognized : text
}

function countScans(document: PdfDocument, from: number, to: number): number {
  let scans = 0
  for (let page = from; page <= to; page += 1) if (readPage(document, page)?.scan === true) scans += 1
  return scans
}

/** Undefined for a page that cannot be had. PDFium traps on some damaged ones; what came before is still good. */
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

/** PDFium marks a hyphen at a line's end by U+FFFE or U+0002. */
const lineEndHyphen = '[\\uFFFE\\u0002]'
const partedWord = new RegExp(`(\\p{L})(?:${lineEndHyphen}|\\u00AD)\\n?(?=\\p{Ll})`, 'gu')
const authorsHyphen = new RegExp(`${lineEndHyphen}\\n?`, 'g')
/** From fonts without a proper table of characters. */
const controls = /[^\P{Cc}\t\n]/gu

/** Words parted at a line's end are put together again; before a capital or a digit the hyphen was the author's. */
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
    const tell = `${name} is damaged or was cut short: ${count(pages, 'page')} could be found, and more may be missing. Please check that it opens for you, and share it again.`
    problems.push({ code: 'file_damaged', tell })
  }
  if (broken > 0)
    problems.push({
      code: 'pages_damaged',
      tell: `${broken} of ${count(pages, 'page')} are damaged: they were not read.`,
    })
  if (blank > 0) {
    const tell =
      blank === pages
        ? `${pages === 1 ? 'The only page holds' : `None of the ${pages} pages holds`} text that could be read.`
        : `${blank} of ${pages} pages ${blank === 1 ? 'holds' : 'hold'} no text that could be read.`
    problems.push({ code: 'pages_without_text', tell })
  }
  return problems
}

function cut(name: string, pages: number, limits: Limits, stoppedAt: number | undefined): Pick<Ending, 'truncated'> {
  if (stoppedAt !== undefined) {
    const limit = limits.characters.toLocaleString('en')
    return {
      truncated: `Only the first ${stoppedAt} of ${pages} pages of ${name} were read: the limit is ${limit} characters.`,
    }
  }
  if (pages > limits.pages) {
    return { truncated: `Only the first ${limits.pages} of ${pages} pages of ${name} were read: that is the limit.` }
  }
  return {}
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
