/** What links and footnotes of a Markdown text refer to, where the platform knows neither references nor notes. */
import type { Definition, FootnoteDefinition, ImageReference, LinkReference, Nodes } from 'mdast'
import { parseMarkdown, sourceOf } from './parse.ts'

export interface Notes {
  /** The words of a footnote that is short and used once, to stand where it is referred to. */
  noteText(identifier: string): string | undefined
  /** A small number for any other footnote. */
  numberOf(identifier: string): string
}

export interface References extends Notes {
  /** The address that a reference leads to; `undefined` for a citation's number, which stays as it is. */
  urlOf(node: LinkReference | ImageReference): string | undefined
  /** Every reference to it carries its address, so that it need not be shown. */
  isInlined(definition: Definition): boolean
}

/** A longer note would hide the sentence that it belongs to. */
const shortNote = 200

export function referencesOf(markdown: string): References {
  const urls = new Map<string, string>()
  const notes = new Map<string, FootnoteDefinition>()
  const used = new Map<string, number>()
  const kept = new Set<string>()
  const numbers: string[] = []
  const isCitation = (node: LinkReference | ImageReference) =>
    node.type === 'linkReference' && node.referenceType === 'shortcut' && /^\d+$/.test(node.identifier)

  const visit = (node: Nodes): void => {
    switch (node.type) {
      case 'definition':
        // The first one counts: https://spec.commonmark.org/0.31.2/#link-reference-definitions
        if (!urls.has(node.identifier)) urls.set(node.identifier, node.url)
        break
      case 'footnoteDefinition':
        if (!notes.has(node.identifier)) notes.set(node.identifier, node)
        break
      case 'linkReference':
      case 'imageReference':
        if (isCitation(node)) kept.add(node.identifier)
        else used.set(node.identifier, (used.get(node.identifier) ?? 0) + 1)
        break
      case 'footnoteReference':
        used.set(`^${node.identifier}`, (used.get(`^${node.identifier}`) ?? 0) + 1)
        if (!numbers.includes(node.identifier)) numbers.push(node.identifier)
        break
    }
    if ('children' in node) for (const child of node.children) visit(child)
  }
  if (markdown.includes(']:')) visit(parseMarkdown(markdown))

  return {
    urlOf: (node) => (isCitation(node) ? undefined : urls.get(node.identifier)),
    isInlined: ({ identifier }) => used.has(identifier) && !kept.has(identifier),
    noteText(identifier) {
      const note = notes.get(identifier)
      const [only, ...more] = note?.children ?? []
      if (used.get(`^${identifier}`) !== 1 || only?.type !== 'paragraph' || more.length > 0) return undefined
      const text = sourceOf(only, markdown).replaceAll(/\s*\n\s*/g, ' ')
      return text.length <= shortNote ? text : undefined
    },
    numberOf(identifier) {
      const at = numbers.indexOf(identifier)
      return Array.from(String(at < 0 ? numbers.length + 1 : at + 1), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')
    },
  }
}
