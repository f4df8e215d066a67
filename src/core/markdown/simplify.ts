/**
 * For platforms that read Markdown, but not all of it (Discord, Slack, Teams): what they cannot show becomes what they can, the
 * rest stands as it was written.
 */
import type { Nodes, Table } from 'mdast'
import { escapeMarkdown, fenced, withoutMentions } from './escape.ts'
import { isLineBreak, parseMarkdown, safeUrl, sourceOf } from './parse.ts'
import { alignedTable, type TableLimits, tableFits, tableRecords } from './table.ts'

export interface SimplifyOptions {
  /** The deepest heading that the platform knows; deeper ones become bold. */
  headings: number
  /** Characters of a code block's line before a table becomes a list of rows. */
  tableColumns?: number
  /** The platform draws tables of this size, outside of lists and quotes. Absent: none. */
  tables?: TableLimits
}

export function simplify(markdown: string, options: SimplifyOptions): string {
  const { headings, tableColumns, tables } = options
  return rewrite(markdown, (node, source) => {
    switch (node.type) {
      case 'table':
        if (tables === undefined || node.position?.start.column !== 1 || !tableFits(node, tables))
          return simpleTable(node, tableColumns)
        // A line break would end the row.
        return lineBreaks.test(source) ? simplify(source.replaceAll(lineBreaks, ' '), options) : undefined
      case 'heading':
        return node.depth > headings ? `**${withoutMentions(headingText(source))}**` : undefined
      case 'image':
        return simpleLink(node.alt || node.url, node.url)
      case 'link':
        if (safeUrl(node.url) === undefined) return escapeMarkdown(source)
        // A bare address stays one: it may not contain invisible characters.
        if (source.startsWith('[')) return undefined
        return node.url.startsWith('mailto:') ? source : source.replaceAll(/@(?=everyone|here)/gi, '%40')
      case 'definition':
        return safeUrl(node.url) === undefined ? escapeMarkdown(source) : undefined
      case 'html':
        return isLineBreak(node.value) ? '\n' : withoutMentions(source).replaceAll('<', String.raw`\<`)
      case 'text':
        return withoutMentions(source)
      default:
        return undefined
    }
  })
}

const lineBreaks = /<br\s*\/?>/gi

const headingText = (source: string) =>
  source
    .replace(/^#{1,6}[ \t]*/, '')
    .replace(/[ \t]+#+[ \t]*$/, '')
    .replaceAll('**', '')

function simpleLink(words: string, url: string): string {
  const safe = safeUrl(url)
  return safe === undefined ? escapeMarkdown(words) : `[${escapeMarkdown(words)}](${safe})`
}

function simpleTable(table: Table, tableColumns: number | undefined): string {
  const aligned = alignedTable(table, tableColumns)
  if (aligned !== undefined) return fenced(aligned)
  const records = tableRecords(table).map((record) =>
    record
      .map(
        ({ heading, value }, at) => `${at === 0 ? '- ' : '  '}**${escapeMarkdown(heading)}** ${escapeMarkdown(value)}`,
      )
      .join('\n'),
  )
  return records.join('\n')
}

/**
 * Replaces the source of each node for which `replace` answers a text, and leaves every other character as it is. The lines of
 * a table get the indentation and the quote marks of the place it stands in; other replacements come from the source and have
 * them.
 */
export function rewrite(markdown: string, replace: (node: Nodes, source: string) => string | undefined): string {
  let result = ''
  let at = 0
  const visit = (node: Nodes): void => {
    const start = node.position?.start.offset
    const end = node.position?.end.offset
    const text = start === undefined ? undefined : replace(node, sourceOf(node, markdown))
    if (text !== undefined && start !== undefined && end !== undefined && start >= at) {
      const built = node.type === 'table' || text === '\n'
      result += markdown.slice(at, start) + (built ? text.replaceAll('\n', `\n${linePrefix(markdown, start)}`) : text)
      at = end
    } else if ('children' in node) for (const child of node.children) visit(child)
  }
  visit(parseMarkdown(markdown))
  return result + markdown.slice(at)
}

/** What stands before `offset` in its line, as a line that goes on there has it. */
function linePrefix(markdown: string, offset: number): string {
  const line = markdown.slice(markdown.lastIndexOf('\n', offset - 1) + 1, offset)
  return /^[\s>*+\-.)\d]*$/.test(line) ? line.replaceAll(/[^>\s]/g, ' ') : ''
}
