/** One pass over the objects of a page: its straight lines, drawn as strokes, rectangles or thin filled boxes, and its pictures. */
import type { Box } from './pdf-annotations.ts'
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

/** A picture, or a group of objects with one. */
export interface PlacedPicture {
  box: Box
  /** The picture itself. */
  object: number
}

export interface PageObjects extends Lines {
  pictures: PlacedPicture[]
}

const pathObject = 2
const imageObject = 3
const formObject = 5
const lineTo = 0
const moveTo = 2
/** A line is at most this thick, and at least this long. */
const thick = 3
const long = 4
/** A page with more is a drawing and would take long. */
const mostObjects = 4_000
const mostSegments = 20_000
/** Pictures may be placed through groups of objects in groups. */
const deepestGroup = 4
const mostInGroups = 100

/** A page with too many lines has none, because it is a drawing. */
export function objectsOf(pdfium: Pdfium, page: number): PageObjects {
  const found: PageObjects = { horizontal: [], vertical: [], pictures: [] }
  const objects = pdfium._FPDFPage_CountObjects(page)
  let segments = 0
  for (let index = 0; index < Math.min(objects, mostObjects); index += 1) {
    const object = pdfium._FPDFPage_GetObject(page, index)
    const type = pdfium._FPDFPageObj_GetType(object)
    if (type === imageObject || type === formObject) addPicture(pdfium, object, found)
    if (type !== pathObject || segments > mostSegments) continue
    segments += pdfium._FPDFPath_CountSegments(object)
    addPath(pdfium, object, found)
  }
  const drawing = objects > mostObjects || segments > mostSegments
  return drawing ? { horizontal: [], vertical: [], pictures: found.pictures } : found
}

function addPicture(pdfium: Pdfium, object: number, { pictures }: PageObjects): void {
  const picture = pictureIn(pdfium, object, { left: mostInGroups, depth: 0 })
  const box = picture === undefined ? undefined : boundsOf(pdfium, object)
  if (picture !== undefined && box !== undefined) pictures.push({ box, object: picture })
}

/** The object itself, or the first picture of a group. */
function pictureIn(pdfium: Pdfium, object: number, looked: { left: number; depth: number }): number | undefined {
  const type = pdfium._FPDFPageObj_GetType(object)
  if (type === imageObject) return object
  if (type !== formObject || looked.depth > deepestGroup) return undefined
  const inside = pdfium._FPDFFormObj_CountObjects(object)
  looked.depth += 1
  for (let index = 0; index < inside && looked.left > 0; index += 1) {
    looked.left -= 1
    const found = pictureIn(pdfium, pdfium._FPDFFormObj_GetObject(object, index), looked)
    if (found !== undefined) return found
  }
  looked.depth -= 1
  return undefined
}

function boundsOf(pdfium: Pdfium, object: number): Box | undefined {
  return withMemory(pdfium, 16, (memory) => {
    if (pdfium._FPDFPageObj_GetBounds(object, memory, memory + 4, memory + 8, memory + 12) === 0) return undefined
    const view = viewOf(pdfium, memory, 16)
    const [left = 0, bottom = 0, right = 0, top = 0] = [0, 4, 8, 12].map((at) => view.getFloat32(at, true))
    return { left, bottom, right, top }
  })
}

function addPath(pdfium: Pdfium, object: number, lines: Lines): void {
  const box = boundsOf(pdfium, object)
  if (box === undefined) return
  const { left, bottom, right, top } = box
  const wide = right - left
  const high = top - bottom
  if (high <= thick && wide >= long) lines.horizontal.push({ at: (top + bottom) / 2, from: left, to: right })
  else if (wide <= thick && high >= long) lines.vertical.push({ at: (left + right) / 2, from: bottom, to: top })
  else addSegments(pdfium, object, lines)
}

function addSegments(pdfium: Pdfium, object: number, lines: Lines): void {
  withMemory(pdfium, 24, (memory) => {
    if (pdfium._FPDFPageObj_GetMatrix(object, memory) === 0) return
    const view = viewOf(pdfium, memory, 24)
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = [0, 4, 8, 12, 16, 20].map((at) => view.getFloat32(at, true))
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
  })
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
