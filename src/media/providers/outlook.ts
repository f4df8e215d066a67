/** Reads messages that were saved from Outlook (.msg): head, text and attachments, like an email. */
import { createRequire } from 'node:module'
import { decompressRTF } from '@kenjiuno/decompressrtf'
import type { FieldsData } from '@kenjiuno/msgreader'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { bodyOf } from './mail-body.ts'
import { type Attachment, filesLeft, isDecoration, type Message, readMessage } from './message.ts'

const { default: MsgReader }: typeof import('@kenjiuno/msgreader') = createRequire(import.meta.url)(
  '@kenjiuno/msgreader',
)

export const provider: Provider = {
  async read(input, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const message = await messageOf(input.bytes).catch((error: unknown) => {
      throw new ParleyError('file_damaged', fileWording.damaged.mail(input.name), { cause: error })
    })
    return readMessage(message, { input, limits, sink, left: filesLeft(limits) })
  },
}

async function messageOf(bytes: Uint8Array): Promise<Message> {
  const reader = new MsgReader(Uint8Array.from(bytes).buffer)
  const data = reader.getFileData()
  if (data.error !== undefined) throw new Error(data.error)
  const html = data.bodyHtml ?? (data.html === undefined ? undefined : decodeText(data.html, '').text)
  const body = bodyOf({ text: data.body, html })
  const attachments: Attachment[] = []
  for (const listed of data.attachments ?? []) {
    const { fileName, content } = reader.getAttachment(listed)
    const mediaType = listed.attachMimeTag ?? ''
    const shown = listed.pidContentId !== undefined || listed.attachmentHidden === true
    if (shown && (await isDecoration(content, /\.(?:png|jpe?g|gif|bmp)$/i.test(fileName) ? 'image/' : mediaType)))
      continue
    attachments.push({ name: fileName, mediaType, bytes: content })
  }
  if (body.join('').trim() === '' && data.compressedRtf !== undefined) {
    const rtf = Uint8Array.from(decompressRTF([...data.compressedRtf]))
    attachments.unshift({ name: 'message.rtf', mediaType: 'application/rtf', bytes: rtf })
  }
  return { head: headOf(data), body: ['', ...body], attachments }
}

function headOf(data: FieldsData): Message['head'] {
  const recipients = (type: string) =>
    (data.recipients ?? [])
      .filter(({ recipType = 'to' }) => recipType === type)
      .map(({ name, smtpAddress, email }) => person(name, smtpAddress ?? email))
      .join(', ')
  return [
    ['From', person(data.senderName, data.senderSmtpAddress ?? data.sentRepresentingSmtpAddress ?? data.senderEmail)],
    ['To', recipients('to')],
    ['Cc', recipients('cc')],
    ['Bcc', recipients('bcc')],
    ['Date', date(data.messageDeliveryTime ?? data.clientSubmitTime ?? data.creationTime)],
    ['Subject', data.subject],
    ['Start', date(data.apptStartWhole)],
    ['End', date(data.apptEndWhole)],
    ['Location', data.apptLocation],
  ]
}

/** Addresses inside an organization are paths of its directory, which say nothing. */
function person(name = '', address = ''): string {
  const mail = address.startsWith('/') || address === name ? '' : address
  return name === '' ? mail : mail === '' ? name : `${name} <${mail}>`
}

function date(text: string | undefined): string | undefined {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? text : new Date(time).toISOString()
}
