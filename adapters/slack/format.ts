/**
 * Pure: answers and notices → Slack blocks. Slack renders Markdown itself (`markdown_text`, the markdown block), tables included.
 * Sources and receipts are context lines below.
 */

import { encodeAction, type Notice } from '../../src/core/command.ts'
import { withoutMentions } from '../../src/core/markdown/escape.ts'
import { mathAsText } from '../../src/core/markdown/math.ts'
import { simplify } from '../../src/core/markdown/simplify.ts'
import { type SourceLine, sourceLines, withLinkedNumbers } from '../../src/core/markdown/sources.ts'
import { type Dialect, translate } from '../../src/core/markdown/translate.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'
import { addressOf } from '../../src/core/source.ts'
import { chatWording } from '../../src/wording/chat.ts'

/** The limit of `markdown_text`, and of all markdown blocks of a message together. */
export const slackMaxChars = 12_000
/** The limit for the reply writer; lower, because links and aligned tables make it longer. */
export const replyChars = 9000
/**
 * All blocks of a message together. Slack does not document the limit; messages of about 13,200 characters were refused as
 * `msg_blocks_too_long`: https://github.com/slackapi/bolt-js/issues/2509
 */
const messageChars = 13_000
/** The limit of a text object in a section or context block. */
const elementChars = 3000
/**
 * What Slack draws as a table: https://docs.slack.dev/reference/block-kit/blocks/table-block. Larger ones become aligned text or
 * lists.
 */
const slackTables = { rows: 100, columns: 20, chars: 10_000 }

export type Block = { type: string; [more: string]: unknown }

/**
 * Markdown for Slack's markdown block and streams: numbers of citations link to their sources unless that makes it longer than
 * `max`, and nobody is mentioned.
 */
export function toSlackMarkdown(text: string, citations: readonly Citation[] = [], max = slackMaxChars): string {
  const formed = simplify(text, { headings: 6, tables: slackTables })
  const urls = new Map(citations.map((citation) => [citation.n, urlOf(citation)]))
  if ([...urls.values()].some((url) => url !== undefined)) {
    const linked = withLinkedNumbers(formed, (n) => urls.get(n))
    if (linked.length <= max) return linked
  }
  if (formed.length <= slackMaxChars) return formed
  const plain = withoutMentions(text)
  return plain.length <= slackMaxChars ? plain : `${plain.slice(0, slackMaxChars - 1).toWellFormed()}…`
}

/** A file of Slack opens in Slack, which knows no pages; other sources open at the cited place. */
const urlOf = (citation: Citation) =>
  ofSlack.test(citation.source.url ?? '') ? citation.source.url : addressOf(citation)
const ofSlack = /^https:\/\/(?:[\w-]+\.)*slack(?:-gov)?\.com\//

