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

/**
 * The owner of threads and files: a person's id. `null`: this machine, for what was asked before there were accounts, and for
 * what the terminal asks.
 */
export type Owner = string | null

export interface Board {
  threads(owner: Owner): Promise<Thread[]>
  /** Threads as the list shows them, with whose they are; unknown ones are left out. `listed`: whether the list shows it. */
  summaries(ids: string[]): Promise<(Thread & { listed: boolean; owner: Owner })[]>
  /** A thread with its messages and current status; `null` if it does not exist or is somebody else's. */
  thread(id: string, owner: Owner): Promise<WholeThread | null>
  /** The same, whoever owns it: for an admin. */
  anyThread(id: string): Promise<WholeThread | null>
  /** Whose thread it is; `undefined` if it does not exist. */
  ownerOf(id: string): Promise<Owner | undefined>
  /** All threads of theirs, listed or not, oldest first. */
  threadIds(owner: string): Promise<string[]>
  /** Whether this turn belongs to a thread of theirs. */
  hasTurn(turnId: string, owner: Owner): Promise<boolean>
  /**
   * Adds a user's message; the first one creates the thread. Safe to repeat. `listed`: the thread appears in the page's list from
   * now on. Throws `conversation_not_found` for a thread or message of somebody else's.
   */
  addMessage(message: {
    id: string
    threadId: string
    owner: Owner
    text: string
    title: string
    attachments: Message['attachments']
    listed: boolean
  }): Promise<Message>
  /** Stores the current state of an answer. */
  saveReply(row: ReplyRow): Promise<Message>
  /** Stores a notice. Safe to repeat. `listed`: as in `addMessage`. */
  saveNotice(
    notice: Pick<Message, 'id' | 'threadId' | 'text' | 'attachments' | 'buttons'> & { listed: boolean },
  ): Promise<Message>
  removeReply(id: string): Promise<void>
  /** Throws `request_invalid` where the id is known with another content. */
  saveUpload(upload: StoredUpload, owner: Owner): Promise<void>
  /** Stores a file that Parley made for a thread: it belongs to the thread's owner. */
  saveOwnFile(upload: StoredUpload, threadId: string): Promise<void>
  /** Removes uploads that were not sent within a day; answers how many. */
  sweepUploads(): Promise<number>
  /** In the order of `ids`; unknown ones and those of others are left out. */
  uploads(ids: string[], owner: Owner): Promise<StoredUpload[]>
  /** Whether a file with this content is among their files and those of their threads. */
  knowsFile(contentHash: string, owner: Owner): Promise<boolean>
  /** The names of persons, by their ids. */
  names(personIds: string[]): Promise<ReadonlyMap<string, string>>
}

export interface WholeThread {
  thread: Thread
  messages: Message[]
  status: TurnStatus | null
}
