/** Answers and notices → Teams messages, with citations, buttons as a card, and charts as small images. */

import sharp from 'sharp'
import { describePosition } from '../../src/core/artifact.ts'
import { type Button, type ButtonAction, encodeAction, type Notice, type OutgoingFile } from '../../src/core/command.ts'
import { escapeMarkdown } from '../../src/core/markdown/escape.ts'
import { simplify } from '../../src/core/markdown/simplify.ts'
import { sourceLines } from '../../src/core/markdown/sources.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'
import { addressOf } from '../../src/core/source.ts'
import { chatWording } from '../../src/wording/chat.ts'
import type { OutgoingActivity } from './api.ts'

/** In characters of Markdown. Teams accepts about 28 KB of UTF-16 per message, cards and sources included. */
export const maxMarkdown = 7000

/** The width of a code block on a phone; wider tables become one list item per row. */
const tableColumns = 60
/** Teams shows at most this many citations. */
const maxClaims = 20

const { buttons } = chatWording

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
      actions: actions.length > 0 ? actions : undefined,
      msteams: { width: 'Full' },
    },
  }
}

export const verb = 'parley'

/** The encoded action comes back unchanged, even from an old card. */
export function execute(title: string, action: ButtonAction, more: object = {}): object {
  return { type: 'Action.Execute', verb, title, data: { parley: encodeAction(action) }, ...more }
}

export const buttonOf = ({ label, action, style }: Button) =>
  execute(label, action, style === undefined ? {} : { style: style === 'danger' ? 'destructive' : 'positive' })

/** Labels the message as AI-generated, and links each `[n]` to its source. */
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
    citation: claims.length === 0 ? undefined : claims,
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

/** The card below an answer: Stop while it is being written, then its receipt and its buttons. */
export function replyCard({ turnId, phase, end, citations }: OutgoingMessage): CardAttachment | undefined {
  if (phase === 'streaming') return card([], [execute(buttons.stop, { kind: 'stop', turnId })])
  if (end === undefined) return undefined
  const again = execute(buttons.regenerate, { kind: 'regenerate', turnId })
  const others = [
    execute(buttons.why, { kind: 'why', turnId }),
    execute(buttons.better, { kind: 'better', turnId }, { mode: 'secondary' }),
    execute(buttons.cheaper, { kind: 'cheaper', turnId }, { mode: 'secondary' }),
  ]
  const answered = end.state !== 'failed' && end.receipt.model !== 'none'
  return card(footer(end.receipt, citations), answered ? [again, ...others] : [again])
}

/** What the reader must know; the model and its cost are shown by Why?. */
function footer({ attachments, notices }: Receipt, citations: Citation[]): object[] {
  const { lines, left } = sourceLines(citations.slice(maxClaims), 500)
  const beyond = lines.map(({ n, place, url }) => `[${n}] ${place}${url === undefined ? '' : ` ${url}`}`)
  const unread = attachments.filter(({ outcome }) => outcome !== 'read')
  const rows = [
    ...beyond,
    ...(left > 0 ? [chatWording.moreSources(left)] : []),
    ...filesRead(attachments),
    ...unread.map(chatWording.unreadFile),
    ...notices,
  ]
  return rows.slice(0, 12).map((text) => ({
    type: 'TextBlock',
    text: escapeMarkdown(cut(text, 400)),
    wrap: true,
    size: 'Small',
    isSubtle: true,
    spacing: 'None',
  }))
}

function filesRead(attachments: Receipt['attachments']): string[] {
  const countOf = (outcome: string) => attachments.filter((each) => each.outcome === outcome).length
  const counts = chatWording.files({ read: countOf('read'), partly: countOf('partly'), skipped: countOf('skipped') })
  return counts === '' ? [] : [counts]
}

/** Never cuts a character in half. */
export function cut(text: string, chars: number): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim()
  return flat.length <= chars ? flat : `${flat.slice(0, chars - 1).toWellFormed()}…`
}

/** More buttons than these would be hidden by Teams. */
const maxButtons = 6

export interface NoticeMessage {
  activity: OutgoingActivity
  /** Files that cannot be shown as an image in the message. */
  left: OutgoingFile[]
}

export async function noticeMessage({ text, files = [], buttons = [] }: Notice): Promise<NoticeMessage> {
  const pictures: object[] = []
  const left: OutgoingFile[] = []
  for (const file of files) {
    const url = await dataUrl(file)
    if (url === undefined) left.push(file)
    else pictures.push({ contentType: 'image/png', contentUrl: url, name: file.alt ?? file.name })
  }
  if (text.length > maxMarkdown)
    left.push({ name: 'all.md', mediaType: 'text/markdown', data: new TextEncoder().encode(text) })
  const actions = buttons.slice(0, maxButtons).map(buttonOf)
  const words =
    text.trim() === ''
      ? chatWording.done
      : text.length > maxMarkdown
        ? `${text.slice(0, maxMarkdown).toWellFormed()}…`
        : text
  const attachments = [...pictures, ...(actions.length === 0 ? [] : [card([], actions)])]
  return {
    left,
    activity: {
      type: 'message',
      textFormat: 'markdown',
      text: toTeams(words),
      attachments: attachments.length === 0 ? undefined : attachments,
    },
  }
}

/** For places that show plain text only, such as the toast after a pressed button. */
export function wordsOf({ text }: Notice): string {
  return cut(text.replaceAll(/[*_`]{1,3}/g, ''), 1000)
}

/** The limit for the image's bytes. */
const maxBytes = 60_000
const widths = [1024, 800, 640, 480]

/** The image as a `data:` URL; `undefined` if it is not an image or stays too large. */
async function dataUrl({ mediaType, data }: OutgoingFile): Promise<string | undefined> {
  if (!/^image\/(?:png|jpeg|gif|webp|svg\+xml)$/.test(mediaType)) return undefined
  for (const width of widths) {
    const small = await sharp(data, { limitInputPixels: 50_000_000 })
      .resize({ width, height: 1024, fit: 'inside', withoutEnlargement: true })
      .png({ palette: true, compressionLevel: 9 })
      .toBuffer()
      .catch(() => undefined)
    if (small === undefined) return undefined
    if (small.length <= maxBytes) return `data:image/png;base64,${small.toString('base64')}`
  }
  return undefined
}