const escaped = (text: string) =>
  withoutMentions(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const mrkdwn: Dialect = {
  text: escaped,
  strong: (inner) => `*${inner}*`,
  emphasis: (inner) => `_${inner}_`,
  strike: (inner) => `~${inner}~`,
  code: (code) => `\`${escaped(code)}\``,
  fence: (code) => `\`\`\`\n${escaped(code)}\n\`\`\``,
  link: (inner, url) => `<${url.replaceAll('&', '&amp;')}|${inner.replaceAll('|', '¦')}>`,
  heading: (inner) => `*${inner}*`,
  quote: (inner) => inner.replaceAll(/^/gm, '&gt; '),
  bullet: (depth) => (depth === 0 ? '• ' : '◦ '),
  rule: '———',
}

export function toMrkdwn(markdown: string): string {
  return translate(markdown, mrkdwn)
}

/** A person or a channel that Parley names by its ID: Slack shows the name. */
const named = /(<(?:@[UW]|#[CG])[A-Z0-9]+>)/

/** Parley's own words: with the people and channels in them, but not in code, where they are what one types. */
export function noticeMrkdwn(markdown: string): string {
  const text = (words: string) =>
    words
      .split(named)
      .map((part) => (named.test(part) ? part : escaped(part)))
      .join('')
  return translate(mathAsText(markdown), { ...mrkdwn, text })
}

/** The text of a push notification, and what screen readers read: tables row by row, because neither aligns them. */
export function toNotification(markdown: string): string {
  return cut(toMrkdwn(simplify(markdown.slice(0, 1500), { headings: 6, tableColumns: 0 })), 1000)
}

export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`
}

/** What `chat.postMessage` and `chat.update` show. */
export interface Content {
  text: string
  blocks: Block[]
}

/**
 * The forms of a message, from the best to the plainest: Slack takes some blocks not everywhere. The last one has no blocks.
 * `under`: the blocks below the text.
 */
export function contentsOf(text: string, citations: readonly Citation[], under: Block[]): [Content, Content] {
  const max = Math.min(slackMaxChars, messageChars - JSON.stringify(under).length)
  const blocks = [{ type: 'markdown', text: toSlackMarkdown(text, citations, max) }, ...under]
  const plain = [toMrkdwn(mathAsText(text)), footnoteLines(citations, elementChars).join('\n')].filter(
    (part) => part !== '',
  )
  return [
    { text: toNotification(text), blocks },
    { text: plain.join('\n\n'), blocks: [] },
  ]
}

/** Lines of small print whose words stay as they are. */
export function smallPrint(lines: readonly string[]): Block[] {
  const shown = lines.filter((line) => line !== '')
  if (shown.length === 0) return []
  const text = cut(withoutMentions(shown.join('\n')), receiptChars)
  return [{ type: 'context', elements: [{ type: 'plain_text', text, emoji: false }] }]
}

/** As many as fit into `chars`, addresses counted. */
function footnoteLines(citations: readonly Citation[], chars: number): string[] {
  const { lines } = sourceLines([...citations], chars)
  const urls = new Map(citations.map((citation) => [citation.n, urlOf(citation)]))
  const shown: string[] = []
  let room = chars - 30
  for (const { n, place } of lines) {
    const url = urls.get(n)
    const words = escaped(place).replaceAll('|', '¦')
    const line = `[${n}] ${url === undefined ? words : `<${url.replaceAll('&', '&amp;')}|${words}>`}`
    room -= line.length + 1
    if (room < 0) break
    shown.push(line)
  }
  const left = citations.length - shown.length
  return left === 0 ? shown : [...shown, chatWording.moreSources(left)]
}

/** A style of Slack's mrkdwn: a mark at the start of a word. Slack has no way to escape it. */
const styled = /(?:^|[\s([{"'|])[*_~`]\S/

/** Where the answer's numbers lead. A name with marks in it needs rich text, which shows words as they are. */
export function footnotes(citations: readonly Citation[], chars = elementChars): Block[] {
  if (citations.length === 0) return []
  const { lines, left } = sourceLines([...citations], chars / 2)
  if (!lines.some(({ place }) => styled.test(place)))
    return [
      { type: 'context', elements: [{ type: 'mrkdwn', text: cut(footnoteLines(citations, chars).join('\n'), chars) }] },
    ]
  const urls = new Map(citations.map((citation) => [citation.n, urlOf(citation)]))
  const elements = lines.flatMap((line, at) => richLine(line, urls.get(line.n), at === 0 ? '' : '\n'))
  const more = left === 0 ? [] : [{ type: 'text', text: `\n${chatWording.moreSources(left)}` }]
  return [{ type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [...elements, ...more] }] }]
}

function richLine({ n, place }: SourceLine, url: string | undefined, before: string) {
  const number = { type: 'text', text: `${before}[${n}] ` }
  const text = withoutMentions(place)
  return [number, url === undefined ? { type: 'text', text } : { type: 'link', url, text }]
}

/** What the reader must know about the answer: files that were not read, limits, fallbacks. */
export function receiptLines({ attachments, notices }: Receipt): string[] {
  const unread = attachments.filter(({ outcome }) => outcome !== 'read')
  return [...unread.map((file) => chatWording.unreadFile(file)), ...notices].filter((line) => line !== '')
}

