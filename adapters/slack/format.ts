/**
 * Pure: answers and notices → Slack blocks. Slack renders Markdown itself (`markdown_text`, the markdown block) except for
 * tables. Footnotes and receipts are context lines in Slack's mrkdwn.
 */

import { encodeAction, type Notice } from '../../src/core/command.ts'
import { withoutMentions } from '../../src/core/markdown/escape.ts'
import { simplify } from '../../src/core/markdown/simplify.ts'
import { sourceLines } from '../../src/core/markdown/sources.ts'
import { type Dialect, translate } from '../../src/core/markdown/translate.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'
import { chatWording } from '../../src/wording/chat.ts'

/** The limit of `markdown_text`, and of all markdown blocks of a message together. */
export const slackMaxChars = 12_000
/** The limit for the reply writer; lower, because aligning a table makes it longer. */
export const replyChars = 9000
/** The limit of a text object in a section or context block. */
const elementChars = 3000

export type Block = { type: string; [more: string]: unknown }

/** Markdown for Slack's markdown block: tables as aligned columns, no mentions. */
export function toSlackMarkdown(text: string): string {
  const formed = simplify(text, { headings: 6 })
  if (formed.length <= slackMaxChars) return formed
  const plain = withoutMentions(text)
  return plain.length <= slackMaxChars ? plain : `${plain.slice(0, slackMaxChars - 1).toWellFormed()}…`
}

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

/** The text of a push notification. */
export function toNotification(markdown: string): string {
  return cut(toMrkdwn(markdown.slice(0, 1500)), 1000)
}

export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`
}

export function textBlocks(markdown: string): Block[] {
  return [{ type: 'markdown', text: toSlackMarkdown(markdown) }]
}

export function context(lines: string[]): Block[] {
  const shown = lines.filter((line) => line !== '')
  if (shown.length === 0) return []
  return [{ type: 'context', elements: [{ type: 'mrkdwn', text: cut(shown.join('\n'), elementChars) }] }]
}

/** The Slack link of a cited file. A source with its own URL does not need one. */
export type LinkOf = (citation: Citation) => string | undefined

export function footnotes(citations: Citation[], linkOf: LinkOf): Block[] {
  const { lines, left } = sourceLines(citations, 2000)
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]))
  const footnoteLines = lines.map(({ n, place, url }) => {
    const citation = byNumber.get(n)
    const link = url ?? (citation === undefined ? undefined : linkOf(citation))
    const words = escaped(place).replaceAll('|', '¦')
    return `[${n}] ${link === undefined ? words : `<${link.replaceAll('&', '&amp;')}|${words}>`}`
  })
  return context([...footnoteLines, left === 0 ? '' : chatWording.moreSources(left)])
}

/** What the reader must know about the answer: files that were not read, limits, fallbacks. */
export function receiptLines({ attachments, notices }: Receipt): string[] {
  const unread = attachments.filter(({ outcome }) => outcome !== 'read')
  const countOf = (outcome: string) => attachments.filter((each) => each.outcome === outcome).length
  return [
    ...(attachments.length === 0
      ? []
      : [chatWording.files({ read: countOf('read'), partly: countOf('partly'), skipped: countOf('skipped') })]),
    ...unread.map(({ name, summary }) => `• ${escaped(name)}: ${escaped(summary)}`),
    ...notices.map((notice) => `_${escaped(notice)}_`),
  ]
}

/** The blocks below the text of a finished message. */
export function tail(message: OutgoingMessage, linkOf: LinkOf): Block[] {
  const { citations, end, turnId } = message
  return [
    ...footnotes(citations, linkOf),
    ...(end === undefined ? [] : [...context(receiptLines(end.receipt)), ...endButtons(turnId, end.state)]),
  ]
}

const { buttons } = chatWording

type EndState = NonNullable<OutgoingMessage['end']>['state']

function endButtons(turnId: string, state: EndState): Block[] {
  const again = turnButton('regenerate', state === 'failed' ? buttons.tryAgain : buttons.regenerate, turnId)
  if (state === 'failed') return [{ type: 'actions', elements: [again] }]
  return [
    {
      type: 'actions',
      elements: [
        again,
        turnButton('cheaper', buttons.cheaper, turnId),
        turnButton('better', buttons.better, turnId),
        turnButton('why', buttons.why, turnId),
      ],
    },
    {
      type: 'context_actions',
      elements: [
        {
          type: 'feedback_buttons',
          action_id: 'parley:feedback',
          positive_button: {
            text: plainText(buttons.good),
            accessibility_label: buttons.good,
            value: `good:${turnId}`,
          },
          negative_button: { text: plainText(buttons.bad), accessibility_label: buttons.bad, value: `bad:${turnId}` },
        },
      ],
    },
  ]
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

export interface NoticeContent {
  text: string
  blocks: Block[]
}

export function noticeContent({ text, buttons = [] }: Notice): NoticeContent {
  const words = text.trim() === '' ? chatWording.done : text
  const fitting = buttons.filter(({ action }) => encodeAction(action).length <= maxValueChars).slice(0, buttonsInRow)
  const elements = fitting.map(({ label, action, style }, at) => ({
    type: 'button',
    action_id: `parley:${at}:${action.kind}`,
    text: plainText(label),
    value: encodeAction(action),
    style: style ? style : undefined,
  }))
  return {
    text: toNotification(words),
    blocks: [...textBlocks(words), ...(elements.length === 0 ? [] : [{ type: 'actions', elements }])],
  }
}
