/** Pure: an attachment of an activity → the file, and how to fetch it. */
import { z } from 'zod'
import type { RawAttachment } from './activity.ts'

/** How to fetch a file. Only `download` holds a secret, and it is used before anything is stored. */
export type Source =
  /** A file in a personal chat: anyone with this URL can open it for some minutes. */
  | { kind: 'download'; url: string; cloudUrl?: string | undefined }
  /** A file on the connector; needs the bot's token. */
  | { kind: 'service'; url: string }
  /** A file in SharePoint or OneDrive, by its web address; needs Graph. */
  | { kind: 'share'; url: string }
  /** An image in a message, from Graph. */
  | { kind: 'graph'; url: string }
  /** A file that the message names by ID; the message in Graph has its address. */
  | { kind: 'placed'; id: string }

export interface Found {
  name: string
  mediaType: string
  source: Source
  durationMs?: number
  voiceNote?: boolean
}

const DownloadInfo = z.looseObject({ downloadUrl: z.string().optional(), fileType: z.string().optional() })
const MediaCard = z.looseObject({
  title: z.string().optional(),
  duration: z.string().optional(),
  media: z.array(z.looseObject({ url: z.string() })).min(1),
})

/** Graph in every cloud: https://learn.microsoft.com/graph/deployments */
const graphAddress = /^https:\/\/(?:(?:dod-)?graph\.microsoft\.(?:com|us)|microsoftgraph\.chinacloudapi\.cn)\//
const downloadInfo = 'application/vnd.microsoft.teams.file.download.info'
const types: Record<string, string> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  mp4: 'video/mp4',
  webm: 'video/webm',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
}

/** `undefined` if it is not a file, such as a card or the message's own HTML. */
export function fileIn(attachment: RawAttachment): Found | undefined {
  const { contentType, contentUrl, content } = attachment
  const name = attachment.name ?? ''
  if (contentType === downloadInfo) {
    const { downloadUrl, fileType } = DownloadInfo.safeParse(content).data ?? {}
    const named = name === '' ? `file.${fileType ?? 'bin'}` : name
    const mediaType = typeOf(named, fileType)
    if (downloadUrl !== undefined)
      return {
        name: named,
        mediaType,
        source: { kind: 'download', url: downloadUrl, cloudUrl: contentUrl || undefined },
      }
    return contentUrl ? { name: named, mediaType, source: { kind: 'share', url: contentUrl } } : undefined
  }
  if (contentType === 'reference' && contentUrl)
    return { name: name || 'file', mediaType: typeOf(name), source: { kind: 'share', url: contentUrl } }
  const clip = /^application\/vnd\.microsoft\.card\.(audio|video)$/.exec(contentType)?.[1]
  if (clip !== undefined) {
    const card = MediaCard.safeParse(content).data
    const url = card?.media[0]?.url
    if (card === undefined || url === undefined) return undefined
    const [mediaType, fallback] = clip === 'audio' ? ['audio/mp4', 'voice-message.m4a'] : ['video/mp4', 'clip.mp4']
    const durationMs = millisecondsOf(card.duration)
    return {
      name: name || card.title || fallback,
      mediaType,
      source: sourceAt(url),
      voiceNote: clip === 'audio',
      durationMs,
    }
  }
  const media = /^(image|audio|video)\/([\w.+*-]+)$/.exec(contentType)
  if (media && contentUrl) {
    const ending =
      media[2] === '*' || media[2] === undefined ? 'png' : media[2].replace('jpeg', 'jpg').replace(/\W.*$/, '')
    const mediaType = media[2] === '*' ? typeOf(name, 'png') : contentType
    return { name: name || `${media[1]}.${ending}`, mediaType, source: sourceAt(contentUrl) }
  }
  return undefined
}

/** A picture in a message's text, named by its alternative text. */
export function pictureAt({ url, name = 'picture' }: { url: string; name?: string }): Found {
  const known = /\.(?:png|jpe?g|gif|webp)$/i.test(name)
  return {
    name: known ? name : `${name.slice(0, 100).toWellFormed()}.png`,
    mediaType: 'image/png',
    source: sourceAt(url),
  }
}

/** Code that somebody posted as a snippet; Graph has its text. */
export function snippetAt(url: string, name: string, language: string): Found {
  const title = name === '' ? 'snippet' : name.slice(0, 100).toWellFormed()
  const known = /\.\w{1,8}$/.test(title)
  return {
    name: known ? title : `${title}${language === '' ? '' : ` (${language})`}.txt`,
    mediaType: 'text/plain',
    source: sourceAt(url),
  }
}

function sourceAt(url: string): Source {
  return graphAddress.test(url) ? { kind: 'graph', url } : { kind: 'service', url }
}

function typeOf(name: string, ending = ''): string {
  const own = /\.(\w{1,8})$/.exec(name)?.[1] ?? ending
  return types[own.toLowerCase()] ?? 'application/octet-stream'
}

/** `PT1M5S` → 65,000. */
function millisecondsOf(duration: string | undefined): number | undefined {
  const [, hours, minutes, seconds] = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$/.exec(duration ?? '') ?? []
  if (hours === undefined && minutes === undefined && seconds === undefined) return undefined
  return Math.round((Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000)
}
