/**
 * For platforms that read Markdown, but not all of it (Discord, Slack, Teams): what they cannot show becomes what they can, the
 * rest stands as it was written.
 */
import type { Nodes, Table } from 'mdast'
import { escapeMarkdown, fenced, withoutMentions } from './escape.ts'
import { mathAsText } from './math.ts'
import { isLineBreak, parseMarkdown, plainText, safeUrl, sourceOf } from './parse.ts'
import { type Notes, referencesOf } from './references.ts'
import { type Replacement, rewrite } from './rewrite.ts'
import { alignedTable, type TableLimits, tableFits, tableRecords, wrappedTable } from './table.ts'

export interface SimplifyOptions {
  /** The deepest heading that the platform knows; deeper ones become bold. */
  headings: number
  /** Characters of a code block's line before a table becomes a list of rows. */
  tableColumns?: number
  /** The platform draws tables of this size, outside of lists and quotes. Absent: none. */
  tables?: TableLimits
  /** The platform knows no quotes within quotes, and none without a mark on each line. */
  flatQuotes?: boolean
  /** The platform typesets formulas between dollar signs. */
  math?: boolean
}

export function simplify(markdown: string, options: SimplifyOptions): string {
  return simplified(options.math === true ? markdown : mathAsText(markdown), options, 0)
}

