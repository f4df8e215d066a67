/** Pure: a reply's Markdown → a message of Teams, with its sources as citations and what can be done with it as a card. */
import { type ButtonAction, encodeAction } from '../../src/core/action.ts'
import { describePosition } from '../../src/core/artifact.ts'
import type { Button } from '../../src/core/command.ts'
import { escapeMarkdown } from '../../src/core/markdown/escape.ts'
import { simplify } from '../../src/core/markdown/simplify.ts'
import { sourceLines } from '../../src/core/markdown/sources.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'
import { addressOf } from '../../src/core/source.ts'

/** Of Markdown. Teams takes about 28 KB a message in UTF-16, cards and sources included. */
export const maxMarkdown = 7000

/** Of a phone's code block, before a table is told row by row. */
const tableColumns = 60
/** Teams shows no more. */
const maxClaims = 20

export const toTeams = (markdown: string) => simplify(markdown, { headings: 3, tableColumns })

export interface CardAttachment {
  contentType: 'application/vnd.microsoft.card.adaptive'
  content: Record<string, unknown>
}

export function card(body: object[], actions: object[] = []): CardAttachment {
  return {
    contentType: 'application/vnd.microsoft.card.adaptive',
    content: {
      type: 'AdaptiveCard',
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      version: '1.5',
      body,
      ...(actions.length > 0 ? { actions } : {}),
      msteams: { width: 'Full' },
    },
  }
}

export const verb = 'parley'

/** The encoded action comes back as it is, from however old a card. */
export function execute(title: string, action: ButtonAction, more: object = {}): object {
  return { type: 'Action.Execute', verb, title, data: { parley: encodeAction(action) }, ...more }
}

export const buttonOf = ({ label, action, style }: Button) =>
  execute(label, action, style === undefined ? {} : { style: style === 'danger' ? 'destructive' : 'positive' })

/** Says that a model wrote it, and what its `[n]` stand for. */
export function messageEntity(citations: Citation[]): object {
  const claims = citations
    .slice(0, maxClaims)
    .map((citation) => ({ ...citation, title: citation.source.title, url: addressOf(citation) }))
    .map(({ n, title, at, quote, url }) => ({
      '@type': 'Claim',
      position: n,
      appearance: {
        '@type': 'DigitalDocument',
        name: cut(title, 80),
        abstract: cut(quote === undefined ? describePosition(at) : `${describePosition(at)}: ${quote}`, 160),
        url,
        ...iconOf(title),
      },
    }))
  return {
    type: 'https://schema.org/Message',
    '@type': 'Message',
    '@context': 'https://schema.org',
    '@id': '',
    additionalType: ['AIGeneratedContent'],
    ...(claims.length === 0 ? {} : { citation: claims }),
  }
}

const icons: Record<string, string> = {
  pdf: 'PDF',
  docx: 'Microsoft Word',
  doc: 'Microsoft Word',
  odt: 'Microsoft Word',
  rtf: 'Text',
  xlsx: 'Microsoft Excel',
  xls: 'Microsoft Excel',
  csv: 'Microsoft Excel',
  pptx: 'Microsoft PowerPoint',
  png: 'Image',
  jpg: 'Image',
  jpeg: 'Image',
  webp: 'Image',
  gif: 'GIF',
  mp4: 'Video',
  webm: 'Video',
  mp3: 'Sound',
  m4a: 'Sound',
  wav: 'Sound',
  ogg: 'Sound',
  txt: 'Text',
  md: 'Text',
  zip: 'ZIP',
}

function iconOf(title: string): object {
  const name = icons[/\.(\w+)$/.exec(title)?.[1]?.toLowerCase() ?? '']
  return name === undefined ? {} : { image: { '@type': 'ImageObject', name } }
}

/** What stands under a reply: Stop while it is written, then its receipt and what can be done with it. */
export function replyCard({ turnId, phase, end, citations }: OutgoingMessage): CardAttachment | undefined {
  if (phase === 'streaming') return card([], [execute('Stop', { kind: 'stop', turnId })])
  if (end === undefined) return undefined
  const again = execute('Answer again', { kind: 'regenerate', turnId })
  const others = [
    execute('Why?', { kind: 'why', turnId }),
    execute('A better model', { kind: 'better', turnId }, { mode: 'secondary' }),
    execute('A cheaper model', { kind: 'cheaper', turnId }, { mode: 'secondary' }),
  ]
  const answered = end.state !== 'failed' && end.receipt.model !== 'none'
  return card(footer(end.receipt, citations), answered ? [again, ...others] : [again])
}

/** What the reader must know; the model and its cost are what Why? tells. */
function footer({ attachments, notices }: Receipt, citations: Citation[]): object[] {
  const { lines, left } = sourceLines(citations.slice(maxClaims), 500)
  const beyond = lines.map(({ n, place, url }) => `[${n}] ${place}${url === undefined ? '' : ` ${url}`}`)
  const unread = attachments.filter(({ outcome }) => outcome !== 'read')
  const said = [
    ...beyond,
    ...(left > 0 ? [`and ${left} more sources`] : []),
    ...filesRead(attachments),
    ...unread.map(({ name, summary }) => `${name}: ${summary}`),
    ...notices,
  ]
  return said.slice(0, 12).map((text) => ({
    type: 'TextBlock',
    text: escapeMarkdown(cut(text, 400)),
    wrap: true,
    size: 'Small',
    isSubtle: true,
    spacing: 'None',
  }))
}

function filesRead(attachments: Receipt['attachments']): string[] {
  const counts = (['read', 'partly', 'skipped'] as const).flatMap((outcome) => {
    const count = attachments.filter((each) => each.outcome === outcome).length
    return count === 0 ? [] : [`${count} ${outcome === 'partly' ? 'partly read' : outcome}`]
  })
  return counts.length === 0 ? [] : [`Files: ${counts.join(', ')}`]
}

/** Without half a character at its end. */
export function cut(text: string, chars: number): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim()
  return flat.length <= chars ? flat : `${flat.slice(0, chars - 1).toWellFormed()}…`
}
