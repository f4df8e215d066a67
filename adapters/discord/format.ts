/**
 * Pure: a part of a reply → the text of one message of Discord's, at most 2,000 characters, whatever becomes of its tables.
 * Under the last part stand its sources and its receipt in small print.
 */
import { escapeMarkdown, withoutMentions } from '../../src/core/markdown/escape.ts'
import { rewrite } from '../../src/core/markdown/rewrite.ts'
import { formattedAtMost, simplify } from '../../src/core/markdown/simplify.ts'
import { linked, sourceLines } from '../../src/core/markdown/sources.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { AttachmentReceipt, Receipt } from '../../src/core/reply.ts'
import { shorten } from '../../src/core/text/shorten.ts'
import { discordReceipt } from '../../src/wording/discord.ts'

/** https://discord.com/developers/docs/resources/message#create-message */
export const maxContent = 2000
/** Characters of Markdown a part may have: aligned tables, sources and the receipt want room as well. */
export const maxMarkdown = 1500

const maxFooter = 400

export function formatReply({ text, citations, end }: OutgoingMessage): string {
  const last = end === undefined ? [] : receiptLines(end.receipt)
  const footer = small([...sourcesOf(citations, last), ...last])
  const whole = (body: string) => (footer === '' ? body : `${body}\n${footer}`)
  const shown = end?.receipt.error === undefined ? text : discordReceipt.error(text)
  return whole(fitted(shown, maxContent - (footer === '' ? 0 : footer.length + 1)))
}

/** A notice, cut to what fits. It may name people and channels, but pings no one. */
export function formatNotice(text: string): string {
  return fitted(text, maxContent).replaceAll(/<\u200B((?:@[!&]?|#)\d{15,20}>)/g, '<$1')
}

/** The best form of `markdown` that fits: tables aligned, else row by row, else as they were written. */
function fitted(markdown: string, room: number): string {
  for (const form of forms) {
    const text = form(markdown)
    if (text.length <= room) return text
  }
  return shorten(withoutMentions(markdown), room)
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
function discordMarkdown(markdown: string, tableColumns?: number): string {
  const simple = simplify(markdown, { headings: 3, tableColumns, flatQuotes: true })
  return rewrite(simple, (node, source) => {
    switch (node.type) {
      case 'thematicBreak':
        return '──────────'
      case 'code':
        return codeBlock(node.value, node.lang ?? '', source)
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

function sourcesOf(citations: OutgoingMessage['citations'], after: string[]): string[] {
  if (citations.length === 0) return []
  const room = maxFooter - after.join('\n-# ').length - 40
  const { lines, left } = sourceLines(citations, Math.max(0, room))
  const listed = lines.map((line) => `[${line.n}] ${linked(line)}`)
  if (left > 0) listed.push(discordReceipt.moreSources(left))
  return [listed.join(' · ')]
}

/** What the reader must know, and the model. What it read and what it cost is behind "Why this answer?". */
function receiptLines({ model, notices, attachments }: Receipt): string[] {
  const lines = [...notices.map((notice) => `⚠️ ${notice}`), ...filesNotRead(attachments)]
  return [...lines, ...(model === 'none' ? [] : [model])].map(escapeMarkdown)
}

function filesNotRead(files: AttachmentReceipt[]): string[] {
  return files
    .filter(({ outcome }) => outcome !== 'read')
    .map(({ name, outcome, summary, problems }) => {
      const why =
        outcome === 'partly' && problems.length > 0 ? problems.map(({ userMessage }) => userMessage).join(' ') : summary
      return `⚠️ ${why.includes(name) ? why : `${name}: ${why}`}`
    })
}

/** Small print, every line of it; what does not fit is cut, never what is said above it. */
function small(lines: string[]): string {
  let text = ''
  for (const line of lines) {
    const next = `-# ${line.replaceAll(/\s*\n\s*/g, ' ')}`
    const room = maxFooter - text.length - 1
    if (room < 20) break
    text += `${text === '' ? '' : '\n'}${shorten(next, room)}`
  }
  return text
}
