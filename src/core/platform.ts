/**
 * The port of a chat platform. A platform listens (gateway process), fetches files and writes replies (any worker), and
 * tells its abilities; the rest of Parley varies by those abilities and never by a platform's name.
 */
import type { Readable } from 'node:stream'
import type { Addressing, NotForParley } from './addressing.ts'
import type { Action, CommandCall, CommandSpec, Notice, OutgoingFile } from './command.ts'
import type { ConnectionReport } from './connection.ts'
import type { Mount } from './http.ts'
import type { Json } from './json.ts'
import type { Attachment, Author, ConversationRef, IncomingMessage, ReplyTarget } from './message.ts'
import type { PlaceAddress, PlaceChange, PlaceFiles, Places, PostedFile } from './place.ts'
import type { Citation, Receipt } from './reply.ts'

export interface Capabilities {
  /** `edit`: text grows by editing a posted message. `none`: only the finished text is posted. */
  streaming: 'edit' | 'none'
  /** Characters of Markdown that one message may hold, at least 500. */
  maxChars: number
  /**
   * Whether a message with this Markdown is small enough for the platform after it was formatted, with room for what stands
   * below it (sources, receipt, buttons). Formatting may make a text much longer, such as a wide table that becomes a list.
   * Pure, and asked some dozens of times for one message. Absent: whatever has at most `maxChars` characters fits.
   */
  fits?: ((markdown: string) => boolean) | undefined
  /** One message takes any answer, exactly as the model wrote it: nothing is split, trimmed or closed. */
  exact?: boolean
  /** The least time between two edits of one message. */
  minEditMs: number
  /**
   * `native`: the platform shows progress beside the conversation. `message`: progress is the reply's first text. `both`: the
   * reply shows what is being read, and the status beside it that an answer is being written.
   */
  status: 'native' | 'message' | 'both'
  /** Whether people can press buttons under a reply: stop, regenerate, why and the like. */
  buttons: boolean
  /** Whether the platform says who owns a workspace (`Author.membership`). Absent: its admins are only those who were named. */
  tellsOwners?: boolean
  /** Whether a private notice is always read by the asker alone. Absent: where that does not work, others read it. */
  keepsPrivate?: boolean
  /** Whether an answer shows what its model thought, folded. Absent: `why` shows it. */
  showsThoughts?: boolean
  /**
   * Characters of a code block's line. A table that no code block of this width can show also comes as a CSV file, by
   * `Transport.attach`. Absent: the platform has tables, or no files.
   */
  tableColumns?: number
  /**
   * Where the id of an author is unique, so that it can be linked to a person: in its workspace, or on the whole platform.
   * `person`: it is the id of a person. Absent: its authors are no accounts, such as keys.
   */
  accounts?: 'workspace' | 'platform' | 'person'
  /** A longer reply is its first messages and the whole as a file, by `Transport.attach`. Absent: no limit. */
  maxMessages?: number
}

/** The platform's own id of a posted message. */
export type MessageRef = Json

export type TurnState = 'queued' | 'reading' | 'answering' | 'done' | 'stopped' | 'failed'

/** One message of a reply, in Markdown; the text contains citations as `[n]`. */
export interface OutgoingMessage {
  turnId: string
  text: string
  /** More will follow by edits while `streaming`. */
  phase: 'streaming' | 'final'
  citations: Citation[]
  /** While nothing of the answer is there: what is being done, of which `text` is the form for platforms without another. */
  progress?: string
  /** Who wrote the text: known, on every message, once the reply is finished. */
  by?: 'model' | 'parley'
  /** The model that writes it, once one has begun. */
  model?: string
  /** Present on the last message of a finished reply. */
  end?: { state: Extract<TurnState, 'done' | 'stopped' | 'failed'>; receipt: Receipt }
}

/** Writes replies. Every call is made by the worker that holds the turn's lease, one at a time for one reply. */
export interface Transport {
  /**
   * Posts one message. `key` is the same when a post is tried again: where the platform can, the second post returns
   * the first one's ref. Throws `platform_*`.
   */
  post(
    target: ReplyTarget,
    message: OutgoingMessage,
    options: { key: string; signal: AbortSignal },
  ): Promise<MessageRef>
  /** Replaces the message's content. Throws `platform_*`. */
  edit(target: ReplyTarget, ref: MessageRef, message: OutgoingMessage, options: { signal: AbortSignal }): Promise<void>
  /** Takes a message away, when a shorter reply needs fewer messages than an earlier attempt posted. */
  remove(target: ReplyTarget, ref: MessageRef, options: { signal: AbortSignal }): Promise<void>
  /**
   * Shows what is happening, or clears it with `null`. Not called by workers where `capabilities.status` is `message`: there
   * the platform's own listener may show a sign such as "typing" when a message was taken in. Never throws.
   */
  status(target: ReplyTarget, turnId: string, text: string | null, state: TurnState): Promise<void>
  /**
   * Shows what the model thinks while it thinks: all of it so far, which may start over. Absent: the platform has no place for
   * it; what was thought is in the receipt in the end. Never throws.
   */
  think?(target: ReplyTarget, turnId: string, thoughts: string): Promise<void>
  /** Adds a file to a reply; `remove` takes its ref, too. `key` as with `post`. Throws `platform_*`. */
  attach?(
    target: ReplyTarget,
    turnId: string,
    file: OutgoingFile,
    options: { key: string; signal: AbortSignal },
  ): Promise<MessageRef>
  /**
   * Says something to the asker alone, by the most private way that works: a message that only they see, else a direct
   * message. It is called when a reply cannot be delivered. Throws `platform_*`.
   */
  tellAsker?(target: ReplyTarget, notice: Notice, options: { key: string; signal: AbortSignal }): Promise<void>
  /** Says something outside of any reply: an alert, a request for approval. `key` as with `post`. Throws `platform_*`. */
  notify?(target: ReplyTarget, notice: Notice, options: { key: string; signal: AbortSignal }): Promise<void>
}

