/**
 * The port of turns: what was asked, whose turn it is, and what was answered; and the lease that a worker keeps on one.
 * Implemented in turns-postgres.ts.
 */

import { deadlineAfter, moment } from '../core/clock.ts'
import type { Json } from '../core/json.ts'
import type { Attachment, Author, ConversationRef, IncomingMessage, ReplyTarget } from '../core/message.ts'
import type { Accepted, KnownTalk, MessageRef, Revised, TurnState } from '../core/platform.ts'
import type { AttachmentReceipt, Citation, Receipt } from '../core/reply.ts'
import type { RouteDecision } from '../core/route-decision.ts'

/** In SQL: a turn that has not ended. */
export const openStates = "('queued', 'answering')"

export type EndState = Extract<TurnState, 'done' | 'stopped' | 'failed'>

/** An attachment as the store knows it. */
export interface StoredAttachment {
  id: string
  attachment: Attachment
  state: 'waiting' | 'reading' | 'read' | 'failed'
  contentHash: string | null
  engine: string | null
  receipt: AttachmentReceipt | null
}

export interface PastTurn {
  messages: IncomingMessage[]
  /** As it was shown, with `[n]` for citations. */
  answer: string
  provider: string | null
  model: string | null
  /** The answer may rest on what others wrote. */
  untrusted?: boolean
}

export interface StoredPart {
  ordinal: number
  /** `null` while the first post is under way somewhere. */
  ref: MessageRef
  text: string
  /** Characters beyond `text` that may have been shown already. */
  ahead?: number
}

/** The model's finished answer, stored before the last posts so that a crash after it does not ask again. */
export interface StoredOutcome {
  text: string
  citations: Citation[]
  state: EndState
  receipt: Receipt
  /** How it was routed, in full: the receipt has the one sentence of it. */
  route?: RouteDecision
}

/** Options of a regeneration. A message's own options are in the message. */
export interface TurnOverrides {
  /** One tier below or above that of `from`. */
  tier?: 'cheaper' | 'better'
  /** Id or alias. */
  model?: string
  /** Who wrote the answer that is replaced; absent where no model did. */
  from?: { provider: string; model: string }
}

/** What the permission check of a turn's buttons needs. */
export interface TurnAbout {
  conversation: ConversationRef
  conversationKey: string
  /** Of the place where the answer is read. */
  placeKey: string
  /** Of its first message. */
  author: Author
  /** Asked in a direct conversation. */
  direct: boolean
  /** Only its author may see the answer. */
  private: boolean
}

export interface Participation {
  known: KnownTalk
  /** Whether this person has asked in it. */
  asked: boolean
}

/**
 * A completed step of a turn, stored before the next one begins: a crash resumes after it. It counts for the same input only.
 * It holds references and no texts of files, so that deleting what it refers to leaves nothing behind; what a model said and what tools
 * answered is kept until the turn ends. The outcome is the last
 * step of a turn and is stored on its row, because everything else about a turn is decided under that row's lock.
 */
export interface StoredStep {
  /** 1-based, in the order of the steps; 0: done ahead, while files were read. */
  n: number
  kind: 'gather' | 'web' | 'model' | 'tools'
  inputHash: string
  result: Json
}

/** Files of earlier turns that a turn is given. */
export const mostEarlierFiles = 50

/** Everything a worker needs to answer. */
export interface TurnWork {
  id: string
  conversationKey: string
  /** Of the place where the answer is read (src/core/place.ts). */
  placeKey: string
  platform: string
  replyTarget: ReplyTarget
  /** None are left where people deleted them. */
  messages: IncomingMessage[]
  /** Of this turn, in the order they were sent. */
  attachments: StoredAttachment[]
  /** Read files of earlier turns of the conversation, newest first. As in the history, private ones only for their author alone. */
  earlierFiles: StoredAttachment[]
  /** Whether anything was shared outside of this conversation: without it, there is nothing to remember. */
  sharedElsewhere: boolean
  /** Oldest first; the latest version of each. */
  history: PastTurn[]
  parts: StoredPart[]
  /** In their order. */
  steps: StoredStep[]
  outcome: StoredOutcome | null
  overrides?: TurnOverrides
  attempts: number
  stopRequested: boolean
  /** People deleted its messages: nothing is to be answered, and what was posted is taken back. */
  withdrawn: boolean
  createdAt: Date
  startedAt: Date
  firstTextAt: Date | null
}

