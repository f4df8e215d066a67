/** Delivers a message, whatever format it was stored in: head lines, text, then each attachment by its type. */

import sharp from 'sharp'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import type { Ending, Input, Sink } from '../provider.ts'
import { createInner, uniqueName } from './inner.ts'
import { createLineText } from './pieces.ts'

export interface Message {
  /** Lines such as `From`, with their values; empty ones are left out. */
  head: readonly (readonly [name: string, value: string | undefined])[]
  body: readonly string[]
  attachments: readonly Attachment[]
}

export interface Attachment {
  name: string | undefined
  mediaType: string
  bytes: Uint8Array
}

/** How many attachments may still be read; the emails of a mailbox share it. */
export interface FilesLeft {
  files: number
}

export function filesLeft(limits: Limits): FilesLeft {
  return { files: limits.files ?? archiveDefaults.files }
}

/** Throws `file_empty` for a message without text and attachments. */
export async function readMessage(
  message: Message,
  { input, limits, sink, left }: { input: Input; limits: Limits; sink: Sink; left: FilesLeft },
): Promise<Ending> {
  const { name } = input
  const names = new Set<string>()
  const attachments = message.attachments.map((each, at) => ({ ...each, name: uniqueName(nameOf(each, at), names) }))
  const head = [...message.head, ['Attachments', attachments.map((each) => each.name).join(', ')] as const]
  const text = createLineText(sink)
  let full = false
  for (const line of [...head.flatMap(headLine), ...message.body]) {
    if (!(await text.add(line))) {
      full = true
      break
    }
  }
  const ending = await text.finish(name, limits)
  if (ending === undefined && attachments.length === 0) {
    throw new ParleyError('file_empty', fileWording.empty.noMessage(name))
  }
  if (full || ending?.truncated !== undefined) return ending ?? {}
  const inner = createInner(input, limits, sink)
  const of = attachments.length
  for (const [at, file] of attachments.entries()) {
    if (left.files <= 0) return { truncated: fileWording.partial.first(name, 'attachment', { done: at, of }) }
    left.files -= 1
    if (!(await inner.read(file))) {
      const read = { done: at, of, characters: limits.characters }
      return { truncated: fileWording.partial.first(name, 'attachment', read) }
    }
    await sink.progress({ done: at + 1, of, unit: 'file' })
  }
  return {}
}

/** Icons, logos in a line of text and pictures that count readers are smaller. */
const smallestPicture = { side: 50, area: 20_000 }

/** Whether a picture that the text shows is a small one. A screenshot that was pasted in is an attachment like any other. */
export async function isDecoration(bytes: Uint8Array, mediaType: string): Promise<boolean> {
  if (!/^image\//i.test(mediaType)) return false
  const { width, height } = await sharp(bytes)
    .metadata()
    .catch(() => ({ width: undefined, height: undefined }))
  if (width === undefined || height === undefined) return false
  return Math.min(width, height) < smallestPicture.side || width * height < smallestPicture.area
}

function headLine([name, value]: readonly [string, string | undefined]): string[] {
  return value === undefined || value === '' ? [] : [`${name}: ${value.replace(/\s+/g, ' ')}`]
}

/** What parts without a name are, by their type. */
const usualNames: Readonly<Record<string, string>> = {
  'message/rfc822': 'message.eml',
  'text/calendar': 'invitation.ics',
  'text/vcard': 'contact.vcf',
  'text/x-vcard': 'contact.vcf',
  'message/delivery-status': 'delivery status.txt',
  'text/rfc822-headers': 'headers.txt',
}

function nameOf({ name, mediaType }: Attachment, at: number): string {
  return name || (usualNames[mediaType.toLowerCase()] ?? `attachment ${at + 1}`)
}
