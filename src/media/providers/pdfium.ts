/**
 * PDFium's C functions, as compiled to WebAssembly by @hyzyla/pdfium. Its classes leave pages open and have no character
 * boxes, so the functions are called directly: https://pdfium.googlesource.com/pdfium/+/main/public/
 */
import { PDFiumModule } from '@hyzyla/pdfium'

/** Handles and pointers are numbers; 0 is none. */
export interface Pdfium {
  HEAPU8: Uint8Array
  wasmExports: { malloc(size: number): number; free(pointer: number): void }
  _FPDF_InitLibrary(): void
  _FPDF_LoadMemDocument(bytes: number, size: number, password: number): number
  _FPDF_GetLastError(): number
  _FPDF_DocumentHasValidCrossReferenceTable(document: number): number
  _FPDF_GetPageCount(document: number): number
  _FPDF_GetFormType(document: number): number
  _FPDF_GetXFAPacketCount(document: number): number
  _FPDF_GetXFAPacketName(document: number, index: number, into: number, size: number): number
  _FPDF_GetXFAPacketContent(document: number, index: number, into: number, size: number, written: number): number
  _FPDFDoc_GetAttachmentCount(document: number): number
  _FPDF_LoadPage(document: number, index: number): number
  _FPDF_ClosePage(page: number): void
  _FPDF_GetPageWidthF(page: number): number
  _FPDF_GetPageHeightF(page: number): number
  _FPDF_PageToDevice(
    page: number,
    startX: number,
    startY: number,
    sizeX: number,
    sizeY: number,
    rotate: number,
    pageX: number,
    pageY: number,
    deviceX: number,
    deviceY: number,
  ): number
  _FPDFPage_CountObjects(page: number): number
  _FPDFPage_GetObject(page: number, index: number): number
  _FPDFPageObj_GetType(object: number): number
  _FPDFFormObj_CountObjects(object: number): number
  _FPDFFormObj_GetObject(object: number, index: number): number
  _FPDFPageObj_GetBounds(object: number, left: number, bottom: number, right: number, top: number): number
  _FPDFPageObj_GetMatrix(object: number, matrix: number): number
  _FPDFPath_CountSegments(object: number): number
  _FPDFPath_GetPathSegment(object: number, index: number): number
  _FPDFPathSegment_GetPoint(segment: number, x: number, y: number): number
  _FPDFPathSegment_GetType(segment: number): number
  _FPDFPathSegment_GetClose(segment: number): number
  _FPDFImageObj_GetImagePixelSize(object: number, width: number, height: number): number
  _FPDFImageObj_GetImageFilterCount(object: number): number
  _FPDFImageObj_GetImageDataRaw(object: number, into: number, size: number): number
  _FPDFTextObj_GetTextRenderMode(object: number): number
  _FPDFPage_GetAnnotCount(page: number): number
  _FPDFPage_GetAnnot(page: number, index: number): number
  _FPDFPage_CloseAnnot(annotation: number): void
  _FPDFPage_Flatten(page: number, flag: number): number
  _FPDFAnnot_GetSubtype(annotation: number): number
  _FPDFText_LoadPage(page: number): number
  _FPDFText_ClosePage(text: number): void
  _FPDFText_CountChars(text: number): number
  _FPDFText_GetText(text: number, start: number, count: number, into: number): number
  _FPDFText_GetBoundedText(
    text: number,
    left: number,
    top: number,
    right: number,
    bottom: number,
    into: number,
    units: number,
  ): number
  _FPDFText_GetUnicode(text: number, index: number): number
  _FPDFText_GetLooseCharBox(text: number, index: number, rectangle: number): number
  _FPDFText_GetCharIndexAtPos(text: number, x: number, y: number, toleranceX: number, toleranceY: number): number
  _FPDFText_GetCharOrigin(text: number, index: number, x: number, y: number): number
  _FPDFText_GetMatrix(text: number, index: number, matrix: number): number
  _FPDFText_GetFontSize(text: number, index: number): number
  _FPDFText_GetTextObject(text: number, index: number): number
  _FPDFText_GetCharIndexFromTextIndex(text: number, index: number): number
  _FPDFText_CountRects(text: number, start: number, count: number): number
  _FPDFText_GetRect(text: number, index: number, left: number, top: number, right: number, bottom: number): number
  _FPDFBitmap_CreateEx(width: number, height: number, format: number, pixels: number, stride: number): number
  _FPDFBitmap_FillRect(bitmap: number, x: number, y: number, width: number, height: number, color: number): number
  _FPDFBitmap_Destroy(bitmap: number): void
  _FPDF_RenderPageBitmap(
    bitmap: number,
    page: number,
    x: number,
    y: number,
    width: number,
    height: number,
    rotate: number,
    flags: number,
  ): void
}

let loading: Promise<Pdfium> | undefined

/** One instance per process, which reads only one file. */
export function loadPdfium(): Promise<Pdfium> {
  loading ??= PDFiumModule({}).then((module) => {
    // The package's own type names a part of what its module exports.
    const pdfium = module as unknown as Pdfium
    pdfium._FPDF_InitLibrary()
    return pdfium
  })
  return loading
}

/** Memory inside the module, freed after `use`. */
export function withMemory<Result>(pdfium: Pdfium, size: number, use: (pointer: number) => Result): Result {
  const pointer = pdfium.wasmExports.malloc(size)
  if (pointer === 0) throw new RangeError('PDFium is out of memory')
  try {
    return use(pointer)
  } finally {
    pdfium.wasmExports.free(pointer)
  }
}

/** The module's memory may move, so get a new view after every call that can allocate. */
export function viewOf(pdfium: Pdfium, pointer: number, size: number): DataView {
  return new DataView(pdfium.HEAPU8.buffer, pointer, size)
}
