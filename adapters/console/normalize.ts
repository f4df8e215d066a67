/** Turns a message of the page into an IncomingMessage. Pure. */
import { randomUUID } from 'node:crypto'
import type { HttpContext } from '../../src/core/http.ts'
import type { ConversationRef, IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import { consoleWording } from '../../src/wording/page.ts'
import type { SendMessage } from './api.ts'
import type { StoredUpload } from './board.ts'

export const platformName = 'console'
/** The user of this machine; the console has no sign-in. */
export const localAuthor = { id: 'local', name: consoleWording.you }
export const cliAuthor = { id: 'cli', name: consoleWording.commandLine }

/** Replaces mentions of this machine's two users with their names. */
export function withNames(text: string): string {
  return [localAuthor, cliAuthor].reduce((named, { id, name }) => named.replaceAll(`<@${id}>`, name), text)
}

export function conversationOf(threadId: string): ConversationRef {
  return { platform: platformName, workspaceId: 'local', channelId: threadId }
}

/** The sender of a button press; `threadId` may be any ID where the press gets no answer in a thread. */
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

/** A thread's title: its first words, or its first file. */
export function titleOf(text: string, uploads: StoredUpload[]): string {
  const words = text.trim().replaceAll(/\s+/g, ' ')
  if (words === '') return uploads[0]?.name.slice(0, 80) ?? consoleWording.newThread
  if (words.length <= 80) return words
  const cut = words.slice(0, 79)
  const space = cut.lastIndexOf(' ')
  return `${(space > 40 ? cut.slice(0, space) : cut).trimEnd()}…`
}

export function jsonIn(context: HttpContext): unknown {
  try {
    return JSON.parse(context.get('body').toString())
  } catch {
    return null
  }
}
