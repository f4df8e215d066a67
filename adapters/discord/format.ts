/**
 * Pure: a part of a reply → the text of one message of Discord's, at most 2,000 characters, whatever becomes of its tables.
 * Under the last part stand its sources and its receipt in small print.
 */
import { escapeMarkdown, withoutMentions } from '../../src/core/markdown/escape.ts'
import { rewrite } from '../../src/core/markdown/rewrite.ts'
import { formattedAtMost, simplify } from '../../src/core/markdown/simplify.ts'
import { linked, type SourceLine, sourceLines } from '../../src/core/markdown/sources.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Receipt } from '../../src/core/reply.ts'
import { shorten } from '../../src/core/text/shorten.ts'
import { noticeWording } from '../../src/wording/answers.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { discordReceipt } from '../../src/wording/discord.ts'

/** https://discord.com/developers/docs/resources/message#create-message */
export const maxContent = 2000
/** Characters of Markdown a part may have: aligned tables, sources and the receipt want room as well. */
export const maxMarkdown = 1500

/** Below a long text, and below a short one. */
const maxFooter = 480
const mostFooter = 1200

export function formatReply({ text, citations, end }: OutgoingMessage): string {
  const last = end === undefined ? [] : receiptLines(end.receipt)
  const shown = end?.receipt.error === undefined ? text : discordReceipt.error(text)
  const room = Math.min(mostFooter, Math.max(maxFooter, maxContent - discordMarkdown(shown).length - 1))
  const footer = small([...sourcesOf(citations, last, room), ...last], room)
  const whole = (body: string) => (footer === '' ? body : `${body}\n${footer}`)
  return whole(fitted(shown, maxContent - (footer === '' ? 0 : footer.length + 1)))
}

/**
 * A notice. It may name people and channels, but pings no one. One that is too long ends with a whole line, and with a line
 * that says where all of it is: in `file`.
 */
export function formatNotice(text: string, file?: string): { content: string; isCut: boolean } {
  const whole = fitting(text, maxContent)
  if (whole !== undefined) return { content: named(whole), isCut: false }
  const note = file === undefined ? '' : `\n-# ${discordReceipt.wholeIn(escapeMarkdown(file))}`
  const room = maxContent - note.length
  const lines = text.slice(0, room).split('\n')
  while (lines.length > 1) {
    lines.pop()
    const beginning = fitting(withFencesClosed(lines.join('\n').trimEnd()), room)
    if (beginning !== undefined && beginning !== '') return { content: named(beginning) + note, isCut: true }
  }
  return { content: named(shorten(withoutMentions(text), room)) + note, isCut: true }
}

