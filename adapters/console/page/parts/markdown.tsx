/**
 * An answer's Markdown: citations, code blocks, headings, tables. Text from a model or a file is untrusted: no raw HTML, no
 * images from other hosts (a request could leak parts of the thread), and links only to the web and to mail, opened in a new
 * tab.
 */
import { type ComponentProps, createContext, memo, type ReactNode, useContext, useEffect } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import type { Citation } from '../../../../src/core/reply.ts'
import { describeCited } from '../../../../src/core/source.ts'
import { closeOpen } from '../../../../src/core/text/half-written.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { splitBlocks } from '../lib/blocks.ts'
import { formulasAsCode, isFormulaBlock, isFormulaCode } from '../lib/formulas.ts'
import type { highlight } from '../lib/highlight.ts'
import { createStore, useStore } from '../lib/store.ts'
import { CopyButton } from './copy-button.tsx'

/** What an answer's Markdown needs to know about the answer. */
export interface ReplyContext {
  citations: Citation[]
  streaming: boolean
  /** The heading levels that the answer uses, highest first. */
  levels: number[]
  openSource(citation: Citation): void
}

export const ReplyContext = createContext<ReplyContext>({
  citations: [],
  streaming: false,
  levels: [],
  openSource: () => undefined,
})

/** A longer block is highlighted only once it is complete, because highlighting it with every token is slow. */
const HIGHLIGHT_WHILE_OPEN = 12_000

export function ReplyMarkdown({ text, open }: { text: string; open: boolean }) {
  const blocks = splitBlocks(text)
  return (
    <div className="markdown">
      {blocks.map((block, index) => {
        const last = open && index === blocks.length - 1
        // biome-ignore lint/suspicious/noArrayIndexKey: a block keeps its place while the answer grows
        return <Block key={index} text={block} open={last} />
      })}
    </div>
  )
}

