/** Pure: what the page sent → IncomingMessage. */
import { randomUUID } from 'node:crypto'
import type { ConversationRef, IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import type { SendMessage } from './api.ts'
import type { StoredUpload } from './board.ts'

export const platformName = 'console'
/** Whoever sits at this machine; the console has no sign-in. */
export const localAuthor = { id: 'local', name: 'You' }
export const cliAuthor = { id: 'cli', name: 'Command line' }

/** Mentions of this machine's two people, as their names. */
export function withNames(text: string): string {
  return [localAuthor, cliAuthor].reduce((named, { id, name }) => named.replaceAll(`<@${id}>`, name), text)
}

export function conversationOf(threadId: string): ConversationRef {
  return { platform: platformName, workspaceId: 'local', channelId: threadId }
}

/** Of what is pressed on the page; `threadId` may be any where nothing is answered there. */
export function pressOf(threadId: string) {
  return { id: randomUUID(), by: localAuthor, replyTarget: { conversation: conversationOf(threadId), data: null } }
}

export function threadOf(target: ReplyTarget): string {
  return target.conversation.channelId
}

export function normalize(
  threadId: string,
  message: SendMessage,
  uploads: StoredUpload[],
  sentAt: Date,
): IncomingMessage {
  const conversation = conversationOf(threadId)
  return {
    id: message.id,
    conversation,
    author: localAuthor,
    text: message.text.trim(),
    kind: 'direct',
    attachments: uploads.map((upload) => ({
      id: upload.uploadId,
      name: upload.name,
      mediaType: upload.mediaType,
      bytes: upload.bytes,
      voiceNote: false,
      locator: { blob: upload.contentHash },
      blob: upload.contentHash,
    })),
    replyTarget: { conversation, data: null },
    locale: message.locale,
    sentAt: sentAt.toISOString(),
  }
}

/** A thread is called by its first words, or by its first file. */
export function titleOf(text: string, uploads: StoredUpload[]): string {
  const words = text.trim().replaceAll(/\s+/g, ' ')
  if (words === '') return uploads[0]?.name.slice(0, 80) ?? 'New thread'
  if (words.length <= 80) return words
  const cut = words.slice(0, 79)
  const space = cut.lastIndexOf(' ')
  return `${(space > 40 ? cut.slice(0, space) : cut).trimEnd()}…`
}
