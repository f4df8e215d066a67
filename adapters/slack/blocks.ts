/**
 * Pure: Slack's blocks → Markdown. Tables keep their rows and empty cells. The blocks of Slack's own composer repeat the
 * message's text, those of bots usually say more than it.
 * https://docs.slack.dev/reference/block-kit/blocks
 */
import { type Names, toMarkdown } from './mrkdwn.ts'

type Fields = Record<string, unknown>

/** Deeper nesting than Slack allows is not read. */
const maxDepth = 12

export function blocksMarkdown(blocks: readonly unknown[], names?: Names): string {
  return blocks
    .map((block) => blockMarkdown(block, names))
    .filter((text) => text !== '')
    .join('\n')
}

/** The tables alone: the text of a message is without them. */
export function tablesMarkdown(blocks: readonly unknown[], names?: Names): string[] {
  return blocks
    .filter(isFields)
    .filter(isTable)
    .map((block) => tableMarkdown(block, names))
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const isTable = ({ type }: Fields): boolean => type === 'table' || type === 'data_table'

function blockMarkdown(block: unknown, names: Names | undefined): string {
  if (!isFields(block)) return ''
  if (isTable(block)) return tableMarkdown(block, names)
  if (block.type === 'markdown') return textOf(block.text)
  if (block.type === 'image') return imageText(block)
  if (block.type === 'rich_text') return toMarkdown(richText(block), names).trim()
  return toMarkdown(wordsIn(block, 0).join('\n'), names)
}

function tableMarkdown(block: Fields, names: Names | undefined): string {
  const rows = listOf(block.rows).map((row) => listOf(row).map((cell) => cellText(cell, names)))
  const width = Math.max(0, ...rows.map((row) => row.length))
  if (width === 0) return ''
  const lineOf = (cells: string[]) => `| ${Array.from({ length: width }, (_, at) => cells[at] ?? '').join(' | ')} |`
  const [header = [], ...body] = rows
  const caption = textOf(block.caption)
  const lines = [lineOf(header), lineOf(Array.from({ length: width }, () => '---')), ...body.map(lineOf)]
  return [...(caption === '' ? [] : [`**${caption}**`]), lines.join('\n')].join('\n\n')
}

function cellText(cell: unknown, names: Names | undefined): string {
  if (!isFields(cell)) return ''
  const raw =
    cell.type === 'rich_text' ? toMarkdown(richText(cell), names) : textOf(cell.text) || String(cell.value ?? '')
  return raw
    .trim()
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')
}

function imageText({ alt_text: alt, title }: Fields): string {
  const words = [isFields(title) ? textOf(title.text) : textOf(title), textOf(alt)].filter((word) => word !== '')
  return words.length === 0 ? '' : `[image: ${[...new Set(words)].join('. ')}]`
}

/** The words of any other block, in their order; buttons and menus say nothing. */
function wordsIn(value: unknown, depth: number): string[] {
  if (depth > maxDepth) return []
  if (Array.isArray(value)) return value.flatMap((each) => wordsIn(each, depth + 1))
  if (!isFields(value)) return []
  if (value.type === 'actions' || value.type === 'context_actions' || value.type === 'button') return []
  if (value.type === 'image') return [imageText(value)].filter((word) => word !== '')
  if (value.type === 'rich_text') return [richText(value)]
  if (typeof value.text === 'string') return [value.text]
  return Object.values(value).flatMap((each) => wordsIn(each, depth + 1))
}

/** Rich text as mrkdwn. */
function richText({ elements }: Fields): string {
  return listOf(elements)
    .filter(isFields)
    .map((part) => {
      if (part.type === 'rich_text_list')
        return listOf(part.elements)
          .map((item) => `• ${inline(item)}`)
          .join('\n')
      if (part.type === 'rich_text_preformatted') return `\`\`\`${inline(part)}\`\`\``
      if (part.type === 'rich_text_quote') return inline(part).replaceAll(/^/gm, '> ')
      return inline(part)
    })
    .join('\n')
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function inline(part: unknown): string {
  if (!isFields(part)) return ''
  return listOf(part.elements)
    .filter(isFields)
    .map((element) => {
      const { type } = element
      if (type === 'link')
        return `<${escaped(textOf(element.url))}${element.text ? `|${escaped(textOf(element.text))}` : ''}>`
      if (type === 'user') return `<@${textOf(element.user_id)}>`
      if (type === 'channel') return `<#${textOf(element.channel_id)}>`
      if (type === 'usergroup') return `<!subteam^${textOf(element.usergroup_id)}>`
      if (type === 'broadcast') return `<!${textOf(element.range)}>`
      if (type === 'emoji') return `:${textOf(element.name)}:`
      return escaped(textOf(element.text) || textOf(element.fallback))
    })
    .join('')
}
