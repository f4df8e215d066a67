/** A PDF opened by PDFium: pages by number, their text and character boxes. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Input } from '../provider.ts'
import { loadPdfium, type Pdfium, viewOf, withMemory } from './pdfium.ts'

export interface PdfDocument {
  pdfium: Pdfium
  pages: number
  /** The file is incomplete or its cross-reference table is broken, and PDFium repaired it. */
  repaired: boolean
  /** An Adobe XFA form. The pages that PDFium sees only say "Please wait". */
  xfa: boolean
  /** One part of such a form. */
  xfaPart(name: string): Uint8Array | undefined
  /** Attached files, without those in notes. */
  attachments: number
  /** Pages seen so far with form fields, notes or marks. */
  annotated: Set<number>
  /** Runs `use` with the page and closes it. Undefined when the page cannot be loaded. `page` is 1-based. */
  withPage<Result>(page: number, use: (handle: number) => Result): Result | undefined
}

const passwordError = 4
const securityError = 5

/** Throws `file_encrypted` or `file_damaged`. */
export async function openPdf(input: Input): Promise<PdfDocument> {
  try {
    return await open(input)
  } catch (error) {
    // PDFium traps on some damaged files.
    throw error instanceof WebAssembly.RuntimeError ? damaged(input.name) : error
  }
}

async function open({ bytes: given, name }: Input): Promise<PdfDocument> {
  const pdfium = await loadPdfium()
  const bytes = withHeader(given)
  const pointer = pdfium.wasmExports.malloc(bytes.length)
  if (pointer === 0) throw new RangeError('PDFium is out of memory')
  // Never freed: the document reads from it until the process ends.
  pdfium.HEAPU8.set(bytes, pointer)
  const document = pdfium._FPDF_LoadMemDocument(pointer, bytes.length, 0)
  if (document === 0) throw refusal(pdfium._FPDF_GetLastError(), bytes, name)
  const pages = pdfium._FPDF_GetPageCount(document)
  if (pages === 0) throw damaged(name)
  const annotated = new Set<number>()
  return {
    pdfium,
    pages,
    xfa: pdfium._FPDF_GetFormType(document) === fullXfa,
    xfaPart: (wanted) => xfaPart(pdfium, document, wanted),
    attachments: pdfium._FPDFDoc_GetAttachmentCount(document),
    annotated,
    repaired: pdfium._FPDF_DocumentHasValidCrossReferenceTable(document) === 0 || !endsProperly(bytes),
    withPage(page, use) {
      const handle = pdfium._FPDF_LoadPage(document, page - 1)
      if (handle === 0) return undefined
      const found = subtypesOf(pdfium, handle)
      if (found.some((subtype) => tellsMore.has(subtype))) annotated.add(page)
      const shown = found.some(isDrawnByViewer) ? flattened(pdfium, document, page - 1, handle) : handle
      try {
        return use(shown)
      } finally {
        pdfium._FPDF_ClosePage(shown)
      }
    },
  }
}

/** Parts and bytes of a form; real ones have about ten parts. */
const mostParts = 100
const largestPart = 20e6

function xfaPart(pdfium: Pdfium, document: number, wanted: string): Uint8Array | undefined {
  const count = Math.min(mostParts, pdfium._FPDF_GetXFAPacketCount(document))
  const content = (read: (into: number, size: number) => number): Uint8Array => {
    const size = read(0, 0)
    if (size <= 0 || size > largestPart) return new Uint8Array()
    return withMemory(pdfium, size, (into) => {
      read(into, size)
      return pdfium.HEAPU8.slice(into, into + size)
    })
  }
  for (let index = 0; index < count; index += 1) {
    const name = content((into, size) => pdfium._FPDF_GetXFAPacketName(document, index, into, size))
    if (Buffer.from(name).toString('latin1').replace(/\0$/, '') !== wanted) continue
    return withMemory(pdfium, 4, (written) =>
      content((into, size) => {
        if (pdfium._FPDF_GetXFAPacketContent(document, index, into, size, written) === 0) return 0
        return viewOf(pdfium, written, 4).getUint32(0, true)
      }),
    )
  }
  return undefined
}

/** Characters as PDFium numbers them, in UTF-16. The index is also used for boxes. */
export function withText<Result>(
  pdfium: Pdfium,
  page: number,
  use: (text: number, count: number) => Result,
): Result | undefined {
  const text = pdfium._FPDFText_LoadPage(page)
  if (text === 0) return undefined
  try {
    return use(text, Math.max(0, pdfium._FPDFText_CountChars(text)))
  } finally {
    pdfium._FPDFText_ClosePage(text)
  }
}

/** The page's text as PDFium lays it out: lines end in CR LF. */
export function rawText(pdfium: Pdfium, page: number): string {
  return withText(pdfium, page, (text, count) => rawTextOf(pdfium, text, count)) ?? ''
}

export function rawTextOf(pdfium: Pdfium, text: number, count: number): string {
  if (count === 0) return ''
  return withMemory(pdfium, (count + 1) * 2, (into) => {
    const written = pdfium._FPDFText_GetText(text, 0, count, into)
    const { buffer, byteOffset } = viewOf(pdfium, into, Math.max(0, written - 1) * 2)
    return new TextDecoder('utf-16le').decode(new Uint8Array(buffer, byteOffset, Math.max(0, written - 1) * 2))
  })
}

