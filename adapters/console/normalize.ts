/** Turns a message of the page into an IncomingMessage. Pure. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../../src/core/errors.ts'
import type { Caller, HttpContext } from '../../src/core/http.ts'
import type { Author, ConversationRef, IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import { isUuid } from '../../src/core/uuid.ts'
import { consoleWording } from '../../src/wording/page.ts'
import type { SendMessage } from './api.ts'
import type { Board, Owner, StoredUpload } from './board.ts'

export const platformName = 'console'
/** The user of this machine, while there are no accounts. */
export const localAuthor: Author = { id: 'local', name: consoleWording.you }
export const cliAuthor: Author = { id: 'cli', name: consoleWording.commandLine }

/** Who asks, by the caller of a route that is open to the page. */
export interface Asker {
  author: Author
  /** They read threads and files of this owner, and what they add gets this owner. */
  owner: Owner
}

/** Once there are accounts, nobody is `console/local/local`: the terminal then asks as the command line. */
export function askerOf(caller: Caller, isSetUp: boolean): Asker {
  if (caller.as === 'page' && caller.person !== null) {
    const { personId, name, role } = caller.person
    return {
      author: { id: personId, name, membership: role === 'guest' ? 'guest' : undefined },
      owner: personId,
    }
  }
  return { author: isSetUp ? cliAuthor : localAuthor, owner: null }
}

/** Replaces mentions of this machine's two users with their names. */
export function withNames(text: string): string {
  return [localAuthor, cliAuthor].reduce((named, { id, name = id }) => named.replaceAll(`<@${id}>`, name), text)
}

/** Also replaces mentions of persons. */
export async function withAllNames(text: string, board: Pick<Board, 'names'>): Promise<string> {
  const ids = [...text.matchAll(/<@([0-9a-f-]{36})>/g)].flatMap(([, id = '']) => (isUuid(id) ? [id] : []))
  const names = ids.length === 0 ? undefined : await board.names(ids)
  return withNames(text.replaceAll(/<@([0-9a-f-]{36})>/g, (mention, id: string) => names?.get(id) ?? mention))
}

export function conversationOf(threadId: string): ConversationRef {
  return { platform: platformName, workspaceId: 'local', channelId: threadId }
}

/** The sender of a button press; `threadId` may be any ID where the press gets no answer in a thread. */
export function pressOf(threadId: string, by: Author) {
  return { id: randomUUID(), by, replyTarget: { conversation: conversationOf(threadId), data: null } }
}

/** Throws `conversation_not_found` if it is no thread, as for commands of the terminal. */
export function threadOf(target: ReplyTarget): string {
  const { channelId } = target.conversation
  if (isUuid(channelId)) return channelId
  throw new ParleyError('conversation_not_found', consoleWording.threadMissing)
}

export function normalize(
  threadId: string,
  message: SendMessage,
  uploads: StoredUpload[],
  author: Author,
  sentAt: Date,
): IncomingMessage {
  const conversation = conversationOf(threadId)
  return {
    id: message.id,
    conversation,
    author,
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
    overrides:
      message.model === undefined && message.web === undefined ? undefined : { model: message.model, web: message.web },
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
