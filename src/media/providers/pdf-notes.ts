/** Reviewers' notes, highlights and other marks on a page as lines of text. Pure. */
import type { Annotation } from './pdf-annotations.ts'

/** Marks on words quote the words; other shapes count only when they have a comment. */
const marks: Record<string, string> = {
  Highlight: 'Highlighted',
  Underline: 'Underlined',
  Squiggly: 'Underlined',
  StrikeOut: 'Struck out',
}
const shapes: Record<string, string> = {
  Text: 'Note',
  Caret: 'Insertion',
  Stamp: 'Stamp',
  Square: 'Note on a drawn mark',
  Circle: 'Note on a drawn mark',
  Line: 'Note on a drawn mark',
  Polygon: 'Note on a drawn mark',
  PolyLine: 'Note on a drawn mark',
  Ink: 'Note on a drawn mark',
}

export interface Box {
  left: number
  bottom: number
  right: number
  top: number
}

/** `wordsIn` gives the page's text within a box. */
export function noteLines(annotations: readonly Annotation[], wordsIn: (box: Box) => string): string[] {
  return annotations.flatMap((annotation): string[] => {
    const message = oneLine(annotation.contentsObj?.str)
    const author = oneLine(annotation.titleObj?.str)
    const by = author === '' ? '' : ` by ${author}`
    const mark = marks[annotation.subtype]
    if (mark !== undefined) {
      const words = oneLine(boxesOf(annotation).map(wordsIn).join(' '))
      if (words === '' && message === '') return []
      return [
        `${mark}${by}${words === '' ? '' : `: “${words}”`}${message === '' || message === words ? '' : `: ${message}`}`,
      ]
    }
    const shape = shapes[annotation.subtype]
    if (shape === undefined || message === '') return []
    return [`${annotation.inReplyTo ? 'Reply' : shape}${by}: ${message}`]
  })
}

function boxesOf({ quadPoints, rect }: Annotation): Box[] {
  const points = Array.from(quadPoints ?? [])
  if (points.length < 8) {
    const [left = 0, bottom = 0, right = 0, top = 0] = rect
    return [{ left, bottom, right, top }]
  }
  const boxes: Box[] = []
  for (let at = 0; at + 8 <= points.length; at += 8) {
    const quad = points.slice(at, at + 8)
    const xs = quad.filter((_, index) => index % 2 === 0)
    const ys = quad.filter((_, index) => index % 2 === 1)
    boxes.push({ left: Math.min(...xs), right: Math.max(...xs), bottom: Math.min(...ys), top: Math.max(...ys) })
  }
  return boxes
}

function oneLine(text: string | undefined): string {
  return (text ?? '').replace(/\s+/g, ' ').trim()
}