const Block = memo(function Block({ text, open }: { text: string; open: boolean }) {
  const highlight = useHighlight(/^\s*(```|~~~)/m.test(text))
  const highlighted = highlight !== null && !(open && text.length > HIGHLIGHT_WHILE_OPEN)
  if (isFormulaBlock(text)) {
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      <pre className="math" dir="ltr" tabIndex={0}>
        {text}
      </pre>
    )
  }
  const markdown = formulasAsCode(text, open)
  return (
    <ReactMarkdown
      remarkPlugins={[remarkGfm]}
      rehypePlugins={highlighted ? [citePlugin, directionPlugin, highlight] : [citePlugin, directionPlugin]}
      components={components}
      urlTransform={safeUrl}
    >
      {open ? closeOpen(markdown) : markdown}
    </ReactMarkdown>
  )
})

function safeUrl(url: string): string {
  return /^(https?:\/\/|mailto:)/i.test(url) ? url : ''
}

function Link({ href, children }: { href?: string | undefined; children?: ReactNode }) {
  if (!href) return <span>{children}</span>
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  )
}

function Picture({ src, alt }: ComponentProps<'img'>) {
  const href = typeof src === 'string' ? src : ''
  return <Link href={href}>{pageWording.app.picture(alt)}</Link>
}

function Reference(props: ComponentProps<'cite'> & { 'data-n'?: string }) {
  const reply = useContext(ReplyContext)
  const n = Number(props['data-n'])
  const citation = reply.citations.find((one) => one.n === n)
  if (citation === undefined) {
    return reply.streaming ? <span className="cite cite-pending">{n}</span> : <>[{n}]</>
  }
  const label = pageWording.source.label(n, citation.source.title, describeCited(citation))
  return (
    <button type="button" className="cite" aria-label={label} title={label} onClick={() => reply.openSource(citation)}>
      {n}
    </button>
  )
}

/** An answer's headings start below the page's own and skip no level. */
function Heading({ level, children }: { level: number; children: ReactNode }) {
  const { levels } = useContext(ReplyContext)
  const rank = Math.max(0, levels.indexOf(level))
  const Tag = (['h3', 'h4', 'h5', 'h6'] as const)[rank] ?? 'h6'
  return <Tag dir="auto">{children}</Tag>
}

const components: Components = {
  h1: ({ children }) => <Heading level={1}>{children}</Heading>,
  h2: ({ children }) => <Heading level={2}>{children}</Heading>,
  h3: ({ children }) => <Heading level={3}>{children}</Heading>,
  h4: ({ children }) => <Heading level={4}>{children}</Heading>,
  h5: ({ children }) => <Heading level={5}>{children}</Heading>,
  h6: ({ children }) => <Heading level={6}>{children}</Heading>,
  a: ({ href, children }) => <Link href={href}>{children}</Link>,
  img: ({ src, alt }) => <Picture src={src} alt={alt} />,
  cite: Reference,
  pre: ({ node, children }) => <CodeBlock node={node}>{children}</CodeBlock>,
  input: ({ checked }) => (
    <input
      type="checkbox"
      checked={checked ?? false}
      disabled
      aria-label={checked ? pageWording.app.done : pageWording.app.toDo}
    />
  ),
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="table-box" role="group" aria-label={pageWording.app.table} tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
}

interface CodeNode {
  type?: string
  value?: string
  tagName?: string
  properties?: Record<string, unknown>
  children?: unknown[]
}

/** A block of code with its language, a copy button, and its own sideways scroll. */
function CodeBlock({ node, children }: { node: unknown; children: ReactNode }) {
  const pre = node as CodeNode | undefined
  const language = languageOf((pre?.children?.[0] as CodeNode | undefined)?.properties?.className)
  return (
    <figure className="code-block">
      <figcaption>
        <span>{language ?? pageWording.answer.plainCode}</span>
        <CopyButton label={pageWording.answer.copyCode} text={() => wordsOf(pre).replace(/\n$/, '')} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{children}</pre>
    </figure>
  )
}

function languageOf(classes: unknown): string | null {
  if (!Array.isArray(classes)) return null
  const found = classes.find((name) => typeof name === 'string' && name.startsWith('language-'))
  return typeof found === 'string' ? found.slice('language-'.length) : null
}

function wordsOf(node: CodeNode | undefined): string {
  if (node === undefined) return ''
  if (node.type === 'text') return node.value ?? ''
  return (node.children ?? []).map((child) => wordsOf(child as CodeNode)).join('')
}

type Highlight = typeof highlight
const loaded = createStore<{ plugin: Highlight | null }>({ plugin: null })
let loading = false

/** Gives the code coloring plugin once it has loaded; until then code is shown plain. */
function useHighlight(wanted: boolean): Highlight | null {
  const { plugin } = useStore(loaded, (state) => state)
  useEffect(() => {
    if (!wanted || loading) return
    loading = true
    import('../lib/highlight.ts').then(
      (module) => loaded.set(() => ({ plugin: module.highlight })),
      () => {
        loading = false
      },
    )
  }, [wanted])
  return wanted ? plugin : null
}

interface HastNode {
  type: string
  tagName?: string
  value?: string
  properties?: Record<string, unknown>
  children?: HastNode[]
}

const REFERENCE = /\[(\d{1,3})\]/g
const KEPT = new Set(['code', 'pre', 'a'])

/** Turns `[3]` in a reply's prose into a `cite` element. Code and links keep their brackets. */
const citePlugin = () => (tree: HastNode) => visit(tree)

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

/**
 * Each block and table cell is written from the side that its own first letter asks for. Code and formulas are always written from
 * the left, and do not decide for the text around them.
 */
const directionPlugin = () => (tree: HastNode) => {
  for (const child of tree.children ?? [])
    if (child.tagName !== 'table' && child.tagName !== 'pre') setDirection(child, 'auto')
  directWithin(tree)
}

function directWithin(node: HastNode): void {
  for (const child of node.children ?? []) {
    if (child.tagName === 'th' || child.tagName === 'td') setDirection(child, 'auto')
    if (child.tagName === 'code') setDirection(child, 'ltr')
    if (child.tagName === 'code' && node.tagName !== 'pre' && isFormulaCode(child.children?.[0]?.value ?? ''))
      child.properties = { ...child.properties, className: ['math'] }
    directWithin(child)
  }
}

function setDirection(node: HastNode, dir: 'auto' | 'ltr'): void {
  if (node.type === 'element') node.properties = { ...node.properties, dir }
}
