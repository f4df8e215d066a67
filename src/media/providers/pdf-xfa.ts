/**
 * Reads Adobe XFA forms, whose pages are drawn from XML; the PDF's own page says only "Please wait".
 * pdf.js turns the form into a tree of HTML, and this file turns the tree into lines of text.
 */
import { z } from 'zod'

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
