/** Finds the straight lines of a page, drawn as strokes, rectangles or thin filled boxes. */
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'

/** In points, from the page's lower left corner. Horizontal ones run along x at y = `at`, vertical ones the other way. */
export interface Line {
  at: number
  from: number
  to: number
}

export interface Lines {
  horizontal: Line[]
  vertical: Line[]
}

const pathObject = 2
const lineTo = 0
const moveTo = 2
/** A line is at most this thick, and at least this long. */
const thick = 3
const long = 5
/** A page with more is a drawing and would take long. */
const mostObjects = 4_000
const mostSegments = 20_000

/** Undefined for a page with too few lines for a table, or so many that it is a drawing. */
export function linesOf(pdfium: Pdfium, page: number): Lines | undefined {
  const objects = pdfium._FPDFPage_CountObjects(page)
  if (objects < 2 || objects > mostObjects) return undefined
  const lines: Lines = { horizontal: [], vertical: [] }
  let segments = 0
  for (let index = 0; index < objects; index += 1) {
    const object = pdfium._FPDFPage_GetObject(page, index)
    if (pdfium._FPDFPageObj_GetType(object) !== pathObject) continue
    segments += pdfium._FPDFPath_CountSegments(object)
    if (segments > mostSegments) return undefined
    addPath(pdfium, object, lines)
  }
  return lines.horizontal.length >= 2 && lines.vertical.length >= 2 ? lines : undefined
}

function addPath(pdfium: Pdfium, object: number, lines: Lines): void {
  withMemory(pdfium, 40, (memory) => {
    if (pdfium._FPDFPageObj_GetBounds(object, memory, memory + 4, memory + 8, memory + 12) === 0) return
    const view = viewOf(pdfium, memory, 40)
    const float = (offset: number) => view.getFloat32(offset, true)
    const [left, bottom, right, top] = [float(0), float(4), float(8), float(12)]
    const wide = right - left
    const high = top - bottom
    if (high <= thick && wide >= long) lines.horizontal.push({ at: (top + bottom) / 2, from: left, to: right })
    else if (wide <= thick && high >= long) lines.vertical.push({ at: (left + right) / 2, from: bottom, to: top })
    else addSegments(pdfium, object, memory, lines)
  })
}

function addSegments(pdfium: Pdfium, object: number, memory: number, lines: Lines): void {
  if (pdfium._FPDFPageObj_GetMatrix(object, memory + 16) === 0) return
  const view = viewOf(pdfium, memory, 40)
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = [16, 20, 24, 28, 32, 36].map((at) => view.getFloat32(at, true))
  const count = pdfium._FPDFPath_CountSegments(object)
  let start: Point = { x: 0, y: 0 }
  let last: Point = start
  for (let index = 0; index < count; index += 1) {
    const segment = pdfium._FPDFPath_GetPathSegment(object, index)
    if (pdfium._FPDFPathSegment_GetPoint(segment, memory, memory + 4) === 0) continue
    const [x, y] = [view.getFloat32(0, true), view.getFloat32(4, true)]
    const point = { x: a * x + c * y + e, y: b * x + d * y + f }
    const type = pdfium._FPDFPathSegment_GetType(segment)
    if (type === moveTo) start = point
    else if (type === lineTo) addLine(last, point, lines)
    last = point
    if (pdfium._FPDFPathSegment_GetClose(segment) !== 0) addLine(last, start, lines)
  }
}

interface Point {
  x: number
  y: number
}

function addLine(one: Point, other: Point, { horizontal, vertical }: Lines): void {
  const wide = Math.abs(one.x - other.x)
  const high = Math.abs(one.y - other.y)
  if (high < 0.5 && wide >= long)
    horizontal.push({ at: one.y, from: Math.min(one.x, other.x), to: Math.max(one.x, other.x) })
  else if (wide < 0.5 && high >= long)
    vertical.push({ at: one.x, from: Math.min(one.y, other.y), to: Math.max(one.y, other.y) })
}
