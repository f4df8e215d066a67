/**
 * The second PDF parser: pdf.js, bundled with pdf-parse. PDFium reads pages ten times as fast; pdf.js is used for
 * what PDFium does not provide (form fields, notes, attached files, XFA forms) and for files that PDFium cannot open.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The part of pdf.js's document that is used. */
interface PdfjsDocument {
  numPages: number
  /** The form is pure XFA; `allXfaHtml` is its tree. */
  isPureXfa: boolean
  allXfaHtml: unknown
  getPage(page: number): Promise<{
    getAnnotations(): Promise<unknown>
    getTextContent(): Promise<{ items: unknown[] }>
  }>
  getAttachments(): Promise<unknown>
}

export interface PdfjsFile {
  document: PdfjsDocument
  /** The text of a page, in the order of the file. Throws for a page that is damaged. */
  text(page: number): Promise<string>
}

/** Throws when pdf.js cannot open the file either. `bytes` are not changed. */
export async function openWithPdfjs(bytes: Uint8Array): Promise<PdfjsFile> {
  const { PDFParse, VerbosityLevel } = await load()
  const parser = new PDFParse({
    // pdf.js takes ownership of the memory.
    data: bytes.slice(),
    // Its warnings may quote the file.
    verbosity: VerbosityLevel.ERRORS,
    // Without these tables Chinese, Japanese and Korean text is empty, without an error.
    cMapUrl: cMapFolder(),
    cMapPacked: true,
    enableXfa: true,
    isEvalSupported: false,
    useSystemFonts: false,
    disableFontFace: true,
  })
  // pdf-parse keeps the document to itself, so its version is pinned in package.json and a test reads every part.
  const document = await (parser as unknown as { load(): Promise<PdfjsDocument> }).load()
  return {
    document,
    async text(page) {
      const { pages } = await parser.getText({ partial: [page] })
      return pages[0]?.text ?? ''
    },
  }
}

/** Parley does not draw with pdf.js and installs no canvas for it, which pdf.js warns about while it is loaded. */
async function load() {
  // The module creates one of these on load and uses it only to draw.
  Object.assign(globalThis, { DOMMatrix: globalThis.DOMMatrix ?? class {} })
  const { warn } = console
  console.warn = () => {}
  try {
    return await import('pdf-parse')
  } finally {
    console.warn = warn
  }
}

/** pdf.js's tables of characters: a folder of the package that pdf-parse depends on. */
function cMapFolder(): string {
  const { resolve } = createRequire(import.meta.resolve('pdf-parse'))
  return `${join(dirname(resolve('pdfjs-dist/package.json')), 'cmaps')}/`
}
