/** Changes some nodes of a Markdown text and leaves every other character as it was written. */
import type { Nodes } from 'mdast'
import { parseMarkdown, sourceOf } from './parse.ts'

/**
 * Text in place of the node's source, whose lines have the marks of lists and quotes around it already. `lines`: a text made
 * anew, whose lines get these marks. `around`: what stands before and after the children, which are visited as well.
 * `gone`: nothing, and no empty lines in its place.
 */
export type Replacement = string | { lines: string } | { around: [head: string, tail: string] } | { gone: true }

export type Replace = (node: Nodes, source: string) => Replacement | undefined

export function rewrite(markdown: string, replace: Replace): string {
  let result = ''
  let at = 0
  const write = (from: number, to: number, text: string) => {
    result += markdown.slice(at, from) + text
    at = to
  }
  const visit = (node: Nodes): void => {
    const start = node.position?.start.offset
    const end = node.position?.end.offset
    const found = start === undefined ? undefined : replace(node, sourceOf(node, markdown))
    const children = 'children' in node ? node.children : []
    if (found === undefined || start === undefined || end === undefined || start < at) {
      for (const child of children) visit(child)
      return
    }
    if (typeof found === 'string') write(start, end, found)
    else if ('gone' in found) {
      const after = /^(?:[^\S\n]*\n)*/.exec(markdown.slice(end))?.[0].length ?? 0
      write(start, end + after, '')
      if (at === markdown.length) result = result.trimEnd()
    } else if ('lines' in found) write(start, end, found.lines.replaceAll('\n', `\n${linePrefix(markdown, start)}`))
    else {
      const [head, tail] = found.around
      write(start, children.at(0)?.position?.start.offset ?? end, head)
      for (const child of children) visit(child)
      write(children.at(-1)?.position?.end.offset ?? end, end, tail)
    }
  }
  visit(parseMarkdown(markdown))
  return result + markdown.slice(at)
}

/** What stands before `offset` in its line, as a line that goes on there has it. */
function linePrefix(markdown: string, offset: number): string {
  const line = markdown.slice(markdown.lastIndexOf('\n', offset - 1) + 1, offset)
  return /^[\s>*+\-.)\d]*$/.test(line) ? line.replaceAll(/[^>\s]/g, ' ') : ''
}