/** The words within a box, in points from the page's lower left corner. */
export function textWithin(
  pdfium: Pdfium,
  page: number,
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
): string {
  const found = withText(pdfium, page, (text) => {
    const units = pdfium._FPDFText_GetBoundedText(text, left, top, right, bottom, 0, 0)
    if (units <= 0) return ''
    return withMemory(pdfium, units * 2, (into) => {
      pdfium._FPDFText_GetBoundedText(text, left, top, right, bottom, into, units)
      const { buffer, byteOffset } = viewOf(pdfium, into, units * 2)
      return new TextDecoder('utf-16le').decode(new Uint8Array(buffer, byteOffset, units * 2)).replace(/\0/g, '')
    })
  })
  return found ?? ''
}

/** Numbers of PDFium: `FORMTYPE_XFA_FULL`, and annotations from fpdf_annot.h. */
const fullXfa = 2
const freeText = 3
const widget = 20
/** Notes, marks on words and drawings (1, 4 to 15), attached files, fields. Links, and what is typed on the page, are not among them. */
const tellsMore = new Set([1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, widget])

function subtypesOf(pdfium: Pdfium, page: number): number[] {
  const count = Math.min(pdfium._FPDFPage_GetAnnotCount(page), 2_000)
  return Array.from({ length: count }, (_, index) => {
    const annotation = pdfium._FPDFPage_GetAnnot(page, index)
    if (annotation === 0) return 0
    const subtype = pdfium._FPDFAnnot_GetSubtype(annotation)
    pdfium._FPDFPage_CloseAnnot(annotation)
    return subtype
  })
}

/** What was typed into form fields and onto the page is part of it only once flattened. */
function isDrawnByViewer(subtype: number): boolean {
  return subtype === widget || subtype === freeText
}

/** Flattening requires loading the page again. */
function flattened(pdfium: Pdfium, document: number, index: number, page: number): number {
  giveAppearances(pdfium, page)
  if (pdfium._FPDFPage_Flatten(page, 0) === 0) return page
  pdfium._FPDF_ClosePage(page)
  const again = pdfium._FPDF_LoadPage(document, index)
  if (again === 0) throw new Error('a flattened page cannot be loaded')
  return again
}

/** Many programs leave drawing a field's value to the viewer. PDFium does so when it first draws the annotations. */
function giveAppearances(pdfium: Pdfium, page: number): void {
  withMemory(pdfium, 4, (pixel) => {
    const bitmap = pdfium._FPDFBitmap_CreateEx(1, 1, 3, pixel, 4)
    if (bitmap === 0) return
    pdfium._FPDF_RenderPageBitmap(bitmap, page, 0, 0, 1, 1, 0, 1)
    pdfium._FPDFBitmap_Destroy(bitmap)
  })
}

function refusal(error: number, bytes: Uint8Array, name: string): ParleyError {
  if (error === passwordError || error === securityError) {
    return new ParleyError('file_encrypted', fileWording.refusal.encrypted(name))
  }
  if (!endsProperly(bytes)) return damaged(name)
  return new ParleyError('file_damaged', fileWording.damaged.allPages(name))
}

export function damaged(name: string): ParleyError {
  return new ParleyError('file_damaged', fileWording.damaged.pages(name))
}

/** A complete PDF has an end mark in its last bytes; some programs add a little after it. */
function endsProperly(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(-2_048).includes('%%EOF')
}

/** PDFium looks for the header in so many bytes. */
const headerWithin = 1_024
/** The text before a PDF in an email or a dump is shorter. */
const longestJunk = 64 * 1024

/** A file without a header gets one, and longer junk before it is left out. */
function withHeader(bytes: Uint8Array): Uint8Array {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, longestJunk))
  const at = start.indexOf('%PDF')
  if (at >= headerWithin) return bytes.subarray(at)
  return at >= 0 ? bytes : Buffer.concat([Buffer.from('%PDF-1.7\n'), bytes])
}

/** New tables for a PDF that lost its own, so that what is left of it can be opened. Pure. */

/**
 * A file that was cut short has lost its tables: which pages there are, and where each object begins. Writes new ones behind
 * what is left, from the objects that are found. Undefined when no page is: then they are compressed.
 */
export function withNewTables(bytes: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const offsets = new Map<number, number>()
  const pages = new Set<number>()
  for (const { 1: number = '', index } of text.matchAll(/(?<=^|[\s>])(\d{1,7})\s+\d{1,5}\s+obj\b/g)) {
    const dictionary = text.slice(index, index + 4_000).split(/\bendobj\b|\bstream\b/, 1)[0] ?? ''
    offsets.set(Number(number), index)
    if (/\/Type\s*\/Page\b/.test(dictionary)) pages.add(Number(number))
  }
  if (pages.size === 0) return undefined
  const list = Math.max(...offsets.keys()) + 1
  const kids = [...pages].map((page) => `${page} 0 R`).join(' ')
  const parts = ['\nendstream\nendobj\n', `${list} 0 obj\n<</Type/Pages/Count ${pages.size}/Kids[${kids}]>>\nendobj\n`]
  offsets.set(list, bytes.length + (parts[0]?.length ?? 0))
  offsets.set(list + 1, bytes.length + parts.join('').length)
  parts.push(`${list + 1} 0 obj\n<</Type/Catalog/Pages ${list} 0 R>>\nendobj\n`)
  const start = bytes.length + parts.join('').length
  const rows = [...offsets].toSorted(([one], [other]) => one - other)
  parts.push('xref\n0 1\n0000000000 65535 f \n')
  for (const [number, offset] of rows) parts.push(`${number} 1\n${String(offset).padStart(10, '0')} 00000 n \n`)
  parts.push(`trailer\n<</Root ${list + 1} 0 R/Size ${list + 2}>>\nstartxref\n${start}\n%%EOF\n`)
  return Buffer.concat([bytes, Buffer.from(parts.join(''), 'latin1')])
}
