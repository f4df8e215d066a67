/** A PDF opened by PDFium: pages by number, their text and character boxes. */
import { ParleyError } from '../../core/errors.ts'
import type { Input } from '../provider.ts'
import { loadPdfium, type Pdfium, viewOf, withMemory } from './pdfium.ts'

export interface PdfDocument {
  pdfium: Pdfium
  pages: number
  /** The file is cut short, or its table of contents for programs is broken: PDFium pieced it together. */
  repaired: boolean
  /** Runs `use` with the page, which it closes after. Undefined when the page cannot be loaded. `page` is 1-based. */
  withPage<Result>(page: number, use: (handle: number) => Result): Result | undefined
}

const passwordError = 4
const securityError = 5

/** Throws `file_encrypted` or `file_damaged`. */
export async function openPdf({ bytes, name }: Input): Promise<PdfDocument> {
  const pdfium = await loadPdfium()
  const pointer = pdfium.wasmExports.malloc(bytes.length)
  if (pointer === 0) throw new RangeError('PDFium is out of memory')
  // Never freed: the document reads from it until the process ends.
  pdfium.HEAPU8.set(bytes, pointer)
  const document = pdfium._FPDF_LoadMemDocument(pointer, bytes.length, 0)
  if (document === 0) throw refusal(pdfium._FPDF_GetLastError(), bytes, name)
  const pages = pdfium._FPDF_GetPageCount(document)
  if (pages === 0) throw damaged(name)
  return {
    pdfium,
    pages,
    repaired: pdfium._FPDF_DocumentHasValidCrossReferenceTable(document) === 0 || !endsProperly(bytes),
    withPage(page, use) {
      const handle = pdfium._FPDF_LoadPage(document, page - 1)
      if (handle === 0) return undefined
      const shown = flattened(pdfium, document, page - 1, handle)
      try {
        return use(shown)
      } finally {
        pdfium._FPDF_ClosePage(shown)
      }
    },
  }
}

/** Characters as PDFium numbers them, in UTF-16; its index is what boxes are asked by. */
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
  return (
    withText(pdfium, page, (text, count) => {
      if (count === 0) return ''
      return withMemory(pdfium, (count + 1) * 2, (into) => {
        const written = pdfium._FPDFText_GetText(text, 0, count, into)
        const { buffer, byteOffset } = viewOf(pdfium, into, Math.max(0, written - 1) * 2)
        return new TextDecoder('utf-16le').decode(new Uint8Array(buffer, byteOffset, Math.max(0, written - 1) * 2))
      })
    }) ?? ''
  )
}

const freeText = 3
const widget = 20

/** What was typed into form fields and onto the page is part of it only once flattened; the page must be loaded anew. */
function flattened(pdfium: Pdfium, document: number, index: number, page: number): number {
  const annotations = Math.min(pdfium._FPDFPage_GetAnnotCount(page), 2_000)
  for (let i = 0; i < annotations; i += 1) {
    const annotation = pdfium._FPDFPage_GetAnnot(page, i)
    if (annotation === 0) continue
    const subtype = pdfium._FPDFAnnot_GetSubtype(annotation)
    pdfium._FPDFPage_CloseAnnot(annotation)
    if (subtype !== widget && subtype !== freeText) continue
    giveAppearances(pdfium, page)
    if (pdfium._FPDFPage_Flatten(page, 0) === 0) return page
    pdfium._FPDF_ClosePage(page)
    const again = pdfium._FPDF_LoadPage(document, index)
    if (again === 0) throw new Error('a flattened page cannot be loaded')
    return again
  }
  return page
}

/** Many programs leave drawing a field's value to the viewer; PDFium does it when it first draws the page's annotations. */
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
    const tell = `${name} is protected by a password, so it cannot be read. Please share a copy without the password.`
    return new ParleyError('file_encrypted', tell)
  }
  if (!endsProperly(bytes)) return damaged(name)
  return new ParleyError(
    'file_damaged',
    `${name} is damaged: no page of it can be read. Please export or save it again and share that.`,
  )
}

function damaged(name: string): ParleyError {
  const tell = `${name} is damaged or was cut short: no page of it can be read. Please check that it opens for you, and share it again.`
  return new ParleyError('file_damaged', tell)
}

/** A whole PDF says so in its last bytes; some programs add a little after it. */
function endsProperly(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(-2_048).includes('%%EOF')
}
