/** Answers and notices → Teams messages, with citations, buttons as a card, and charts as small images. */

import sharp from 'sharp'
import { describePosition } from '../../src/core/artifact.ts'
import { type Button, type ButtonAction, encodeAction, type Notice, type OutgoingFile } from '../../src/core/command.ts'
import { escapeMarkdown } from '../../src/core/markdown/escape.ts'
import { safeUrl, wordsOf } from '../../src/core/markdown/parse.ts'
import { formattedAtMost } from '../../src/core/markdown/simplify.ts'
import { sourceLines } from '../../src/core/markdown/sources.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Citation, Receipt } from '../../src/core/reply.ts'
import { addressOf, describeCited } from '../../src/core/source.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { code } from '../../src/wording/phrases.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { OutgoingActivity } from './api.ts'
import { toTeams } from './markdown.ts'

/**
 * Teams counts the whole activity as UTF-16, pictures in base64 left out. Microsoft documents 100 KB and advises 80 KB; it was
 * 28 KB, then 40 KB, for years, and is 28 KB for messages by Graph still. More is not read as one message anyway.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
 */
export const maxActivityBytes = 28_000
/** In characters of Markdown, before it is formatted. */
export const maxMarkdown = 7000
/** In characters of JSON, after it was formatted; the rest is for the sources and the card. */
const maxText = 9000
/** Teams shows at most this many citations. */
const maxClaims = 20

const { buttons } = chatWording

/** How many bytes Teams counts. */
export function bytesOf(activity: OutgoingActivity): number {
  const counted = JSON.stringify(activity, (key, value: unknown) =>
    key === 'contentUrl' && typeof value === 'string' && value.startsWith('data:') ? '' : value,
  )
  return counted.length * 2
}

/** For `Capabilities.fits`. */
export function fitsTeams(markdown: string): boolean {
  const bound = formattedAtMost(markdown)
  return (bound !== undefined && bound <= maxText) || JSON.stringify(toTeams(markdown)).length <= maxText
}

/**
 * One message of an answer. `open`: it ends a stream, but the answer goes on by edits and has no buttons yet. Sources for which
 * there is no room are listed in the card as far as they fit.
 */
export function replyActivity(message: OutgoingMessage, { open = false } = {}): OutgoingActivity {
  const { text, end, phase, by, progress } = message
  const byModel = by !== 'parley' && progress === undefined
  const citations = phase === 'final' ? message.citations : []
  const body = toTeams(text)
  const build = (claims: number, thoughts?: string): OutgoingActivity => {
    const under = open && phase === 'streaming' ? undefined : replyCard(message, citations.slice(claims), thoughts)
    return {
      type: 'message',
      textFormat: 'markdown',
      text: body,
      entities: byModel ? [messageEntity(citations.slice(0, claims))] : undefined,
      attachments: under === undefined ? undefined : [under],
      channelData: end !== undefined && byModel ? { feedbackLoop: { type: 'default' } } : undefined,
    }
  }
  for (let claims = Math.min(maxClaims, citations.length); ; claims -= 1) {
    const activity = build(claims)
    const bytes = bytesOf(activity)
    if (claims > 0 && bytes > maxActivityBytes) continue
    // Escaped, a character of the thoughts may become three.
    const room = Math.min(mostThoughts, Math.floor((maxActivityBytes - bytes) / 6) - 200)
    const { thoughts } = end?.receipt ?? {}
    return thoughts === undefined || room < leastThoughts ? activity : build(claims, cut(thoughts, room))
  }
}

