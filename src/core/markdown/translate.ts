/** Translates Markdown into the dialect of a platform such as Slack. */
import type { List, ListItem, Nodes, Table } from 'mdast'
import { isLineBreak, parseMarkdown, safeUrl, sourceOf } from './parse.ts'
import { alignedTable, tableRecords } from './table.ts'

/** How a platform writes each thing. `inner` is written already; `words` and `code` are not, and must be escaped. */
export interface Dialect {
  text(words: string): string
  strong(inner: string): string
  emphasis(inner: string): string
  strike(inner: string): string
  code(code: string): string
  fence(code: string, language: string | undefined): string
  /** Only addresses of the web and of mail come here. */
  link(inner: string, url: string): string
  heading(inner: string, depth: number): string
  quote(inner: string): string
  /** The mark before an item of a list without numbers; `depth` counts from 0. */
  bullet(depth: number): string
  rule: string
}

export interface TranslateOptions {
  /** Characters of a code block's line before a table becomes a list of rows. */
  tableColumns?: number
}

export function translate(markdown: string, dialect: Dialect, { tableColumns }: TranslateOptions = {}): string {
  return blocks(parseMarkdown(markdown).children, 0)

  function blocks(nodes: Nodes[], depth: number): string {
    return nodes
      .map((node) => block(node, depth))
      .filter((text) => text !== '')
      .join('\n\n')
  }

  function block(node: Nodes, depth: number): string {
    switch (node.type) {
      case 'paragraph':
        return inlines(node.children)
      case 'heading':
        return dialect.heading(inlines(node.children), node.depth)
      case 'code':
        return dialect.fence(node.value, node.lang ?? undefined)
      case 'blockquote':
        return dialect.quote(blocks(node.children, depth))
      case 'list':
        return list(node, depth)
      case 'table':
        return table(node)
      case 'thematicBreak':
        return dialect.rule
      case 'html':
        return isLineBreak(node.value) ? '' : dialect.text(node.value)
      case 'footnoteDefinition':
        return dialect.text(`[^${node.identifier}] `) + blocks(node.children, depth)
      default:
        return inline(node)
    }
  }

  function list({ children, ordered, start, spread }: List, depth: number): string {
    const items = children.map((item, at) => {
      const mark = ordered ? `${(start ?? 1) + at}. ` : dialect.bullet(depth)
      return hang(mark, listItem(item, depth))
    })
    return items.join(spread ? '\n\n' : '\n')
  }

  function listItem({ children, checked, spread }: ListItem, depth: number): string {
    const box = typeof checked === 'boolean' ? `${checked ? '☑' : '☐'} ` : ''
    return box + children.map((node) => block(node, depth + 1)).join(spread ? '\n\n' : '\n')
  }

  function table(node: Table): string {
    const aligned = alignedTable(node, tableColumns)
    if (aligned !== undefined) return dialect.fence(aligned, undefined)
    const records = tableRecords(node).map((record) =>
      record.map(({ heading, value }) => `${dialect.strong(dialect.text(heading))} ${dialect.text(value)}`).join('\n'),
    )
    return records.map((record) => hang(dialect.bullet(0), record)).join('\n')
  }

  function inlines(nodes: Nodes[]): string {
    return nodes.map(inline).join('')
  }

  function inline(node: Nodes): string {
    switch (node.type) {
      case 'text':
        return dialect.text(node.value)
      case 'strong':
        return formed(dialect.strong, node.children)
      case 'emphasis':
        return formed(dialect.emphasis, node.children)
      case 'delete':
        return formed(dialect.strike, node.children)
      case 'inlineCode':
        return dialect.code(node.value)
      case 'break':
        return '\n'
      case 'link':
        return link(inlines(node.children), node.url)
      // A picture that a model names would be fetched from wherever it says, and tell that place what it likes.
      case 'image':
        return link(dialect.text(node.alt || node.url), node.url)
      case 'html':
        return isLineBreak(node.value) ? '\n' : dialect.text(node.value)
      default:
        return dialect.text(sourceOf(node, markdown))
    }
  }

  /** A form around nothing would show its marks. */
  function formed(form: (inner: string) => string, children: Nodes[]): string {
    const inner = inlines(children)
    return inner.trim() === '' ? inner : form(inner)
  }

  function link(inner: string, url: string): string {
    const safe = safeUrl(url)
    if (safe !== undefined) return dialect.link(inner === '' ? dialect.text(url) : inner, safe)
    return inner === dialect.text(url) ? inner : `${inner} ${dialect.text(`(${url})`)}`
  }
}

/** `text` after `mark`, its further lines under its first one. */
function hang(mark: string, text: string): string {
  const indent = ' '.repeat(mark.length)
  return mark + text.replaceAll(/\n(?!\n)/g, `\n${indent}`)
}
