/**
 * The second PDF parser: pdf.js, bundled with pdf-parse. PDFium reads pages ten times as fast; pdf.js is used for
 * what PDFium does not provide (form fields, notes, attached files, XFA forms) and for files that PDFium cannot open.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'

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

// Adobe XFA forms, whose pages are drawn from XML; the PDF's own page says only "Please wait". pdf.js turns the form into a
// tree of HTML, which becomes lines of text here.

const Attributes = z.record(z.string(), z.unknown()).catch({})
interface Node {
  name: string
  value?: unknown
  attributes: Record<string, unknown>
  children: Node[]
}
const Node: z.ZodType<Node> = z.lazy(() =>
  z.object({
    name: z.string().catch(''),
    value: z.unknown().optional(),
    attributes: Attributes.default({}),
    children: z.array(Node).catch([]).default([]),
  }),
)

/** One text for each page of the form; pages without words give ''. */
export function xfaPages(tree: unknown): string[] {
  const root = Node.safeParse(tree)
  if (!root.success) return []
  return root.data.children.map((page) =>
    linesOf(page)
      .map((line) => line.replace(/[^\S\n]+/g, ' ').trim())
      .filter((line) => line !== '')
      .join('\n'),
  )
}

/** A field with its caption makes a line, and so does each paragraph. */
function linesOf(node: Node): string[] {
  const classes = [node.attributes.class].flat().filter((name) => typeof name === 'string')
  const whole = classes.includes('xfaField') || node.name === 'p' || !hasElements(node)
  return whole ? [wordsOf(node)] : node.children.flatMap(linesOf)
}

function hasElements({ children }: Node): boolean {
  return children.some(({ name }) => name === 'div' || name === 'p' || name === 'label')
}

/** All words of a node in order; entered values follow their caption. */
function wordsOf(node: Node): string {
  const words: string[] = []
  const entered: string[] = []
  collect(node, words, entered)
  const caption = words.join(' ').trim()
  const marks = entered.filter((value) => value === '[x]' || value === '[ ]')
  if (marks.length === 1 && entered.length === 1) return `${marks[0]} ${caption}`
  const values = entered.filter((value) => value !== '').join(', ')
  if (values === '') return caption
  return caption === '' ? values : `${caption.replace(/\s*:$/, '')}: ${values}`
}

function collect(node: Node, words: string[], entered: string[]): void {
  const { name, attributes, value, children } = node
  if (name === 'input') {
    if (attributes.type === 'checkbox' || attributes.type === 'radio') entered.push(attributes.checked ? '[x]' : '[ ]')
    else entered.push(String(attributes.value ?? ''))
    return
  }
  if (name === 'textarea') {
    entered.push(String(attributes.value ?? attributes.textContent ?? value ?? ''))
    return
  }
  if (name === 'select') {
    const chosen = children.filter((option) => option.attributes.selected)
    entered.push(chosen.map((option) => String(option.value ?? option.attributes.value ?? '')).join(', '))
    return
  }
  if (typeof value === 'string') words.push(value)
  for (const child of children) collect(child, words, entered)
}
