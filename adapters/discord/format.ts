/**
 * Pure: a part of a reply → the text of one message of Discord's, at most 2,000 characters, whatever becomes of its tables.
 * Under the last part stand its sources and its receipt in small print.
 */
import { escapeMarkdown, withoutMentions } from '../../src/core/markdown/escape.ts'
import { rewrite, simplify } from '../../src/core/markdown/simplify.ts'
import { linked, sourceLines } from '../../src/core/markdown/sources.ts'
import { formatUsd } from '../../src/core/money.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { AttachmentReceipt, Receipt } from '../../src/core/reply.ts'
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
  return whole(fitted(text, maxContent - (footer === '' ? 0 : footer.length + 1)))
}

/** A notice, cut to what fits. It may name people and channels, but pings no one. */
export function formatNotice(text: string): string {
  return fitted(text, maxContent).replaceAll(/<\u200B((?:@[!&]?|#)\d{15,20}>)/g, '<$1')
}

/** The best form of `markdown` that fits: tables aligned, else row by row, else as they were written. */
function fitted(markdown: string, room: number): string {
  const forms = [() => discordMarkdown(markdown), () => discordMarkdown(markdown, 0), () => withoutMentions(markdown)]
  for (const form of forms) {
    const text = form()
    if (text.length <= room) return text
  }
  return `${withoutMentions(markdown)
    .slice(0, room - 1)
    .toWellFormed()}…`
}

/** Discord supports most of Markdown. It hides text between double bars and has no horizontal rules. */
function discordMarkdown(markdown: string, tableColumns?: number): string {
  const simple = simplify(markdown, { headings: 3, tableColumns })
  return rewrite(simple, (node, source) => {
    if (node.type === 'thematicBreak') return '──────────'
    if (node.type === 'text' && source.includes('||')) return source.replaceAll('||', String.raw`\|\|`)
    return undefined
  })
}

function sourcesOf(citations: OutgoingMessage['citations'], after: string[]): string[] {
  if (citations.length === 0) return []
  const room = maxFooter - after.join('\n-# ').length - 40
  const { lines, left } = sourceLines(citations, Math.max(0, room))
  const listed = lines.map((line) => `[${line.n}] ${linked(line)}`)
  if (left > 0) listed.push(discordReceipt.moreSources(left))
  return [listed.join(' · ')]
}

function receiptLines(receipt: Receipt): string[] {
  const facts = [
    ...(receipt.model === 'none' ? [] : [receipt.model]),
    ...filesRead(receipt.attachments),
    ...(receipt.costNanoUsd === null || receipt.costNanoUsd === '0' ? [] : [formatUsd(BigInt(receipt.costNanoUsd))]),
  ]
  const lines = [...receipt.notices.map((notice) => `⚠️ ${notice}`), ...filesNotRead(receipt.attachments)]
  return [...lines, ...(facts.length === 0 ? [] : [facts.join(' · ')])].map(escapeMarkdown)
}

function filesRead(files: AttachmentReceipt[]): string[] {
  const read = files.filter(({ outcome }) => outcome === 'read')
  const [only] = read
  if (read.length === 1 && files.length === 1 && only !== undefined) return [`${only.name}: ${only.summary}`]
  return read.length === 0 ? [] : [discordReceipt.filesRead(read.length)]
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
    text += `${text === '' ? '' : '\n'}${next.length <= room ? next : `${next.slice(0, room - 1).toWellFormed()}…`}`
  }
  return text
}
