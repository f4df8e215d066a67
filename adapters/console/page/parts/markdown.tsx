/**
 * A reply's Markdown. What a model or a file wrote is data: no raw HTML, no picture from another host (fetching it could
 * carry words of the thread out), links only to the web and to mail, in a tab of their own.
 */
import { type ComponentProps, memo, type ReactNode, useContext } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { describePosition } from '../../../../src/core/artifact.ts'
import { closeOpen } from '../../../../src/core/text/half-written.ts'
import { splitBlocks } from '../lib/blocks.ts'
import { useHighlight } from '../lib/use-highlight.ts'
import { citePlugin } from './cite-plugin.ts'
import { CodeBlock } from './code-block.tsx'
import { ReplyContext } from './reply-context.ts'

/** Colouring a huge open block anew with every word costs more than it shows. */
const COLOUR_WHILE_OPEN = 12_000

export function ReplyMarkdown({ text, open }: { text: string; open: boolean }) {
  const blocks = splitBlocks(text)
  return (
    <div className="markdown">
      {blocks.map((block, index) => {
        const last = open && index === blocks.length - 1
        // biome-ignore lint/suspicious/noArrayIndexKey: a block keeps its place while the reply grows
        return <Block key={index} text={last ? closeOpen(block) : block} open={last} />
      })}
    </div>
  )
}

const Block = memo(function Block({ text, open }: { text: string; open: boolean }) {
  const highlight = useHighlight(/^\s*(```|~~~)/m.test(text))
  const colour = highlight !== null && !(open && text.length > COLOUR_WHILE_OPEN)
  return (
    <ReactMarkdown
      remarkPlugins={[remarkGfm]}
      rehypePlugins={colour ? [citePlugin, highlight] : [citePlugin]}
      components={components}
      urlTransform={safeUrl}
    >
      {text}
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
  return <Link href={href}>{alt ? `Picture: ${alt}` : 'Picture'}</Link>
}

function Reference(props: ComponentProps<'cite'> & { 'data-n'?: string }) {
  const reply = useContext(ReplyContext)
  const n = Number(props['data-n'])
  const citation = reply.citations.find((one) => one.n === n)
  if (citation === undefined) {
    return reply.streaming ? <span className="cite cite-pending">{n}</span> : <>[{n}]</>
  }
  const label = `Source ${n}: ${citation.source.title}, ${describePosition(citation.at)}`
  return (
    <button type="button" className="cite" aria-label={label} title={label} onClick={() => reply.openSource(citation)}>
      {n}
    </button>
  )
}

/** The page's own headings stand above those of a reply, and no level is left out between them. */
function Heading({ level, children }: { level: number; children: ReactNode }) {
  const { levels } = useContext(ReplyContext)
  const rank = Math.max(0, levels.indexOf(level))
  const Tag = (['h3', 'h4', 'h5', 'h6'] as const)[rank] ?? 'h6'
  return <Tag>{children}</Tag>
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
    <input type="checkbox" checked={checked ?? false} disabled aria-label={checked ? 'Done' : 'To do'} />
  ),
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="table-box" role="group" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
}
