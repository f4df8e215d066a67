/**
 * Pure: a reply's Markdown → what Slack shows. Slack reads Markdown itself (`markdown_text`, the markdown block) but for
 * tables; footnotes, receipts and notices are context lines in Slack's own mrkdwn.
 */
import { withoutMentions } from '../../src/core/markdown/escape.ts'
import { simplify } from '../../src/core/markdown/simplify.ts'
import { sourceLines } from '../../src/core/markdown/sources.ts'
import { type Dialect, translate } from '../../src/core/markdown/translate.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'

/** Of `markdown_text`, and of all markdown blocks of a message together. */
export const slackMaxChars = 12_000
/** What the reply writer may put into one message: tables grow when they are aligned. */
export const replyChars = 9000
/** Of a text object in a section or a context. */
const elementChars = 3000

export type Block = { type: string; [more: string]: unknown }

/** Markdown as Slack's markdown block reads it: tables as aligned columns, nothing that calls anybody. */
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

/** What a notification on a phone shows. */
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
  const slackMessage = lines.filter((line) => line !== '')
  if (slackMessage.length === 0) return []
  return [{ type: 'context', elements: [{ type: 'mrkdwn', text: cut(slackMessage.join('\n'), elementChars) }] }]
}

/** Where Slack itself opens a source: a file that lies there. A source with an address of its own opens there. */
export type LinkOf = (citation: Citation) => string | undefined

export function footnotes(citations: Citation[], linkOf: LinkOf): Block[] {
  const { lines, left } = sourceLines(citations, 2000)
  const byNumber = new Map(citations.map((citation) => [citation.n, citation]))
  const told = lines.map(({ n, place, url }) => {
    const citation = byNumber.get(n)
    const link = url ?? (citation === undefined ? undefined : linkOf(citation))
    const words = escaped(place).replaceAll('|', '¦')
    return `[${n}] ${link === undefined ? words : `<${link.replaceAll('&', '&amp;')}|${words}>`}`
  })
  return context([...told, left === 0 ? '' : `and ${left} more`])
}

/** What the reader must know of how the answer came about: files that were not read, limits, fallbacks. */
export function receiptLines({ attachments, notices }: Receipt): string[] {
  const unread = attachments.filter(({ outcome }) => outcome !== 'read')
  const read = attachments.length - unread.length
  const counts = [
    read > 0 ? `${read} read` : '',
    ...(['partly', 'skipped'] as const).map((outcome) => {
      const count = unread.filter((each) => each.outcome === outcome).length
      return count === 0 ? '' : `${count} ${outcome === 'partly' ? 'partly read' : 'skipped'}`
    }),
  ].filter((part) => part !== '')
  const files = attachments.length === 0 ? [] : [`Files: ${counts.join(', ')}`]
  return [
    ...files,
    ...unread.map(({ name, summary }) => `• ${escaped(name)}: ${escaped(summary)}`),
    ...notices.map((notice) => `_${escaped(notice)}_`),
  ]
}

/** What stands under the text of a finished message. */
export function tail(message: OutgoingMessage, linkOf: LinkOf): Block[] {
  const { citations, end, turnId } = message
  return [
    ...footnotes(citations, linkOf),
    ...(end === undefined ? [] : [...context(receiptLines(end.receipt)), ...endButtons(turnId, end.state)]),
  ]
}

type EndState = NonNullable<OutgoingMessage['end']>['state']

function endButtons(turnId: string, state: EndState): Block[] {
  const again = turnButton('regenerate', state === 'failed' ? 'Try again' : 'Regenerate', turnId)
  if (state === 'failed') return [{ type: 'actions', elements: [again] }]
  return [
    {
      type: 'actions',
      elements: [
        again,
        turnButton('cheaper', 'Cheaper model', turnId),
        turnButton('better', 'Better model', turnId),
        turnButton('why', 'Why?', turnId),
      ],
    },
    {
      type: 'context_actions',
      elements: [
        {
          type: 'feedback_buttons',
          action_id: 'parley:feedback',
          positive_button: {
            text: plainText('Good answer'),
            accessibility_label: 'Good answer',
            value: `good:${turnId}`,
          },
          negative_button: { text: plainText('Bad answer'), accessibility_label: 'Bad answer', value: `bad:${turnId}` },
        },
      ],
    },
  ]
}

export function stopButton(turnId: string): Block[] {
  return [{ type: 'actions', elements: [{ ...turnButton('stop', 'Stop', turnId), style: 'danger' }] }]
}

function turnButton(kind: string, label: string, turnId: string) {
  return { type: 'button', action_id: `parley:${kind}`, text: plainText(label), value: `${kind}:${turnId}` }
}

export function plainText(text: string) {
  return { type: 'plain_text', text: cut(text, 75), emoji: true }
}
