/** Turns `[3]` in a reply's prose into a `cite` element. Code and links keep their brackets. */
interface HastNode {
  type: string
  tagName?: string
  value?: string
  properties?: Record<string, unknown>
  children?: HastNode[]
}

const REFERENCE = /\[(\d{1,3})\]/g
const KEPT = new Set(['code', 'pre', 'a'])

export const citePlugin = () => (tree: HastNode) => visit(tree)

function visit(node: HastNode): void {
  if (node.children === undefined || KEPT.has(node.tagName ?? '')) return
  node.children = node.children.flatMap((child) => {
    if (child.type === 'text' && child.value !== undefined) return divide(child.value)
    visit(child)
    return [child]
  })
}

function divide(text: string): HastNode[] {
  const nodes: HastNode[] = []
  let end = 0
  for (const match of text.matchAll(REFERENCE)) {
    // `rows[3]` is code that lost its backticks.
    if (/\w/.test(text[match.index - 1] ?? '') && !/\d/.test(text[match.index - 1] ?? '')) continue
    nodes.push({ type: 'text', value: text.slice(end, match.index) })
    nodes.push({ type: 'element', tagName: 'cite', properties: { dataN: match[1] }, children: [] })
    end = match.index + match[0].length
  }
  nodes.push({ type: 'text', value: text.slice(end) })
  return nodes
}