/** Characters for the receipt and the controls. */
const endChars = 2000
const receiptChars = 1000

/** The blocks below the text of a finished message. The text comes first: below a long one, fewer sources are named. */
export function tail({ text, citations, end, turnId }: OutgoingMessage): Block[] {
  const room = messageChars - toSlackMarkdown(text).length - endChars
  return [
    ...footnotes(citations, Math.max(1000, Math.min(elementChars, room))),
    ...(end === undefined ? [] : [...smallPrint(receiptLines(end.receipt)), controls(turnId, end)]),
  ]
}

const { buttons } = chatWording

/** Thumbs and one menu; under a stopped answer and under what is no answer, the one thing that helps. */
function controls(turnId: string, { state, receipt }: NonNullable<OutgoingMessage['end']>): Block {
  const again = turnButton('regenerate', buttons.tryAgain, turnId)
  if (state === 'failed' || receipt.error !== undefined) return { type: 'actions', elements: [again] }
  const thumbs = [thumb('good', '👍', buttons.good, turnId), thumb('bad', '👎', buttons.bad, turnId)]
  const option = (kind: 'regenerate' | 'cheaper' | 'better' | 'why' | 'mine') => ({
    text: plainText(buttons[kind]),
    value: `${kind}:${turnId}`,
  })
  const others = [option('cheaper'), option('better'), option('why'), option('mine')]
  const options = state === 'stopped' ? others : [option('regenerate'), ...others]
  const first = state === 'stopped' ? [again] : thumbs
  return { type: 'actions', elements: [...first, { type: 'overflow', action_id: 'parley:more', options }] }
}

function thumb(kind: 'good' | 'bad', sign: string, label: string, turnId: string) {
  return { ...turnButton(kind, sign, turnId), accessibility_label: label }
}

export function stopButton(turnId: string): Block[] {
  return [{ type: 'actions', elements: [{ ...turnButton('stop', buttons.stop, turnId), style: 'danger' }] }]
}

function turnButton(kind: string, label: string, turnId: string) {
  return { type: 'button', action_id: `parley:${kind}`, text: plainText(label), value: `${kind}:${turnId}` }
}

export function plainText(text: string) {
  return { type: 'plain_text', text: cut(text, 75), emoji: true }
}

/** Slack's limit for the value of a button. */
const maxValueChars = 2000
const buttonsInRow = 25

export function noticeContent({ text, buttons = [] }: Notice, more: object[] = []): Content {
  const words = text.trim() === '' ? chatWording.done : text
  const fitting = buttons.filter(({ action }) => encodeAction(action).length <= maxValueChars).slice(0, buttonsInRow)
  const elements = fitting.map(({ label, action, style }, at) => ({
    type: 'button',
    action_id: `parley:${at}:${action.kind}`,
    text: plainText(label),
    value: encodeAction(action),
    style: style ? style : undefined,
  }))
  const row = [...elements, ...more]
  const under = row.length === 0 ? [] : [{ type: 'actions', elements: row }]
  const mentioning = noticeMrkdwn(words)
  if (!named.test(words) || mentioning === toMrkdwn(mathAsText(words))) return contentsOf(words, [], under)[0]
  return { text: cut(mentioning, 1000), blocks: [...sections(mentioning), ...under] }
}

const sectionChars = 2900
const mostSections = 6

/** mrkdwn of any length, as blocks that Slack takes. */
export function sections(text: string): Block[] {
  const parts: string[] = []
  let rest = text
  while (rest.length > sectionChars && parts.length < mostSections - 1) {
    const at = rest.lastIndexOf('\n', sectionChars)
    const end = at > 0 ? at : sectionChars
    parts.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...parts, cut(rest, sectionChars)]
    .filter((part) => part.trim() !== '')
    .map((part) => ({ type: 'section', text: { type: 'mrkdwn', text: part } }))
}
