/** A block of code with its language, a copy button, and its own sideways scroll. */

import type { ReactNode } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import { CopyButton } from './copy-button.tsx'

interface CodeNode {
  type?: string
  value?: string
  tagName?: string
  properties?: Record<string, unknown>
  children?: unknown[]
}

export function CodeBlock({ node, children }: { node: unknown; children: ReactNode }) {
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
