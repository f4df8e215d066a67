/** Reads PDFs: the text layer page by page with PDFium, pages without one by OCR; and draws pictures of pages with marks on the words of a quote. */
import type { Problem } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Input, Provider, Sink } from '../provider.ts'
import { damaged, openPdf, type PdfDocument, withNewTables } from './pdf-document.ts'
import { drawPage } from './pdf-draw.ts'
import { objectsOf } from './pdf-objects.ts'
import { type PagePicture, picturesOn, readPictures } from './pdf-pictures.ts'
import { createScanMarks, createScans, isGarbage, type Scans, wantsOcr } from './pdf-scan.ts'
import { plainText, textOf } from './pdf-text.ts'
import { openWithPdfjs, type PdfjsFile } from './pdfjs.ts'
import { markQuote } from './quote-marks.ts'

export const provider: Provider = {
  async read(input, limits, given) {
    const opened = await openAnyhow(input)
    const sink = withPages(given)
    if ('other' in opened) return readTexts(input, limits, sink, opened)
    const { document } = opened
    // Most files need neither this nor the extras, and both load the parsers of other formats.
    if (document.xfa) return (await import('./pdf-xfa.ts')).readXfaForm(input, document, limits, sink)
    const { pages } = document
    const of = Math.min(pages, limits.pages)
    await sink.progress({ done: 0, of: pages, unit: 'page' })
    const scans = createScans(document, limits, sink)
    const { lost, pictures, stoppedAt } = await readPages(document, of, sink, scans)
    const broken = await readLost(input, lost, sink)
    if (broken.length === (stoppedAt ?? of))
      throw new ParleyError('file_damaged', fileWording.damaged.allPages(input.name))
    const left: (string | undefined)[] = [cut(input.name, pages, limits, stoppedAt)]
    if (stoppedAt === undefined) {
      left.push(await readPictures(input, { document, pictures, scans }, limits, sink))
      if (document.annotated.size > 0 || document.attachments > 0) {
        const { extrasOf, readExtras } = await import('./pdf-extras.ts')
        left.push(await readExtras(input, extrasOf(document), limits, sink))
      }
    }
    const blank = sink.without(stoppedAt ?? of, [...broken, ...scans.explained()])
    const tally = { pages, repaired: document.repaired, blank, broken: broken.length }
    for (const problem of [...problemsOf(input, tally), ...scans.problems(of)]) sink.problem(problem)
    return { pages, ...truncated(left) }
  },
  async pages(input) {
    const document = await openPdf(input)
    const markScan = createScanMarks(document)
    return {
      async render(page, { width, quote }) {
        const image = document.withPage(page, (handle) => ({
          ...drawPage(document.pdfium, handle, width),
          marks: quote === undefined ? [] : markQuote(document.pdfium, handle, quote.replace(/[|^~]/g, ' ')),
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

/** A damaged file that only pdf.js can open: its text layer without tables and OCR, then its forms, notes and files. */
async function readTexts(
  input: Input,
  limits: Limits,
  sink: PageSink,
  { other, pages }: { other: PdfjsFile; pages: number },
): Promise<Ending> {
  const of = Math.min(pages, limits.pages)
  const broken: number[] = []
  let stoppedAt: number | undefined
  for (let page = 1; page <= of && stoppedAt === undefined; page += 1) {
    const text = await other.text(page).then(plainText, () => undefined)
    if (text === undefined) broken.push(page)
    else if (text !== '' && !(await sink.segment(text, { kind: 'page', page }))) stoppedAt = page - 1
    if (page % 10 === 0 || page === of) await sink.progress({ done: page, of: pages, unit: 'page' })
  }
  const left: (string | undefined)[] = [cut(input.name, pages, limits, stoppedAt)]
  if (stoppedAt === undefined) {
    const { allExtras, readExtras } = await import('./pdf-extras.ts')
    left.push(await readExtras(input, allExtras(other, of), limits, sink))
  }
  const blank = sink.without(stoppedAt ?? of, broken)
  if (blank + broken.length === of) throw damaged(input.name)
  for (const problem of problemsOf(input, { pages, repaired: true, blank, broken: broken.length }))
    sink.problem(problem)
  return { pages, ...truncated(left) }
}

interface PageSink extends Sink {
  /** How many of the pages up to `last` have no text, without the `excepted` ones. */
  without(last: number, excepted: readonly number[]): number
}

function withPages(sink: Sink): PageSink {
  const given = new Set<number>()
  return {
    ...sink,
    async segment(text, at) {
      const taken = await sink.segment(text, at)
      if (taken && at.kind === 'page' && at.inner === undefined && text.trim() !== '') given.add(at.page)
      return taken
    },
    without(last, excepted) {
      const known = new Set([...given, ...excepted])
      return last - [...known].filter((page) => page <= last).length
    },
  }
}

async function readPages(document: PdfDocument, of: number, sink: Sink, scans: Scans) {
  const lost: number[] = []
  const pictures: PagePicture[] = []
  for (let page = 1; page <= of; page += 1) {
    const found = readPage(document, page)
    const text = found?.scan === true ? await scanned(scans, found, () => countScans(document, page, of)) : found?.text
    if (text === undefined) lost.push(page)
    else if (text !== '' && !(await sink.segment(text, { kind: 'page', page })))
      return { lost, pictures, stoppedAt: page - 1 }
    pictures.push(...(found?.pictures ?? []))
    if (page % 10 === 0 || page === of) await sink.progress({ done: page, of: document.pages, unit: 'page' })
  }
  return { lost, pictures, stoppedAt: undefined }
}

/** Reads with pdf.js the pages that PDFium cannot read. Returns those that pdf.js cannot read either. */
async function readLost(input: Input, lost: number[], sink: Sink): Promise<number[]> {
  if (lost.length === 0) return []
  const other = await openWithPdfjs(input.bytes).catch(() => undefined)
  const broken: number[] = []
  for (const page of lost) {
    const text = await other?.text(page).then(plainText, () => undefined)
    if (!text || !(await sink.segment(text, { kind: 'page', page }))) broken.push(page)
  }
  return broken
}

interface Found {
  page: number
  text: string
  /** The page shows more than its text layer contains. */
  scan: boolean
  /** Empty for a scan. */
  pictures: PagePicture[]
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
      const objects = objectsOf(pdfium, handle)
      const { raw, text } = textOf(pdfium, handle, objects)
      const scan = wantsOcr(pdfium, handle, raw)
      const pictures = scan ? [] : picturesOn(pdfium, handle, page, objects.pictures)
      return { page, text: isGarbage(raw) ? '' : text, scan, pictures }
    })
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  }
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

function cut(name: string, pages: number, limits: Limits, stoppedAt: number | undefined): string | undefined {
  if (stoppedAt !== undefined)
    return fileWording.partial.first(name, 'page', { done: stoppedAt, of: pages, characters: limits.characters })
  return pages <= limits.pages ? undefined : fileWording.partial.first(name, 'page', { done: limits.pages, of: pages })
}

function truncated(sentences: readonly (string | undefined)[]): Pick<Ending, 'truncated'> {
  const said = sentences.filter((sentence) => sentence !== undefined)
  return said.length === 0 ? {} : { truncated: said.join(' ') }
}