/** Tries that ended with neither a result nor a release: their process died, or lost its lease for good. */
export interface BrokenOff {
  tries: number
  /** Of these, while nothing else ran in the process. */
  alone: number
}

/** An ordinary claim refuses work that was broken off this often; workers/isolation.ts decides what happens to it. */
export const suspectAfter = 3

/** How a worker takes up its work: `ordinary` refuses what was broken off before; the others say whether anything runs beside it. */
export type ClaimMode = 'ordinary' | 'beside' | 'alone'

export type Claim =
  | { kind: 'claimed' }
  /** An earlier turn of the conversation comes first, or another worker holds this one. `dispatch`: its latest. */
  | { kind: 'busy'; dispatch: number }
  /** Files of the turn are still to be read. */
  | { kind: 'reading'; unread: Dispatch }
  /** People have to decide on something first (src/store/tool-calls.ts); their decision dispatches it again. */
  | { kind: 'waiting' }
  /** It was broken off several times: claim it in another mode. */
  | { kind: 'suspect'; dispatch: number; brokenOff: BrokenOff }
  | { kind: 'ended' }

/** A turn to hand to the queue. */
export interface Dispatch {
  turnId: string
  dispatch: number
  attachmentIds: string[]
}

export interface Turns {
  /**
   * When it returns, the message is committed, once however often it is delivered. One round trip. What it
   * says to dispatch is the same each time: the sender may be trying again because the first answer was lost.
   */
  accept(message: IncomingMessage): Promise<Accepted & { dispatch: Dispatch }>
  /**
   * Adds to a message that was taken in the files that this delivery of it brings beyond that. `joined`: its turn has not
   * started and waits for them. `late`: it has. `null`: there is nothing new. Safe to send twice.
   */
  complete(message: IncomingMessage): Promise<(Accepted & { dispatch: Dispatch }) | null>
  /** Takes the conversation's lease for this turn, if it is its turn. */
  claim(turnId: string, owner: string, leaseMs: number, mode?: ClaimMode): Promise<Claim>
  /** Loads what the claimed turn needs. Files may have joined in the last moment and be unread: then give it back. */
  load(turnId: string): Promise<TurnWork>
  /** Extends the lease. */
  renew(turnId: string, owner: string, leaseMs: number): Promise<'held' | 'lost' | 'stop'>
  /** Gives the turn back unanswered. `unused`: nothing was tried, so it counts as no attempt. */
  release(turnId: string, owner: string, use?: 'unused'): Promise<void>
  /** Stores a completed step; steps from the same number on, of an earlier input, are gone. */
  saveStep(turnId: string, owner: string, step: StoredStep): Promise<'saved' | 'lost'>
  /** Stores what was done for a turn before it began; nothing where it has begun. */
  saveAhead(turnId: string, step: Omit<StoredStep, 'n'>): Promise<void>
  /** `withdrawn`: people deleted its question meanwhile. */
  saveOutcome(turnId: string, owner: string, outcome: StoredOutcome): Promise<'saved' | 'lost' | 'withdrawn'>
  /** How a turn ended; `null` while it has not, or where it is not known. */
  ended(turnId: string): Promise<StoredOutcome | null>
  /** The digest of the program's request that a turn answers; `null` where there is none. */
  digestOf(turnId: string): Promise<string | null>
  /**
   * Ends the turn and its lease; answers the next turn of the conversation, and whether there are webhooks. A withdrawn turn does not end:
   * it is erased.
   */
  finish(
    turnId: string,
    owner: string,
    outcome: StoredOutcome,
    firstTextAt: Date | null,
  ): Promise<{ ended: boolean; next: Dispatch | null; hooked: boolean }>
  savePart(turnId: string, part: { ordinal: number; ref: Json; text: string; ahead?: number }): Promise<void>
  /** Claims the first post of a part before it is made; `false` while another worker holds it. A dead worker loses it. */
  reservePart(turnId: string, ordinal: number): Promise<boolean>
  parts(turnId: string): Promise<StoredPart[]>
  removePart(turnId: string, ordinal: number): Promise<void>
  /** `eventId`: the message or press that asks for it. `null` for a turn that is not known. */
  requestStop(turnId: string, eventId?: string): Promise<TurnState | null>
  /** Asks the open turns of this person to stop, if they are disabled: those of all their accounts and keys. */
  stopOfDisabled(personId: string): Promise<{ turnId: string; state: TurnState }[]>
  /** Replaces the text of a message by its author, while its turn has not started. */
  revise(platform: string, id: string, text: string, authorId: string): Promise<Revised>
  /** What Parley knows of a conversation; `null` where no message of it was taken in. */
  participation(conversationKey: string, personId: string): Promise<Participation | null>
  /**
   * Deletes messages with their files. A turn without any message left is deleted if it has ended; an open one is to stop and
   * is named, for its worker to take back what was posted. Safe to send twice.
   */
  withdraw(platform: string, ids: string[]): Promise<{ known: number; open: { turnId: string; state: TurnState }[] }>
  /** Ids of the messages of a conversation and of those below it, as the threads of a channel are. */
  messagesIn(conversationKey: string): Promise<string[]>
  /** Whether all messages of an open turn were deleted. */
  withdrawn(turnId: string): Promise<boolean>
  /** Deletes a withdrawn turn and ends its lease; answers the next turn of the conversation. */
  erase(turnId: string, owner: string): Promise<{ next: Dispatch | null }>
  /**
   * Which turn a message that says "stop" is about: the earliest open one, or the one that this message stopped before. `null`
   * where none is open, or where the message was taken in as a question.
   */
  stopTarget(conversationKey: string, platform: string, messageId: string): Promise<string | null>
  about(turnId: string): Promise<TurnAbout | null>
  /** The messages that a turn and its regenerations answer. */
  questionOf(turnId: string): Promise<IncomingMessage[]>
  /**
   * A new turn that answers the same messages in the same reply; without a wish it keeps the old turn's. Throws
   * `turn_not_found`, `turn_not_latest`.
   */
  regenerate(turnId: string, overrides?: Omit<TurnOverrides, 'from'>): Promise<Dispatch>
  /** Writes again whose question a turn and its regenerations answer: the person and teams of the asker. */
  setAsker(turnId: string, asker: Pick<Author, 'id' | 'personId' | 'teamIds'>): Promise<void>
  /**
   * Turns that may be lost: no lease, no file being read, handed to the queue or looked at longer than `olderThanMs` ago;
   * the longest ago first. Counts as looking at them, so that the next call finds others.
   */
  orphaned(olderThanMs: number, limit: number): Promise<Dispatch[]>
  /** Counts these as handed to the queue once more; answers those that are still open. */
  redispatch(lost: Dispatch[]): Promise<Dispatch[]>
  /** Ends the leases of all owners but those that start with `prefix`: a process that owns the home alone does so at its start. */
  dropForeignLeases(prefix: string): Promise<void>
}