export interface Files {
  /** The attachment's bytes, from a fresh process. Throws `file_missing` or `file_fetch_failed`. */
  fetch(attachment: Attachment, options: { signal: AbortSignal }): Promise<Readable>
  /**
   * What the platform itself heard in a recording, where it tells only later or elsewhere than with the message. It is asked
   * when nobody else can transcribe; it may wait for some seconds. Throws as `fetch`.
   */
  transcript?(attachment: Attachment, options: { signal: AbortSignal }): Promise<string | undefined>
}

export interface Accepted {
  turnId: string
  /**
   * `duplicate`: this event was taken in before. `joined`: it became part of a turn that has not started yet. `late`: the
   * message was taken in before without some of its files, and the turn has started; regenerating would read them.
   */
  kind: 'new' | 'joined' | 'duplicate' | 'late'
}

/**
 * `refused`: nothing will answer; the notice, for the author alone, says why. `stopped`: the message said to stop the answer
 * that was being written. The platform is acknowledged all the same.
 */
export type Received = Accepted | { kind: 'refused'; notice: Notice } | { kind: 'stopped'; turnId: string }

export type Concern =
  | { answers: false; why: NotForParley }
  /** `known` is absent where Parley joins the conversation with this message, and in a direct one without threads. */
  | { answers: true; known?: KnownTalk }

/** What Parley knows of a conversation that it takes part in. Ids of messages are as in IncomingMessage. */
export interface KnownTalk {
  /** The newest message up to which Parley knows all that was said. Absent: Parley never read what others said. */
  upTo?: { messageId: string; sentAt: string }
  /** The newest messages that Parley took in, at most 500. It remembers them, so nobody reads them again. */
  taken: string[]
}

/** What a pressed button did. `turnId` is the turn that goes on from it; `notice` is for the one who pressed. */
export interface Pressed {
  turnId?: string
  notice?: Notice
}

/** A person changed a message that Parley has taken in. */
export interface Revision {
  platform: string
  /** As in IncomingMessage. */
  id: string
  text: string
  by: Author
}

/**
 * `revised`: the turn had not started and answers the new text. `started`: too late, regenerating would answer the new text.
 * `unchanged`: nothing but spaces differs, or the message was not changed at all.
 */
export type Revised = { kind: 'revised' | 'started' | 'unchanged'; turnId: string } | { kind: 'unknown' }

/** What people deleted: messages (`ids` as in IncomingMessage), or a whole thread; without `threadId`, a channel with its threads. */
export type Withdrawal =
  | { platform: string; ids: string[] }
  | { platform: string; place: Omit<ConversationRef, 'platform'> }

/** Where a listener delivers. When a call returns, its effect is committed: only then may the platform be acknowledged. */
export interface Intake {
  receive(message: IncomingMessage): Promise<Received>
  /** Presses a button. Throws a ParleyError for what may not or cannot be done; its `userMessage` is for the one who pressed. */
  act(action: Action): Promise<Pressed>
  /** Runs a command. Never throws for what the person did: the notice says what is wrong. */
  command(call: CommandCall): Promise<Notice>
  /** What may stand for an argument, best first: for a platform's completion while somebody types. At most 25. */
  suggest(
    call: Pick<CommandCall, 'conversation' | 'author'>,
    command: string,
    argument: string,
    typed: string,
  ): Promise<string[]>
  commands: readonly CommandSpec[]
  revise(revision: Revision): Promise<Revised>
  /** Whether a message is for Parley. THE rule, the same on every platform: src/core/addressing.ts. */
  concerns(addressing: Addressing): Promise<Concern>
  /**
   * People deleted messages: their answers are not given, what was posted of an unfinished one is removed, and the words and
   * files are gone from the history and the store. Answers how many of the messages were known.
   */
  withdraw(withdrawal: Withdrawal): Promise<number>
  /** Who can read a place changed, or something that was shared is gone. What it forbids holds when this returns. */
  placeChanged(change: PlaceChange): Promise<void>
  /**
   * Files were posted in a place where Parley is, and not to Parley. They are read only where an admin switched that on: `files` is
   * called there alone, so all that it looks up costs nothing elsewhere. What it holds must be held until this returns.
   */
  filesPosted(place: PlaceAddress, files: () => Promise<readonly PostedFile[]>): Promise<void>
}

export interface Listener {
  /** Routes on the shared HTTP port. */
  mounts: Mount[]
  /**
   * Opens the platform's connections and keeps them open until `stop` (src/core/connection.ts). Returns when the first try of
   * each has ended, well or not: what the platform's servers do is no reason to reject.
   */
  start(): Promise<void>
  /** Takes nothing more in; returns when calls under way have ended. */
  stop(): Promise<void>
  /** How each connection is now; none where the platform holds none. */
  connections(): ConnectionReport[]
}

export interface Platform {
  name: string
  capabilities: Capabilities
  transport: Transport
  files: Files
  /** Absent: its places are direct chats alone, which need no look. */
  places?: Places
  /** Absent: Parley sees only what is sent to it. */
  placeFiles?: PlaceFiles
  /** Where people open a place or a thread of it. Absent: the platform has no such address. */
  linkTo?(place: PlaceAddress): string
  /** Only a gateway calls it, once. */
  listen(intake: Intake): Listener
}
