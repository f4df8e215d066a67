/** The annotations of a page as pdf.js reports them: form fields, notes and marks, attached files. */
import { z } from 'zod'
import type { PdfjsFile } from './pdfjs.ts'

const Text = z.object({ str: z.string() }).nullish()

export type Annotation = z.infer<typeof Annotation>
const Annotation = z.object({
  id: z.string().catch(''),
  subtype: z.string().catch(''),
  /** Left, bottom, right, top, in points from the page's lower left corner. */
  rect: z.array(z.number()).length(4).catch([0, 0, 0, 0]),
  hidden: z.boolean().catch(false),
  titleObj: Text,
  contentsObj: Text,
  inReplyTo: z.string().nullish().catch(undefined),
  /** Eight numbers for each marked line. */
  quadPoints: z
    .custom<ArrayLike<number>>((value) => typeof value === 'object' && value !== null && 'length' in value)
    .nullish()
    .catch(undefined),
  file: z
    .object({
      filename: z.string().catch(''),
      content: z
        .custom<Uint8Array>((value) => value instanceof Uint8Array)
        .nullish()
        .catch(undefined),
      description: z.string().nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  fieldType: z.enum(['Tx', 'Btn', 'Ch', 'Sig']).nullish().catch(undefined),
  fieldName: z.string().nullish().catch(undefined),
  fieldValue: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .catch(undefined),
  alternativeText: z.string().nullish().catch(undefined),
  checkBox: z.boolean().catch(false),
  radioButton: z.boolean().catch(false),
  password: z.boolean().catch(false),
  exportValue: z.string().nullish().catch(undefined),
  buttonValue: z.string().nullish().catch(undefined),
  options: z
    .array(z.object({ exportValue: z.string().nullish(), displayValue: z.string().nullish() }))
    .nullish()
    .catch(undefined),
})

export async function annotationsOf({ document }: PdfjsFile, page: number): Promise<Annotation[]> {
  const found: unknown = await (await document.getPage(page)).getAnnotations()
  return z
    .array(z.unknown())
    .parse(found)
    .flatMap((each) => {
      const annotation = Annotation.safeParse(each)
      return annotation.success && !annotation.data.hidden ? [annotation.data] : []
    })
}

/** A piece of the page's text, printed beside the fields. */
export interface Printed {
  text: string
  left: number
  right: number
  bottom: number
  top: number
}

const Item = z.object({
  str: z.string(),
  transform: z.array(z.number()).length(6),
  width: z.number(),
  height: z.number(),
})

export async function printedOn({ document }: PdfjsFile, page: number): Promise<Printed[]> {
  const { items } = await (await document.getPage(page)).getTextContent()
  return items.flatMap((each): Printed[] => {
    const item = Item.safeParse(each)
    if (!item.success || item.data.str.trim() === '') return []
    const { str, transform, width, height } = item.data
    const [, , , , left = 0, bottom = 0] = transform
    return [{ text: str.trim(), left, right: left + width, bottom, top: bottom + height }]
  })
}

// Reviewers' notes, highlights and other marks on a page as lines of text.

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