/**
 * Keeps a turn's lease while its worker works, and signals when it must stop. The lease counts as held only while both the
 * wall clock and the monotonic clock allow it.
 */
export interface TurnLease extends Disposable {
  /** Aborts when the lease is lost, because another worker may hold the turn then. */
  lost: AbortSignal
  /** Whether the lease is certainly held right now. After a suspend, this notices before any timer does. */
  held(): boolean
}

export const turnLeaseMs = 15_000
const renewEveryMs = 4000

export function keepTurnLease(
  turns: Pick<Turns, 'renew'>,
  turnId: string,
  owner: string,
  onStop: () => void,
  claimed = moment(),
): TurnLease {
  const lost = new AbortController()
  let until = deadlineAfter(turnLeaseMs, claimed)
  let busy = false
  const renew = async () => {
    if (until.passed()) return lost.abort()
    if (busy) return
    busy = true
    const asked = moment()
    try {
      const state = await turns.renew(turnId, owner, turnLeaseMs)
      if (state === 'lost') return lost.abort()
      if (state === 'stop') onStop()
      until = deadlineAfter(turnLeaseMs, asked)
    } catch {
      // The database is away for a moment. The lease runs on; when it has run out, the check above ends the work.
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void renew(), renewEveryMs)
  return {
    lost: lost.signal,
    held: () => !lost.signal.aborted && !until.passed(),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
