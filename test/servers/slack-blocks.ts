/**
 * Slack's limits of blocks and views, on every call that carries some. Sources: https://docs.slack.dev/reference/block-kit/blocks
 * and https://docs.slack.dev/surfaces/modals. The limit of a whole message is not documented; it is as reported in
 * https://github.com/slackapi/bolt-js/issues/2509.
 */
import { SlackRefusal } from './slack-refusal.ts'

type Loose = Record<string, unknown>

const maxBlocks = 50
const maxViewBlocks = 100
export const maxMarkdown = 12_000
const maxMessage = 13_200

const list = (value: unknown): Loose[] => (Array.isArray(value) ? value : [])
const wordsOf = (text: unknown): string =>
  typeof text === 'object' && text !== null && 'text' in text ? String(text.text) : ''

export function checkBlocks(blocks: Loose[], most = maxBlocks): void {
  const markdown = blocks.filter(({ type }) => type === 'markdown').map(({ text }) => String(text))
  if (markdown.join('').length > maxMarkdown) throw new SlackRefusal('msg_blocks_too_long')
  const said = JSON.stringify(blocks)
  if (most === maxBlocks && said.length > maxMessage) throw new SlackRefusal('msg_blocks_too_long')
  if (/<!(?:channel|here|everyone)/.test(said)) throw new SlackRefusal('stand_in_saw_a_ping')
  if (blocks.length > most || !blocks.every(isBlock)) throw new SlackRefusal('invalid_blocks')
}

const within = (text: unknown, most: number) => wordsOf(text).length > 0 && wordsOf(text).length <= most

function isBlock(block: Loose): boolean {
  const elements = list(block.elements)
  switch (block.type) {
    case 'section':
      return within(block.text, 3000)
    case 'header':
      return within(block.text, 150)
    case 'context':
      return elements.length >= 1 && elements.length <= 10 && elements.every((each) => within(each, 3000))
    case 'actions': {
      const ids = new Set(elements.map(({ action_id }) => action_id))
      return ids.size === elements.length && ids.size >= 1 && ids.size <= 25 && elements.every(isElement)
    }
    case 'table': {
      const rows = Array.isArray(block.rows) ? (block.rows as Loose[][]) : []
      const filled = rows.flat().every((cell) => cell.type !== 'raw_text' || wordsOf(cell).length > 0)
      return filled && rows.length >= 1 && rows.length <= 100 && rows.every((row) => row.length <= 20)
    }
    case 'rich_text':
      return elements.length >= 1
    default:
      return ['markdown', 'divider', 'input', 'image', 'context_actions', 'file'].includes(String(block.type))
  }
}

function isElement({ type, text, value, accessibility_label: label, options }: Loose): boolean {
  if (type === 'overflow')
    return (
      list(options).length >= 1 &&
      list(options).length <= 5 &&
      list(options).every((option) => wordsOf(option.text).length <= 75 && String(option.value).length <= 150)
    )
  if (type !== 'button') return true
  return within(text, 75) && String(value ?? '').length <= 2000 && String(label ?? '').length <= 75
}

export function checkView(view: Loose): void {
  checkBlocks(list(view.blocks), maxViewBlocks)
  if (wordsOf(view.title).length > 24 || String(view.private_metadata ?? '').length > 3000)
    throw new SlackRefusal('invalid_arguments')
}
