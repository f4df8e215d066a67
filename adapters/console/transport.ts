/**
 * Writes answers to the console: to open pages immediately, and to the board at most once a second while the text grows. A
 * message's ID is derived from its turn, so a repeated post has the same ID. Notices are stored in the thread.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Blobs } from '../../src/core/blobs.ts'
import { monotonic } from '../../src/core/clock.ts'
import { commandsTypedAs, encodeAction, type Notice } from '../../src/core/command.ts'
import type { OutgoingMessage, Transport, TurnState } from '../../src/core/platform.ts'
import type { ConsoleEvent, Message, MessageState } from './api.ts'
import type { Board, ReplyRow } from './board.ts'
import { publishChanged, resyncTopic, type Topics, threadTopic, toJson, writerTopic } from './live.ts'
import { threadOf, withAllNames } from './normalize.ts'

const saveEveryMs = 1000
/** After this time without new text, the writer may be gone; by then, the board has the full text. */
const freshMs = 15_000

interface Live {
  threadId: string
  text: string
  savedAt: number
  shownAt: number
}

interface Thinking {
  threadId: string
  thoughts: string
  shownAt: number
}

const Written = z.object({ messageId: z.string(), writer: z.string() })

export interface ConsoleTransport extends Transport {
  /** Serves the full text to pages that open during an answer. */
  start(): Promise<void>
}

export function createTransport({
  board,
  topics,
  blobs,
  now = monotonic,
}: {
  board: Board
  blobs: Pick<Blobs, 'put'>
  topics: Topics
  now?: () => number
}): ConsoleTransport {
  const live = new Map<string, Live>()
  /** By turn. */
  const thinking = new Map<string, Thinking>()
  const writer = randomUUID()
  const claim = (messageId: string) => topics.publish(writerTopic, { messageId, writer })
  const publish = (threadId: string, event: ConsoleEvent) => topics.publish(threadTopic(threadId), toJson(event))

  function forgetStale(): void {
    for (const [turnId, { shownAt }] of thinking) if (now() - shownAt > freshMs) thinking.delete(turnId)
  }

  function row(threadId: string, id: string, message: OutgoingMessage): ReplyRow {
    const state: MessageState = message.end?.state ?? 'streaming'
    const { turnId, text, citations } = message
    return { id, threadId, turnId, text, state, citations, receipt: message.end?.receipt ?? null }
  }

  /** Publishes the change only, and the whole message when it is the last one. */
  async function show(change: 'post' | 'edit', threadId: string, id: string, message: OutgoingMessage): Promise<void> {
    const before = live.get(id)
    if (message.end) {
      live.delete(id)
      thinking.delete(message.turnId)
      claim(id)
      const saved = await board.saveReply(row(threadId, id, message))
      publish(threadId, { type: 'message', message: saved })
      publishChanged(topics, threadId)
      return
    }
    const kept = before === undefined ? 0 : commonLength(before.text, message.text)
    const entry = { threadId, text: message.text, savedAt: before?.savedAt ?? Number.NEGATIVE_INFINITY, shownAt: now() }
    live.set(id, entry)
    if (before === undefined) claim(id)
    if (change === 'edit')
      publish(threadId, { type: 'text', messageId: id, offset: kept, text: message.text.slice(kept) })
    if (before === undefined || now() - entry.savedAt >= saveEveryMs) {
      entry.savedAt = now()
      await board.saveReply(row(threadId, id, message))
    }
  }

  return {
    async start() {
      await topics.subscribe(resyncTopic, (threadId) => {
        for (const [messageId, each] of live) {
          if (now() - each.shownAt > freshMs) live.delete(messageId)
          else if (each.threadId === threadId)
            publish(each.threadId, { type: 'text', messageId, offset: 0, text: each.text })
        }
        forgetStale()
        for (const [turnId, each] of thinking)
          if (each.threadId === threadId)
            publish(threadId, { type: 'thoughts', turnId, offset: 0, text: each.thoughts })
      })
      await topics.subscribe(writerTopic, (event) => {
        const { success, data } = Written.safeParse(event)
        if (success && data.writer !== writer) live.delete(data.messageId)
      })
    },
    async post(target, message, { key }) {
      const threadId = threadOf(target)
      // The page may show the text before the board has stored it.
      const state = message.end?.state ?? 'streaming'
      if (!message.end) {
        publish(threadId, {
          type: 'message',
          message: {
            id: key,
            threadId,
            seq: Number.MAX_SAFE_INTEGER,
            role: 'parley',
            text: message.text,
            state,
            createdAt: new Date().toISOString(),
            turnId: message.turnId,
            attachments: [],
            citations: message.citations,
            buttons: [],
            receipt: null,
            feedback: null,
          },
        })
      }
      await show('post', threadId, key, message)
      return { messageId: key }
    },
    async edit(target, ref, message) {
      await show('edit', threadOf(target), idOf(ref), message)
    },
    async remove(target, ref) {
      const id = idOf(ref)
      live.delete(id)
      await board.removeReply(id)
      publish(threadOf(target), { type: 'removed', messageId: id })
    },
    async notify(target, notice, { key }) {
      const threadId = threadOf(target)
      publish(threadId, { type: 'message', message: await keepNotice({ board, blobs }, threadId, key, notice, true) })
      publishChanged(topics, threadId)
    },
    async think(target, turnId, thoughts) {
      const threadId = threadOf(target)
      const before = thinking.get(turnId)?.thoughts
      if (before === undefined) forgetStale()
      thinking.set(turnId, { threadId, thoughts, shownAt: now() })
      const offset = before !== undefined && thoughts.startsWith(before) ? before.length : 0
      publish(threadId, { type: 'thoughts', turnId, offset, text: thoughts.slice(offset) })
    },
    async status(target, turnId, text, state) {
      if (ended(state)) thinking.delete(turnId)
      const threadId = threadOf(target)
      publish(threadId, {
        type: 'status',
        status: text === null || ended(state) ? null : { threadId, turnId, text, state },
      })
    },
  }
}

