/** The console's own storage, as a chat platform's servers hold its threads. Implemented in board-postgres.ts. */
import type { Message, MessageState, Thread, TurnStatus, Upload } from './api.ts'

export interface StoredUpload extends Upload {
  contentHash: string
}

export interface ReplyRow {
  id: string
  threadId: string
  /** `null` for notices, which belong to no answer. */
  turnId: string | null
  text: string
  state: MessageState
  citations: Message['citations']
  receipt: Message['receipt']
}

export interface Board {
  threads(): Promise<Thread[]>
  /** A thread as the list shows it. */
  summary(id: string): Promise<Thread | null>
  /** A thread with its messages and current status; `null` if it does not exist. */
  thread(id: string): Promise<{ thread: Thread; messages: Message[]; status: TurnStatus | null } | null>
  /** Adds a user's message; the first one creates the thread. Safe to repeat. */
  addMessage(message: {
    id: string
    threadId: string
    text: string
    title: string
    attachments: Message['attachments']
  }): Promise<Message>
  /** Stores the current state of an answer. */
  saveReply(row: ReplyRow): Promise<Message>
  /** Stores a notice. Safe to repeat. */
  saveNotice(notice: Pick<Message, 'id' | 'threadId' | 'text' | 'attachments' | 'buttons'>): Promise<Message>
  removeReply(id: string): Promise<void>
  /** Throws `request_invalid` where the id is known with another content. */
  saveUpload(upload: StoredUpload): Promise<void>
  /** Removes uploads that were not sent within a day; answers how many. */
  sweepUploads(): Promise<number>
  /** In the order of `ids`; unknown ones are left out. */
  uploads(ids: string[]): Promise<StoredUpload[]>
  /** Whether a file with this content was shared in the console, and what it is. */
  knowsFile(contentHash: string): Promise<boolean>
}