function simplified(markdown: string, options: SimplifyOptions, quotes: number): string {
  const references = referencesOf(markdown)
  /** A note that ends its sentence takes the place of the period after it. */
  let sentenceEnded = false
  const again = (text: string) => simplified(text, options, quotes)
  return rewrite(markdown, (node, source) => {
    const afterNote = sentenceEnded
    sentenceEnded = false
    switch (node.type) {
      case 'table':
        if (!isDrawn(node, options.tables)) return { lines: simpleTable(node, options.tableColumns) }
        // A line break would end the row.
        return source.search(lineBreaks) >= 0 ? again(source.replaceAll(lineBreaks, ' ')) : undefined
      case 'code':
        return /^`{3,}/.test(source) ? undefined : { lines: fenced(node.value, node.lang ?? '') }
      case 'heading':
        return simpleHeading(node.depth, options.headings, source, again)
      case 'blockquote':
        return options.flatQuotes ? { lines: flatQuote(source, options, quotes) } : undefined
      case 'listItem':
        return simpleItem(node, markdown)
      case 'strong':
        // Some platforms underline what stands between two underscores.
        return source.startsWith('__') ? { around: ['**', '**'] } : undefined
      case 'delete':
        return source.startsWith('~~') ? undefined : { around: ['~~', '~~'] }
      case 'break':
        return source.startsWith('\\') ? source.replace('\\', '  ') : undefined
      case 'image':
        return simpleLink(node.alt || node.url, node.url)
      case 'link':
        return simplerLink(node, source)
      case 'linkReference':
      case 'imageReference': {
        const url = references.urlOf(node)
        if (url === undefined) return undefined
        const words = node.type === 'imageReference' ? escapeMarkdown(node.alt ?? '') : wordsOf(node, markdown, again)
        return safeUrl(url) === undefined ? escapeMarkdown(source) : `[${words}](${safeUrl(url)})`
      }
      case 'definition':
        if (references.isInlined(node)) return { gone: true }
        return safeUrl(node.url) === undefined ? escapeMarkdown(source) : undefined
      case 'footnoteReference': {
        const note = noteOf(node, references, again)
        sentenceEnded = /[.!?]\)$/.test(note)
        return note
      }
      case 'footnoteDefinition':
        return references.noteText(node.identifier) !== undefined
          ? { gone: true }
          : { around: [`${references.numberOf(node.identifier)} `, ''] }
      case 'html':
        return isLineBreak(node.value) ? { lines: '\n' } : withoutMentions(source).replaceAll('<', String.raw`\<`)
      case 'text':
        return withoutMentions(withoutEntities(afterNote ? source.replace(/^\./, '') : source))
      default:
        return undefined
    }
  })
}

const lineBreaks = /<br\s*\/?>/gi

const isDrawn = (table: Table, limits: TableLimits | undefined) =>
  limits !== undefined && table.position?.start.column === 1 && tableFits(table, limits)

function simpleHeading(
  depth: number,
  deepest: number,
  source: string,
  again: (text: string) => string,
): Replacement | undefined {
  const words = source
    .replace(/^#{1,6}[ \t]*/, '')
    .replace(/[ \t]+#+[ \t]*$/, '')
    // The line below a title: https://spec.commonmark.org/0.31.2/#setext-headings
    .replace(/\n[ \t>]*(?:=+|-+)[ \t]*$/, '')
    .replaceAll(/\s*\n[ \t>]*/g, ' ')
  if (depth > deepest) return `**${again(words.replaceAll('**', ''))}**`
  const plain = `${'#'.repeat(depth)} ${words}`
  return plain === source ? undefined : `${'#'.repeat(depth)} ${again(words)}`
}

/** Ticked boxes as signs, and marks that every platform knows: `-` and `1.`. */
function simpleItem(item: Extract<Nodes, { type: 'listItem' }>, markdown: string): Replacement | undefined {
  const from = item.position?.start.offset
  const to = item.children.at(0)?.position?.start.offset
  if (from === undefined || to === undefined) return undefined
  const head = markdown.slice(from, to)
  const simple = head
    .replace(/^\+/, '-')
    .replace(/^(\d+)\)/, '$1.')
    .replace(/\[[ xX]\](?=\s)/, item.checked ? '☑' : '☐')
  return simple === head ? undefined : { around: [simple, ''] }
}

/** What a quote within a quote begins with, and how many levels are told apart. */
const innerMark = '┃ '
const deepestQuote = 3

function flatQuote(source: string, options: SimplifyOptions, quotes: number): string {
  const deep = quotes >= deepestQuote - 1
  // Several marks without a space between are how people quote a whole text, or a prompt: one level.
  const mark = deep ? /^[ \t]*(?:>[ \t]?)+/ : /^[ \t]*>+ ?/
  const inner = source
    .split('\n')
    .map((line) => line.replace(mark, ''))
    .join('\n')
  const text = simplified(inner, options, quotes + 1)
  return text.replaceAll(/^/gm, quotes === 0 ? '> ' : innerMark)
}

function simpleLink(words: string, url: string): string {
  const safe = safeUrl(url)
  return safe === undefined ? escapeMarkdown(words) : `[${escapeMarkdown(words)}](${safe})`
}

function simplerLink(node: Extract<Nodes, { type: 'link' }>, source: string): string | undefined {
  if (safeUrl(node.url) === undefined) return escapeMarkdown(source)
  if (source.startsWith('[')) {
    const words = node.children.map(plainText).join('')
    // An address as the words of a link is shown with all its marks, because the two could differ.
    if (words === '' || words === node.url) return safeUrl(node.url)
    return /^https?:\/\//.test(words) ? simpleLink(words.replace(/^https?:\/\//, ''), node.url) : undefined
  }
  // A bare address stays one: it may not contain invisible characters.
  return node.url.startsWith('mailto:') ? source : source.replaceAll(/@(?=everyone|here)/gi, '%40')
}

function wordsOf(node: Extract<Nodes, { type: 'linkReference' }>, markdown: string, again: (text: string) => string) {
  return again(node.children.map((child) => sourceOf(child, markdown)).join(''))
}

function noteOf({ identifier }: { identifier: string }, references: Notes, again: (text: string) => string): string {
  const text = references.noteText(identifier)
  return text === undefined ? references.numberOf(identifier) : ` (${again(text)})`
}

/** `&nbsp;`, `&amp;` and the like as the characters that they stand for. */
function withoutEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(/&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,31});/g, (entity) => {
    const sign = plainText(parseMarkdown(entity))
    return sign === entity ? entity : escapeMarkdown(sign)
  })
}

/** Where a row is longer than this, each of the table's cells has a line. */
const maxRowLine = 160

function simpleTable(table: Table, tableColumns: number | undefined): string {
  const block = alignedTable(table, tableColumns) ?? wrappedTable(table, tableColumns)
  if (block !== undefined) return fenced(block)
  const rows = tableRecords(table).map((record) =>
    record.map(({ heading, value }) => escapeMarkdown(heading === '' ? value : `${heading}: ${value}`)),
  )
  const short = rows.map(([first = '', ...others]) => [`- **${first}**`, ...others].join(' · '))
  if (short.every((line) => line.length <= maxRowLine)) return short.join('\n')
  return rows
    .map(([first = '', ...others]) => [`- **${first}**`, ...others.map((each) => `  - ${each}`)].join('\n'))
    .join('\n')
}

/**
 * A bound for what becomes of a text on a platform, in characters of JSON, told without parsing: reading a long Markdown text
 * takes many milliseconds. `undefined` where tables or references may make it much longer.
 */
export function formattedAtMost(markdown: string): number | undefined {
  if (/^(?=[^\n]*\|)(?=[^\n]*-)[ \t>|:-]+$/m.test(markdown) || /^[ \t>]*\[[^\]\n]+\]:/m.test(markdown)) return undefined
  let chars = markdown.length
  // Formulas, entities, pictures and addresses that are no links have all their signs escaped.
  const escapes = /[$&\\]|!\[|\]\((?!<?(?:https?:|mailto:))/i.test(markdown)
  const growing = escapes ? /[\n$_]|[^\w\s.,;:!?'-]/g : /[\n<>"@|~_()#]/g
  // Line breaks are made hard, formulas become code.
  for (const [sign] of markdown.matchAll(growing)) chars += sign === '$' ? 8 : 3
  // Rules become ten characters, and so does a deep heading without words: its bold marks read as a rule.
  for (const [line] of markdown.matchAll(/^(?:[ \t>+*_#-]|\d{1,9}[.)])+$/gm))
    if (/(?:[*_#-].*){3}/.test(line)) chars += 10
  // A fence is written again, and closed where its end is missing.
  for (const [fence] of markdown.matchAll(/`{3,}|~{3,}/g)) chars += 8 + fence.length
  // Indented code gets fences, longer than any row of backticks in it.
  let indented = 0
  for (const _ of markdown.matchAll(/^.*?(?: {4}|\t)/gm)) indented += 1
  if (indented > 0) chars += 12 * indented + 2 * (markdown.split('`').length - 1)
  return chars
}
