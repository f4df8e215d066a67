/**
 * Pure: the words of a card, in the order in which people read them. Cards of all kinds (adaptive, hero, thumbnail, receipt,
 * list, connector) name their parts alike, so one reader serves them; kinds to come are read as far as they do.
 * https://adaptivecards.microsoft.com/?topic=AdaptiveCard
 * https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
 */
import { readHtml } from './html.ts'

/** What a part says itself, in this order. */
const ownWords = [
  ...['title', 'activityTitle', 'subtitle', 'subTitle', 'activitySubtitle', 'text', 'activityText', 'label'],
  ...['altText', 'alt', 'price', 'tax', 'total'],
]
/** Where a part has its parts, in this order. */
const inner = [
  ...['image', 'images', 'body', 'items', 'columns', 'rows', 'cells', 'facts', 'sections', 'pages', 'data'],
  ...['buttons', 'actions', 'potentialAction', 'card'],
]
/** Of the older cards: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions */
const buttons = new Set(['openUrl', 'imBack', 'postBack', 'messageBack', 'invoke', 'signin'])
const deepest = 20
const maxChars = 20_000

/** `undefined` where it has none. `content`: the card, or its JSON. */
export function wordsOfCard(content: unknown): string | undefined {
  const said = linesOf(parsed(content), 0)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const words = said.join('\n').slice(0, maxChars).toWellFormed()
  return words === '' ? undefined : words
}

/** Cards are objects in activities, and JSON in messages of Graph. */
export function parsed(content: unknown): unknown {
  if (typeof content !== 'string') return content
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

type Part = Record<string, unknown>

function linesOf(part: unknown, depth: number): string[] {
  if (depth > deepest) return []
  if (Array.isArray(part)) return part.flatMap((each) => linesOf(each, depth + 1))
  if (typeof part === 'string') return [wordsIn(part)]
  if (!isPart(part)) return []
  const type = typeof part.type === 'string' ? part.type : ''
  if (type === 'RichTextBlock') return [listIn(part, 'inlines').map(inlineWords).join('')]
  if (type === 'Table') return tableLines(part, depth)
  if (type === 'ColumnSet') return columnLines(part, depth)
  if (type === 'CodeBlock') return ['```', ...(typeof part.codeSnippet === 'string' ? [part.codeSnippet] : []), '```']
  if ('value' in part && (type === '' || type === 'Fact')) return factLine(part)
  if (type.startsWith('Action.') || buttons.has(type)) return actionLines(part, depth)
  const own = ownWords.flatMap((name) => {
    const words = part[name]
    return typeof words === 'string' ? [wordsIn(words)] : []
  })
  const parts = inner.flatMap((name) => linesOf(part[name], depth + 1))
  const alone = own.length + parts.length === 0
  return alone
    ? ['summary', 'fallbackText', 'speak'].flatMap((name) => linesOf(part[name], depth + 1)).slice(0, 1)
    : [...own, ...parts]
}

/** A fact of a set, a value of a chart. */
function factLine(part: Part): string[] {
  const name = [part.title, part.name, part.key, part.legend, part.x].find((each) => typeof each === 'string')
  const value = typeof part.value === 'string' || typeof part.value === 'number' ? wordsIn(String(part.value)) : ''
  return [typeof name === 'string' && name !== value ? `${wordsIn(name)}: ${value}` : value]
}

/** A button: where it leads, or what it is called. */
function actionLines(part: Part, depth: number): string[] {
  const title = typeof part.title === 'string' ? part.title : ''
  const url = [part.url, part.value].find((each) => typeof each === 'string' && /^https?:/i.test(each))
  const button = title === '' ? [] : [typeof url === 'string' ? `[${title}](${url})` : `[${title}]`]
  return [...button, ...linesOf(part.card, depth + 1)]
}

function tableLines(part: Part, depth: number): string[] {
  const rows = listIn(part, 'rows').map((row) =>
    listIn(row, 'cells').map((cell) =>
      linesOf(cell, depth + 2)
        .join(' ')
        .replaceAll('\n', ' ')
        .replaceAll('|', '\\|'),
    ),
  )
  const columns = Math.max(0, ...rows.map(({ length }) => length))
  const [head, ...rest] = rows.map((cells) => `| ${cells.join(' | ')} |`)
  return head === undefined ? [] : [head, `|${' --- |'.repeat(columns)}`, ...rest]
}

/** Columns of one line each are a row of a table without lines. */
function columnLines(part: Part, depth: number): string[] {
  const columns = listIn(part, 'columns').map((column) => linesOf(column, depth + 1).filter((line) => line !== ''))
  return columns.every(({ length }) => length <= 1) ? [columns.flat().join(' | ')] : columns.flat()
}

const inlineWords = (part: unknown) =>
  typeof part === 'string' ? part : isPart(part) && typeof part.text === 'string' ? part.text : ''

function wordsIn(text: string): string {
  const dated = text.replaceAll(/\{\{(?:DATE|TIME)\(([^,)]+)[^)]*\)\}\}/g, '$1')
  return /<\/?[a-z][^>]*>/i.test(dated) ? readHtml(dated).text : dated
}

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null && !Array.isArray(value)

function listIn(part: unknown, name: string): unknown[] {
  const list = isPart(part) ? part[name] : undefined
  return Array.isArray(list) ? list : []
}