const withFencesClosed = (text: string) =>
  (text.match(/^[ \t]*```/gm)?.length ?? 0) % 2 === 0 ? text : `${text}\n\`\`\``

const named = (text: string) => text.replaceAll(/<\u200B((?:@[!&]?|#)\d{15,20}>)/g, '<$1')

function fitted(markdown: string, room: number): string {
  return fitting(markdown, room) ?? shorten(withoutMentions(markdown), room)
}

/** The best form of `markdown` that fits: tables aligned, else row by row, else as they were written. */
function fitting(markdown: string, room: number): string | undefined {
  for (const form of forms) {
    const text = form(markdown)
    if (text.length <= room) return text
  }
  return undefined
}

const forms = [
  (markdown: string) => discordMarkdown(markdown),
  (markdown: string) => discordMarkdown(markdown, 0),
  (markdown: string) => withoutMentions(markdown),
]

/** Whether a part of a reply is one message, also with sources and a receipt below it. */
export function fits(markdown: string): boolean {
  const room = maxContent - maxFooter - 1
  const bound = formattedAtMost(markdown)
  return (bound !== undefined && bound <= room) || discordMarkdown(markdown).length <= room
}

/**
 * Discord supports most of Markdown. It underlines what stands between two underscores, hides what stands between two bars,
 * has no rules, no entities and no quotes within quotes, and ends a code block at the first three backticks:
 * https://support.discord.com/hc/en-us/articles/210298617
 */
export function discordMarkdown(markdown: string, tableColumns?: number): string {
  const simple = simplify(markdown, { headings: 3, tableColumns, flatQuotes: true })
  return rewrite(simple, (node, source) => {
    switch (node.type) {
      case 'thematicBreak':
        return '──────────'
      case 'code':
        return codeBlock(node.value, node.lang ?? '', source)
      case 'emphasis':
        // With an underscore within, as in a file's name, Discord shows the outer ones as they are.
        return source.startsWith('_') ? { around: ['*', '*'] } : undefined
      case 'text':
        return source
          .replaceAll('||', String.raw`\|\|`)
          .replaceAll('__', String.raw`\_\_`)
          .replaceAll(/^-#(?= )/gm, String.raw`\-#`)
      default:
        return undefined
    }
  })
}

/** Three backticks and one word are all that Discord reads before code. */
function codeBlock(code: string, language: string, source: string): { lines: string } | undefined {
  const name = /^[\w+.#-]+/.exec(language)?.[0] ?? ''
  const first = `\`\`\`${name}`
  if (source.split('\n', 1)[0] === first && !code.includes('```')) return undefined
  return { lines: `${first}\n${code.replaceAll('```', '`\u200B`\u200B`')}\n\`\`\`` }
}

/** Each file is named once, with all of its places: `[1] a.pdf, p. 3, [2] p. 7 · [3] b.xlsx, row 2`. */
function sourcesOf(citations: OutgoingMessage['citations'], after: string[], room: number): string[] {
  if (citations.length === 0) return []
  const { lines } = sourceLines(citations, Number.POSITIVE_INFINITY)
  const bySource = Map.groupBy(lines, ({ n }) => citations.find((each) => each.n === n)?.source.n)
  const inOrder = [...bySource.values()].flatMap((group) => group.map((line, at) => ({ line, isFirst: at === 0 })))
  const most = room - after.map((line) => `\n-# ${line}`).join('').length - '-# '.length
  let text = ''
  for (const [shown, { line, isFirst }] of inOrder.entries()) {
    const left = inOrder.length - shown
    const more = left > 1 ? ` · ${discordReceipt.moreSources(left - 1)}` : ''
    const before = text === '' ? '' : isFirst ? ' · ' : ', '
    const next = [line, { ...line, url: undefined }]
      .map((each) => `${text}${before}${sourceLine(each, isFirst)}`)
      .find((each) => each.length + more.length <= most)
    if (next === undefined)
      return [text === '' ? discordReceipt.sources(left) : `${text} · ${discordReceipt.moreSources(left)}`]
    text = next
  }
  return [text]
}

const sourceLine = ({ n, place, at, url }: SourceLine, isFirst: boolean) =>
  `[${n}] ${linked({ place: isFirst ? place : at, url })}`

/** What the reader must know, and the model. What it read and what it cost is behind "Why this answer?". */
function receiptLines({ model, notices, attachments }: Receipt): string[] {
  const unread = attachments.filter(({ outcome }) => outcome !== 'read').map((file) => chatWording.unreadFile(file))
  const lines = [...notices.map(marked), ...unread.map((line) => `⚠️ ${line}`)]
  return [...lines, ...(model === 'none' ? [] : [model])].map(escapeMarkdown)
}

/** What somebody did on purpose is no warning. */
const marked = (notice: string) => `${notice === noticeWording.stopped ? '⏹️' : '⚠️'} ${notice}`

/** Small print, every line of it; what does not fit is cut, never what is said above it. */
function small(lines: string[], most: number): string {
  let text = ''
  for (const line of lines) {
    const next = `-# ${line.replaceAll(/\s*\n\s*/g, ' ')}`
    const room = most - text.length - 1
    if (room < 20) break
    text += `${text === '' ? '' : '\n'}${shorten(next, room)}`
  }
  return text
}