/** https://adaptivecards.io/explorer/Action.ToggleVisibility.html */
const showThoughts = {
  type: 'Action.ToggleVisibility',
  title: teamsWording.thoughts,
  targetElements: ['thoughts'],
  mode: 'secondary',
}
const mostThoughts = 3_000
/** Fewer characters are no thought. */
const leastThoughts = 100

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
function messageEntity(citations: Citation[]): object {
  const claims = citations
    .map((citation) => ({
      ...citation,
      title: citation.source.title,
      place: describeCited(citation),
      url: addressOf(citation),
    }))
    .map(({ n, title, place, quote, url, source, at }) => ({
      '@type': 'Claim',
      position: n,
      appearance: {
        '@type': 'DigitalDocument',
        name: claimName(title, source.kind === 'memory' ? describePosition(at, title) : place),
        abstract: cut(quote?.replaceAll(marks, '$1') ?? place, 160),
        url,
        keywords: keywordsOf(source),
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

/** Below the cited words Teams shows up to three keywords of at most 28 characters: who shared it, where and when. */
function keywordsOf({ shared }: Citation['source']): string[] | undefined {
  if (shared === undefined) return undefined
  return [shared.by, shared.place, shared.at.slice(0, 10)].flatMap((word) => (word ? [cut(word, 28)] : []))
}

/** Marks of headings, bold and footnotes: citations are plain text. */
const marks = /^#{1,6} |\[\^[^\]\s]+\]|(?<![\w*])\*\*(?=\S)([^*\n]+)\*\*(?![\w*])/gm

/** With the place, because Teams shows only names until the reader points at one: a file may be cited several times. */
function claimName(title: string, place: string): string {
  const end = `, ${cut(place, 30)}`
  return `${cut(title, 80 - end.length)}${end}`
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

/** The card below an answer: Stop while it is being written, then what the reader must know, and a menu. */
function replyCard(
  { turnId, phase, end }: OutgoingMessage,
  beyond: Citation[],
  thoughts: string | undefined,
): CardAttachment | undefined {
  if (phase === 'streaming') return card([], [execute(buttons.stop, { kind: 'stop', turnId })])
  if (end === undefined) return undefined
  const again = (label: string, more?: object) => execute(label, { kind: 'regenerate', turnId }, more)
  const failed = end.state === 'failed' || end.receipt.model === 'none'
  const actions = failed
    ? [again(buttons.tryAgain)]
    : [
        again(buttons.regenerate, inMenu),
        execute(buttons.cheaper, { kind: 'cheaper', turnId }, inMenu),
        execute(buttons.better, { kind: 'better', turnId }, inMenu),
        execute(buttons.why, { kind: 'why', turnId }, inMenu),
        execute(buttons.mine, { kind: 'mine', turnId }, inMenu),
      ]
  const lines = footer(end.receipt, beyond)
  if (thoughts === undefined) return card(lines, actions)
  return card([...lines, foldedThoughts(thoughts)], [showThoughts, ...actions])
}

function foldedThoughts(thoughts: string): object {
  return {
    type: 'TextBlock',
    id: 'thoughts',
    isVisible: false,
    text: escapeMarkdown(thoughts),
    wrap: true,
    size: 'Small',
    isSubtle: true,
  }
}

/** Behind "…", so that answers are not followed by a row of buttons: https://adaptivecards.io/explorer/Action.Execute.html */
const inMenu = { mode: 'secondary' }
/** Lines below an answer; whoever wants all of them asks why. */
const maxFooterLines = 5

/** What the reader must know; files that were read, the model and its cost are shown by Why this answer? */
function footer({ attachments, notices }: Receipt, beyond: Citation[]): object[] {
  const { lines, left } = sourceLines(beyond, 500)
  const unread = attachments.filter(({ outcome }) => outcome !== 'read')
  const rows = [
    ...notices.map(small),
    ...unread.map((file) => small(chatWording.unreadFile(file))),
    ...lines.map(({ n, place, url }) => {
      const address = url === undefined ? undefined : safeUrl(url)
      return `${small(`[${n}]`)} ${address === undefined ? small(place) : `[${small(place)}](${address})`}`
    }),
    ...(left > 0 ? [chatWording.moreSources(left)] : []),
  ]
  const most = rows.length > maxFooterLines ? maxFooterLines - 1 : maxFooterLines
  const more = rows.length > most ? [teamsWording.moreInWhy(rows.length - most)] : []
  return [...rows.slice(0, most), ...more].map((text) => ({
    type: 'TextBlock',
    text,
    wrap: true,
    size: 'Small',
    isSubtle: true,
    spacing: 'None',
  }))
}

const small = (words: string) => escapeMarkdown(cut(words, 400))

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

/** `takesFiles`: files can be offered here. Elsewhere the message says where to get them. */
export async function noticeMessage(
  { text, files = [], buttons = [] }: Notice,
  { takesFiles }: { takesFiles: boolean },
): Promise<NoticeMessage> {
  const pictures: object[] = []
  const left: OutgoingFile[] = []
  for (const file of files) {
    const url = await dataUrl(file)
    if (url === undefined) left.push(file)
    else pictures.push({ contentType: 'image/png', contentUrl: url, name: file.alt ?? file.name })
  }
  const names = left.map(({ name }) => name)
  const tooLong = text.length > maxMarkdown || !fitsTeams(text)
  if (tooLong) left.push({ name: 'all.md', mediaType: 'text/markdown', data: new TextEncoder().encode(text) })
  const actions = buttons.slice(0, maxButtons).map(buttonOf)
  const words = text.trim() === '' ? chatWording.done : tooLong ? beginningOf(text) : text
  const notShown = [
    ...(tooLong ? [teamsWording.restNotShown] : []),
    ...(names.length > 0 ? [teamsWording.filesNotShown(names.map(code))] : []),
  ]
  const attachments = [...pictures, ...(actions.length === 0 ? [] : [card([], actions)])]
  return {
    left,
    activity: {
      type: 'message',
      textFormat: 'markdown',
      text: toTeams(takesFiles ? words : [words, ...notShown].join('\n\n')),
      attachments: attachments.length === 0 ? undefined : attachments,
    },
  }
}

/** As much of a text as one message holds. */
function beginningOf(text: string): string {
  for (let chars = maxMarkdown; ; chars = Math.floor(chars * 0.8)) {
    const beginning = `${text.slice(0, chars).toWellFormed()}…`
    if (chars < 100 || fitsTeams(beginning)) return beginning
  }
}

/** For places that show plain text only, such as the toast after a pressed button. */
export function toastOf(markdown: string): string {
  return cut(wordsOf(markdown), 1000)
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