function ended(state: TurnState): state is 'done' | 'stopped' | 'failed' {
  return state === 'done' || state === 'stopped' || state === 'failed'
}

function idOf(ref: unknown): string {
  if (typeof ref === 'object' && ref !== null && 'messageId' in ref && typeof ref.messageId === 'string')
    return ref.messageId
  throw new TypeError('not a reference to a console message')
}

/** The length of the unchanged beginning. Answers grow at their end, so this is usually the whole old text. */
function commonLength(before: string, after: string): number {
  if (after.startsWith(before)) return before.length
  let length = 0
  while (length < before.length && before.charCodeAt(length) === after.charCodeAt(length)) length += 1
  return length
}

/** Files of notices are Parley's own, and smaller. */
const noticeFileBytes = 50_000_000

/**
 * Stores a notice in a thread: the result of a command, an alert. Its files become uploads of the thread. `listed`: the page's list
 * shows the thread from now on.
 */
export async function keepNotice(
  { board, blobs }: { board: Board; blobs: Pick<Blobs, 'put'> },
  threadId: string,
  id: string,
  { text, files = [], buttons = [] }: Notice,
  listed: boolean,
): Promise<Message> {
  const attachments = await Promise.all(
    files.map(async ({ name, mediaType, data, alt }) => {
      await using blob = await blobs.put(Readable.from([data]), { maxBytes: noticeFileBytes })
      const uploadId = randomUUID()
      await board.saveOwnFile({ uploadId, name, mediaType, bytes: blob.bytes, contentHash: blob.hash }, threadId)
      return { id: uploadId, name, mediaType, bytes: blob.bytes, alt }
    }),
  )
  const pressed = buttons.map(({ label, action, style }) => ({
    label,
    action: encodeAction(action),
    style,
  }))
  return board.saveNotice({
    id,
    threadId,
    text: commandsTypedAs('/', await withAllNames(text, board)),
    attachments,
    buttons: pressed,
    listed,
  })
}
