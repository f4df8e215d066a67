/** Reads emails: headers, text, pasted pictures and attachments, each by its type; and mailboxes, which hold many emails. */
import PostalMime, { type Address, type Email } from 'postal-mime'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import type { Ending, Input, Provider, Sink } from '../provider.ts'
import { readWith } from '../read-with.ts'
import { decodeText } from '../text-encoding.ts'
import { placedIn, problemOf } from './inner.ts'
import { bodyOf } from './mail-body.ts'
import { mailsIn } from './mailbox.ts'
import { type Attachment, type FilesLeft, filesLeft, isDecoration, type Message, readMessage } from './message.ts'
import { isTnef, unpackTnef } from './tnef.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const given = { ...input, bytes: asBytes(input.bytes) }
    const mails = mailsIn(given.bytes)
    const isMailbox = mails.length > 1 || input.mediaType === 'application/mbox'
    if (isMailbox) return readMailbox(mails, given, limits, sink)
    return readMail({ ...given, bytes: mails[0] ?? given.bytes }, limits, sink, filesLeft(limits))
  },
}

async function readMail(input: Input, limits: Limits, sink: Sink, left: FilesLeft): Promise<Ending> {
  const message = await messageOf(await parse(input.bytes, input.name))
  return readMessage(message, { input, limits, sink, left })
}

/** Each email is a file of the mailbox, in the same depth: its attachments are opened as those of a single email. */
async function readMailbox(mails: readonly Uint8Array[], input: Input, limits: Limits, sink: Sink): Promise<Ending> {
  const { name } = input
  const most = limits.entries ?? archiveDefaults.entries
  const left = filesLeft(limits)
  for (const [at, bytes] of mails.slice(0, most).entries()) {
    const path = `email ${at + 1}`
    let truncated: string | undefined
    let full = false
    const placed = placedIn(sink, path, () => {
      full = true
    })
    try {
      const one: Provider = { read: (mail, own, within) => readMail(mail, own, within, left) }
      truncated = (await readWith(one, { ...input, bytes, name: path }, limits, placed)).truncated
    } catch (error) {
      sink.problem(problemOf(error, path))
    }
    if (full) {
      const read = { done: at, of: mails.length, characters: limits.characters }
      return { truncated: fileWording.partial.first(name, 'email', read) }
    }
    if (truncated !== undefined) sink.problem({ code: 'inner_truncated', userMessage: truncated })
    await sink.progress({ done: at + 1, of: mails.length, unit: 'file' })
  }
  if (mails.length <= most) return {}
  return { truncated: fileWording.partial.first(name, 'email', { done: most, of: mails.length }) }
}

/** Emails are bytes with their own encodings inside. A program that saved one as UTF-16 or UTF-32 wrapped it once more. */
function asBytes(bytes: Uint8Array): Uint8Array {
  const [first, second, third] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return bytes.subarray(3)
  const { encoding } = decodeText(bytes.subarray(0, 4096), '')
  return /^utf-(?:16|32)/.test(encoding) ? Buffer.from(decodeText(bytes, '').text) : bytes
}

async function parse(bytes: Uint8Array, name: string): Promise<Email> {
  try {
    return await PostalMime.parse(bytes, {
      attachmentEncoding: 'arraybuffer',
      // A forwarded email is an attachment like any other, with its own positions.
      forceRfc822Attachments: true,
      maxNestingDepth: 50,
      maxHeadersSize: 1024 * 1024,
    })
  } catch (error) {
    throw new ParleyError('file_damaged', fileWording.damaged.mail(name), { cause: error })
  }
}

async function messageOf(mail: Email): Promise<Message> {
  const attachments: Attachment[] = []
  const unpacked: string[] = []
  for (const part of mail.attachments) {
    const bytes = bytesOf(part.content)
    const attachment = { name: part.filename ?? undefined, mediaType: part.mimeType, bytes }
    const isShown = (part.related === true || part.contentId !== undefined) && part.disposition !== 'attachment'
    if (signatures.test(part.mimeType) || (isShown && (await isDecoration(bytes, part.mimeType)))) continue
    const tnef = isTnef(bytes) ? unpackTnef(bytes) : undefined
    if (tnef === undefined) attachments.push(attachment)
    else {
      attachments.push(...tnef.attachments)
      unpacked.push(...bodyOf(tnef))
    }
  }
  const body = bodyOf(mail)
  return { head: headOf(mail), body: ['', ...(body.join('').trim() === '' ? unpacked : body)], attachments }
}

/** Signatures contain nothing to read. */
const signatures = /^application\/(?:(?:x-)?pkcs7-signature|pgp-signature)$/i
function headOf(mail: Email): Message['head'] {
  return [
    ['From', addresses(mail.from === undefined ? [] : [mail.from])],
    ['To', addresses(mail.to)],
    ['Cc', addresses(mail.cc)],
    ['Bcc', addresses(mail.bcc)],
    ['Reply-To', addresses(mail.replyTo)],
    ['Date', mail.date],
    ['Subject', mail.subject],
  ]
}

function addresses(list: readonly Address[] = []): string {
  return list
    .flatMap((each) => (each.group === undefined ? [each] : each.group))
    .map(({ name, address }) => (name ? `${name} <${address ?? ''}>` : (address ?? '')))
    .join(', ')
}

function bytesOf(content: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content)
  return content instanceof Uint8Array ? content : new Uint8Array(content)
}
