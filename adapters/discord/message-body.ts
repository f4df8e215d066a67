/** Pure: the bodies that Discord is sent for Parley's messages. */
import { createHash } from 'node:crypto'
import { type AllowedMentionsTypes, MessageFlags, type RESTAPIAttachment } from 'discord.js'
import type { Notice, OutgoingFile } from '../../src/core/command.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import { shorten } from '../../src/core/text/shorten.ts'
import { noticeRows, type Row, replyRows } from './components.ts'
import { formatNotice, formatReply } from './format.ts'
import type { SentFile } from './rest.ts'

export interface MessageBody {
  content: string
  components: Row[]
  allowed_mentions: { parse: AllowedMentionsTypes[]; replied_user: boolean }
  flags: number
  attachments?: RESTAPIAttachment[]
}

/** https://discord.com/developers/docs/resources/message#attachment-object */
const maxAlt = 1024

/** Text from a model or a file pings no one and shows no link previews. */
const quiet = { allowed_mentions: { parse: [] as AllowedMentionsTypes[], replied_user: false } }
const plain = MessageFlags.SuppressEmbeds

export function replyBody(message: OutgoingMessage, root: string | undefined): MessageBody {
  return { content: formatReply(message), components: replyRows(message, root), ...quiet, flags: plain }
}

export interface Packed {
  body: MessageBody
  files: SentFile[]
}

const wholeName = 'all.md'
const maxFiles = 10

/** Text that is too long for one message comes with a file that has all of it. */
export function packNotice({ text, files = [], buttons, private: isPrivate }: Notice): Packed {
  const { content, isCut } = formatNotice(text, wholeName)
  const whole: OutgoingFile[] = isCut
    ? [{ name: wholeName, mediaType: 'text/markdown', data: new TextEncoder().encode(text) }]
    : []
  const sent = [...files.slice(0, maxFiles - whole.length), ...whole]
  return {
    body: {
      content,
      components: noticeRows(buttons),
      ...quiet,
      flags: plain | (isPrivate ? MessageFlags.Ephemeral : 0),
      attachments: sent.length === 0 ? undefined : sent.map(describeFile),
    },
    files: sent.map(sentFile),
  }
}

export function packFile(file: OutgoingFile): Packed {
  return {
    body: { content: '', components: [], ...quiet, flags: plain, attachments: [describeFile(file, 0)] },
    files: [sentFile(file)],
  }
}

function describeFile({ name, alt }: OutgoingFile, at: number): RESTAPIAttachment {
  return omitUndefined({
    id: String(at),
    filename: name,
    description: alt === undefined ? undefined : shorten(alt, maxAlt),
  })
}

const sentFile = ({ name, mediaType, data }: OutgoingFile): SentFile => ({ name, contentType: mediaType, data })

/** Discord answers a second post with the same nonce with the first one's message, for some minutes. */
export function nonceOf(key: string): { nonce: string; enforce_nonce: true } {
  return { nonce: createHash('sha256').update(key).digest('base64url').slice(0, 25), enforce_nonce: true }
}
