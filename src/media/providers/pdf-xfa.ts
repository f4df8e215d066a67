/**
 * Adobe XFA forms, whose pages are drawn from XML; the PDF's own page says only "Please wait". Reads the form as pdf.js lays it out, or
 * else the entered values alone. A form with neither is refused.
 */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Input, Sink } from '../provider.ts'
import type { PdfDocument } from './pdf-document.ts'
import { openWithPdfjs } from './pdfjs.ts'
import { readXml } from './xml.ts'

export async function readXfaForm(input: Input, document: PdfDocument, limits: Limits, sink: Sink): Promise<Ending> {
  const texts = (await laidOut(input)) ?? (await values(document))
  const read = texts.slice(0, limits.pages)
  const pages = texts.length
  const cut = (done: number, characters?: number) => ({
    pages,
    truncated: fileWording.partial.first(input.name, 'page', { done, of: pages, characters }),
  })
  for (const [index, text] of read.entries())
    if (text !== '' && !(await sink.segment(text, { kind: 'page', page: index + 1 })))
      return cut(index, limits.characters)
  if (read.every((text) => text === ''))
    throw new ParleyError('file_unsupported', fileWording.refusal.xfaForm(input.name))
  return read.length < pages ? cut(read.length) : { pages }
}

/** The pages of the form. Undefined when pdf.js finds no words on them. */
async function laidOut({ bytes }: Input): Promise<string[] | undefined> {
  const form = await openWithPdfjs(bytes).catch(() => undefined)
  const pages = form?.document.isPureXfa === true ? pagesOf(form.document.allXfaHtml) : []
  return pages.some((text) => text !== '') ? pages : undefined
}

/** The entered values with the names of their fields, as one page. */
async function values({ xfaPart }: PdfDocument): Promise<string[]> {
  const data = xfaPart('datasets')
  if (data === undefined) return ['']
  const lines = await valuesIn(data).catch((): string[] => [])
  return [lines.length === 0 ? '' : ['Entered in the form:', ...lines].join('\n')]
}

/** More values than people enter. */
const mostValues = 10_000

async function valuesIn(xml: Uint8Array): Promise<string[]> {
  const lines: string[] = []
  const open: { name: string; text: string; hasChildren: boolean }[] = []
  const local = (name: string) => name.slice(name.indexOf(':') + 1)
  let data = 0
  await readXml(
    (async function* () {
      yield xml
    })(),
    {
      open(name) {
        const parent = open.at(-1)
        if (parent !== undefined) parent.hasChildren = true
        if (data > 0 || name === 'xfa:data') data += 1
        open.push({ name: local(name), text: '', hasChildren: false })
      },
      text(text) {
        const element = open.at(-1)
        if (element !== undefined) element.text += text
      },
      close() {
        const element = open.pop()
        if (data === 0) return
        data -= 1
        const value = element?.text.replace(/\s+/g, ' ').trim() ?? ''
        if (element === undefined || element.hasChildren || value === '' || lines.length >= mostValues) return
        lines.push(`${element.name}: ${value}`)
      },
    },
  )
  return lines
}

// pdf.js turns the form into a tree of HTML, which becomes lines of text here.

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
function pagesOf(tree: unknown): string[] {
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
