/**
 * Reads what a PDF contains besides the text of its pages, with pdf.js: form fields, notes and marks, attached
 * files. A file without any of it never loads pdf.js.
 */
import { z } from 'zod'
import { formatBytes } from '../../core/blobs.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import type { Input, Sink } from '../provider.ts'
import { createInner, deepest, type InnerFile, shownPath } from './inner.ts'
import { type Annotation, annotationsOf, type Box, noteLines, type Printed, printedOn } from './pdf-annotations.ts'
import { type PdfDocument, textWithin } from './pdf-document.ts'
import { formLines } from './pdf-form.ts'
import { openWithPdfjs, type PdfjsFile } from './pdfjs.ts'

interface Attached extends InnerFile {
  description: string
}

/** Where to look in a file, and how to open it. */
export interface Extras {
  /** Pages with form fields, notes or marks. */
  annotated: readonly number[]
  attachments: boolean
  open(input: Input): Promise<PdfjsFile | undefined>
  wordsIn(page: number, box: Box, printed: readonly Printed[]): string
}

/** What PDFium has seen on the pages that it read. */
export function extrasOf({ pdfium, annotated, attachments, withPage }: PdfDocument): Extras {
  return {
    annotated: [...annotated].toSorted((one, other) => one - other),
    attachments: attachments > 0,
    open: ({ bytes }) => openWithPdfjs(bytes).catch(() => undefined),
    wordsIn: (page, box) => withPage(page, (handle) => textWithin(pdfium, handle, box)) ?? '',
  }
}

/** Everything that there may be, in a file that only pdf.js can open. */
export function allExtras(file: PdfjsFile, pages: number): Extras {
  return {
    annotated: Array.from({ length: pages }, (_, index) => index + 1),
    attachments: true,
    open: async () => file,
    wordsIn: (_, box, printed) =>
      printed
        .filter(({ left, right, bottom, top }) => {
          const [x, y] = [(left + right) / 2, (bottom + top) / 2]
          return x > box.left && x < box.right && y > box.bottom && y < box.top
        })
        .map(({ text }) => text)
        .join(' '),
  }
}

/** Returns a sentence when a limit left something out. */
export async function readExtras(
  input: Input,
  extras: Extras,
  limits: Limits,
  sink: Sink,
): Promise<string | undefined> {
  const { annotated, attachments } = extras
  const unread = (what: string) =>
    sink.problem({ code: 'pdf_extras_damaged', userMessage: fileWording.partlyDamaged.pdfExtras(what, input.name) })
  const file = await extras.open(input)
  if (file === undefined) {
    if (annotated.length > 0) unread('Form fields and notes')
    if (attachments) unread('The attached files')
    return undefined
  }
  const attached: Attached[] = []
  for (const page of annotated) {
    const found = await annotationsOf(file, page).catch(() => undefined)
    if (found === undefined) unread(`Form fields and notes on page ${page}`)
    else {
      attached.push(...found.flatMap(attachedTo))
      for (const text of await textsOf(file, extras, page, found)) {
        if (!(await sink.segment(text, { kind: 'page', page }))) return limitOf(input, limits, 'form fields and notes')
      }
    }
  }
  const listed = attachments ? await listedFiles(file).catch(() => undefined) : []
  if (listed === undefined) unread('The attached files')
  return readAttached(input, limits, sink, [...(listed ?? []), ...attached])
}

async function textsOf(file: PdfjsFile, extras: Extras, page: number, found: Annotation[]): Promise<string[]> {
  if (found.length === 0) return []
  const printed = await printedOn(file, page).catch(() => [])
  const form = formLines(found, printed)
  const notes = noteLines(found, (box) => extras.wordsIn(page, box, printed))
  return [
    ...(form.length === 0 ? [] : [['Form fields:', ...form].join('\n')]),
    ...(notes.length === 0 ? [] : [['Notes on this page:', ...notes].join('\n')]),
  ]
}

function attachedTo({ subtype, file, contentsObj }: Annotation): Attached[] {
  if (subtype !== 'FileAttachment' || !file) return []
  return [attachedFile(file.filename, file.content ?? undefined, file.description || contentsObj?.str)]
}

const Listed = z
  .record(
    z.string(),
    z.object({
      filename: z.string().catch(''),
      content: z
        .custom<Uint8Array>((value) => value instanceof Uint8Array)
        .optional()
        .catch(undefined),
      description: z.string().catch(''),
    }),
  )
  .nullable()

async function listedFiles({ document }: PdfjsFile): Promise<Attached[]> {
  const found = Listed.parse(await document.getAttachments()) ?? {}
  return Object.entries(found).map(([key, { filename, content, description }]) =>
    attachedFile(filename || key, content, description),
  )
}

function attachedFile(name: string, bytes: Uint8Array | undefined, description = ''): Attached {
  return {
    name: shownPath(name) || 'attachment',
    bytes: bytes ?? new Uint8Array(),
    description: description.replace(/\s+/g, ' ').trim(),
  }
}

async function readAttached(input: Input, limits: Limits, sink: Sink, files: Attached[]): Promise<string | undefined> {
  if (files.length === 0) return undefined
  const list = files.map(
    ({ name, bytes, description }) =>
      `- ${name} (${formatBytes(bytes.length)})${description === '' ? '' : `: ${description}`}`,
  )
  if (!(await sink.segment(['Attached files:', ...list].join('\n'), { kind: 'page', page: 1 })))
    return limitOf(input, limits, 'attached files')
  if ((input.depth ?? 1) > deepest) {
    sink.problem({
      code: 'inner_file_unsupported',
      userMessage: fileWording.inner.attachmentsTooDeep(input.name),
    })
    return undefined
  }
  const most = limits.files ?? archiveDefaults.files
  const inner = createInner(input, limits, sink)
  for (const file of files.slice(0, most))
    if (!(await inner.read(file))) return limitOf(input, limits, 'attached files')
  if (files.length <= most) return undefined
  return fileWording.partial.first(input.name, 'attachment', { done: most, of: files.length })
}

function limitOf({ name }: Input, limits: Limits, what: string): string {
  return fileWording.partial.notAll(what, name, limits.characters)
}
