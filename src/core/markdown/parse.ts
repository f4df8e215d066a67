/**
 * Markdown as models write it (GitHub's dialect), read by mdast: what every platform's form of a reply is made from. A
 * text that is still being written, with a fence or a bold word left open, is read as far as it goes.
 */
import type { Nodes, Root } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'

/** Deeper nesting than people write. What is nested deeper stays plain text, so that no input exhausts the stack. */
const maxDepth = 40

// What they do after parsing is to find addresses once more; the nodes they make for it have no position.
const mdastExtensions = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }))

export function parseMarkdown(text: string): Root {
  const root = fromMarkdown(text, { extensions: [gfm()], mdastExtensions })
  const open: { node: Nodes; depth: number }[] = [{ node: root, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next
    if (!('children' in node)) continue
    if (depth < maxDepth) for (const child of node.children) open.push({ node: child, depth: depth + 1 })
    else asWritten(node, text)
  }
  return root
}

function asWritten(node: Extract<Nodes, { children: unknown }>, markdown: string): void {
  const [start, end] = [node.children.at(0)?.position?.start, node.children.at(-1)?.position?.end]
  if (start === undefined || end === undefined) return
  const value = markdown.slice(start.offset, end.offset)
  node.children = [{ type: 'text', value, position: { start, end } }]
}

/** The characters of `markdown` that a node was read from. */
export function sourceOf(node: Nodes, markdown: string): string {
  return markdown.slice(node.position?.start.offset ?? 0, node.position?.end.offset ?? 0)
}

/** `<br>`, which models write where Markdown has no line break. */
export function isLineBreak(html: string): boolean {
  return /^<br\s*\/?>$/i.test(html.trim())
}

/**
 * The address of a link, with what could end the link written as %xx; `undefined` where it may be none: what a model names
 * may run nothing and open no other program.
 */
export function safeUrl(url: string): string | undefined {
  if (!/^(?:https?:\/\/|mailto:)./i.test(url)) return undefined
  return url.replaceAll(/[\s<>|"()\\^`{}]/g, (char) =>
    [...new TextEncoder().encode(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** The words of a node without any form; a link keeps its address, because it cannot be followed otherwise. */
export function plainText(node: Nodes): string {
  switch (node.type) {
    case 'text':
    case 'inlineCode':
    case 'code':
      return node.value
    case 'html':
      return isLineBreak(node.value) ? ' ' : node.value
    case 'break':
      return ' '
    case 'image':
      return node.alt || node.url
    case 'link': {
      const words = node.children.map(plainText).join('')
      return words === node.url || words === '' || `mailto:${words}` === node.url
        ? words || node.url
        : `${words} (${node.url})`
    }
    case 'footnoteReference':
      return `[^${node.identifier}]`
    default:
      return 'children' in node ? node.children.map(plainText).join('') : ''
  }
}

/** The words of a text without any form, and without the addresses of its links: for a name. */
export function wordsOf(markdown: string): string {
  const words = (node: Nodes): string => {
    if (node.type === 'image') return node.alt ?? ''
    if (!('children' in node)) return plainText(node)
    return node.children.map(words).join(apart.has(node.type) ? ' ' : '')
  }
  return words(parseMarkdown(markdown))
}

/** What holds blocks, whose words are not one. */
const apart = new Set(['root', 'blockquote', 'list', 'listItem', 'table', 'tableRow', 'footnoteDefinition'])
