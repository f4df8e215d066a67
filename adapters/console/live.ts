/**
 * Live text and progress: the channel from the worker that writes an answer to the processes with open pages, and the
 * server-sent events of one open page: a snapshot first, then what changes, without gaps.
 */

import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { HttpContext } from '../../src/core/http.ts'
import type { Json } from '../../src/core/json.ts'
import type { Log } from '../../src/core/log.ts'
import { peopleChangedTopic, sessionsEndedTopic } from '../../src/core/topics.ts'
import type { ConsoleEvent } from './api.ts'
import type { Board, Owner } from './board.ts'

/** What a channel must do for the console; src/queue/channel.ts does. */
export interface Topics {
  publish(topic: string, message: Json): void
  subscribe(topic: string, handler: (message: Json) => void): Promise<() => Promise<void>>
}

export const threadTopic = (threadId: string) => `console-thread-${threadId}`
/** A thread of the list has changed or was deleted. A deleted one comes with its owner, since its row is gone. */
const listTopic = 'console-threads'
const ListChange = z.object({ threadId: z.string(), deletedOf: z.string().nullable().optional() })
/** A page has opened a thread and needs the full text of answers in progress. */
export const resyncTopic = 'console-resync'
/** A transport has begun or ended an answer, so other transports must drop their copy. */
export const writerTopic = 'console-writer'

/** The thread's title, time or state has changed. */
export function publishChanged(topics: Topics, threadId: string): void {
  topics.publish(listTopic, { threadId })
}

/** A thread of this owner was deleted. */
export function publishDeleted(topics: Topics, threadId: string, owner: Owner): void {
  topics.publish(threadTopic(threadId), toJson({ type: 'snapshot', thread: null, messages: [], status: null }))
  topics.publish(listTopic, { threadId, deletedOf: owner })
}

/** Events are plain JSON by their schemas; a round trip through JSON drops absent fields. */
export function toJson(event: ConsoleEvent): Json {
  return JSON.parse(JSON.stringify(event)) as Json
}

const heartbeatMs = 15_000
/** What may wait for a page that reads slowly. Beyond it the stream ends, and the page comes back for a snapshot. */
const maxWaiting = 4_000_000
/** A resync is answered well within this, or was lost. */
const resyncEveryMs = 1000

/** A stream checks its session this often, in case the channel has lost the message that it ended. */
const checkEveryMs = 30_000

/** Changes of the thread list are sent this often, together; while they cannot be read, twice as long each time. */
const listEveryMs = 200
const mostListPauseMs = 10_000

export interface ThreadFeed {
  start(): Promise<void>
  /** Sends each change of this owner's list, as event frames. Returns the end. */
  follow(owner: Owner, send: (frames: string) => void): () => void
  stop(): Promise<void>
}

/**
 * The thread lists for all open pages of this process. All pages of one person show the same threads, so each change is read and
 * written out once for them, with all others of the same moment: sent one by one they are most of the work at 200 conversations
 * (bench/latency.ts).
 */
export function createThreadFeed({ board, topics, log }: Pick<LiveDeps, 'board' | 'topics' | 'log'>): ThreadFeed {
  const pages = new Map<Owner, Set<(frames: string) => void>>()
  /** With the owner of a deleted one. */
  let changed = new Map<string, Owner | undefined>()
  let sending: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let end = async () => {}

  const later = () => {
    timer ??= setTimeout(
      () => {
        timer = undefined
        sending = sending.then(send)
      },
      Math.min(mostListPauseMs, listEveryMs * 2 ** failures),
    )
  }

  async function send(): Promise<void> {
    const now = changed
    changed = new Map()
    if (pages.size === 0) {
      failures = 0
      return
    }
    try {
      const found = new Map((await board.summaries([...now.keys()])).map((thread) => [thread.id, thread]))
      const frames = new Map<Owner, string>()
      const add = (owner: Owner, event: ConsoleEvent) => frames.set(owner, (frames.get(owner) ?? '') + frameOf(event))
      for (const [threadId, deletedOf] of now) {
        const known = found.get(threadId)
        if (known !== undefined) {
          const { listed, owner, ...thread } = known
          if (listed && pages.has(owner)) add(owner, { type: 'thread', thread })
        }
        if (deletedOf !== undefined && known?.owner !== deletedOf) add(deletedOf, { type: 'threadDeleted', threadId })
      }
      for (const [owner, text] of frames) for (const page of pages.get(owner) ?? []) page(text)
      if (failures > 0) log.info({ failures }, 'changes of the thread list are read again')
      failures = 0
    } catch (error) {
      if (failures === 0)
        log.warn(errorFields(error), 'changes of the thread list cannot be read; trying until they can')
      failures += 1
      for (const [id, deletedOf] of now) if (changed.get(id) === undefined) changed.set(id, deletedOf)
      later()
    }
  }

  return {
    async start() {
      end = await topics.subscribe(listTopic, (message) => {
        const change = ListChange.safeParse(message).data
        if (pages.size === 0 || change === undefined) return
        changed.set(change.threadId, change.deletedOf === undefined ? changed.get(change.threadId) : change.deletedOf)
        later()
      })
    },
    follow(owner, page) {
      const own = pages.get(owner) ?? new Set()
      pages.set(owner, own.add(page))
      return () => {
        own.delete(page)
        if (own.size === 0 && pages.get(owner) === own) pages.delete(owner)
      }
    },
    async stop() {
      clearTimeout(timer)
      // Without pages, nothing is read or tried again.
      pages.clear()
      await end()
      await sending
    },
  }
}

const frameOf = (event: ConsoleEvent) => `data: ${JSON.stringify(event)}\n\n`

/** Tells open streams about changes of sessions and persons. */
export interface PageWatch {
  start(): Promise<void>
  /** Returns the end. */
  add(owner: Owner, page: WatchedPage): () => void
  stop(): Promise<void>
}

export interface WatchedPage {
  /** Sessions of its owner have ended, or there are accounts now. */
  check(): void
  /** Its owner's role, teams or accounts have changed. */
  changed(): void
}

export function createPageWatch(topics: Topics): PageWatch {
  const pages = new Map<WatchedPage, Owner>()
  let ends: (() => Promise<void>)[] = []
  return {
    async start() {
      ends = [
        await topics.subscribe(sessionsEndedTopic, (personId) => {
          for (const [page, owner] of pages) if (owner === personId) page.check()
        }),
        await topics.subscribe(peopleChangedTopic, (personId) => {
          for (const [page, owner] of pages) {
            // The first account ends what needed none.
            if (owner === null) page.check()
            else if (owner === personId) page.changed()
          }
        }),
      ]
    },
    add(owner, page) {
      pages.set(page, owner)
      return () => void pages.delete(page)
    },
    async stop() {
      pages.clear()
      for (const end of ends.splice(0)) await end()
    },
  }
}

export interface LiveDeps {
  board: Pick<Board, 'thread' | 'ownerOf' | 'summaries'>
  topics: Topics
  list: Pick<ThreadFeed, 'follow'>
  threadId: string | undefined
  owner: Owner
  /** Whether whoever opened this stream may still read it. */
  holds(): Promise<boolean>
  watch: PageWatch['add']
  log: Log
}

/** Written past web streams, straight to the connection: at 200 open pages that is a fifth of the process's work. */
export function serveEvents(context: HttpContext, deps: LiveDeps): Response | undefined {
  // The answer to HEAD has no body that could be read or cancelled.
  if (context.req.method === 'HEAD') return context.body(null, 200, { 'content-type': 'text/event-stream' })
  const { outgoing } = context.env
  outgoing.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  })
  // Without a thread there is no snapshot, so nothing else would open the stream until the list changes.
  if (deps.threadId === undefined) outgoing.flushHeaders()
  void stream(outgoing, deps)
  return undefined
}

async function stream(page: ServerResponse, deps: LiveDeps): Promise<void> {
  const { list, threadId, owner, holds, watch, log } = deps
  const gone = Promise.withResolvers<void>()
  page.once('close', gone.resolve)
  let waiting = 0
  const write = (text: string) => {
    if (page.destroyed || page.writableEnded) return
    if (waiting > maxWaiting) {
      page.destroy()
      return
    }
    waiting += text.length
    page.write(text, () => {
      waiting -= text.length
    })
  }
  const send = (event: ConsoleEvent) => {
    if (page.destroyed || page.writableEnded) return
    const text = frameOf(event)
    // There is one snapshot, of any size: counting it would keep a slow page from ever getting past it.
    if (event.type === 'snapshot') page.write(text)
    else write(text)
  }
  const check = () => {
    holds().then(
      (held) => {
        if (held || page.writableEnded) return
        unfollow()
        write(frameOf({ type: 'signedOut' }))
        page.end()
      },
      // Nobody is signed out because the database does not answer; the next check tells.
      (error: unknown) => log.warn(errorFields(error), 'a session could not be checked; trying again'),
    )
  }
  let leave = async () => {}
  const unfollow = list.follow(owner, write)
  const unwatch = watch(owner, { check, changed: () => write(frameOf({ type: 'accountChanged' })) })
  const checking = setInterval(check, checkEveryMs)
  let heartbeat: NodeJS.Timeout | undefined
  try {
    if (threadId !== undefined) leave = await followThread(threadId, deps, send)
    heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs)
    await gone.promise
  } catch (error) {
    // The stream ends, and the page comes back.
    log.warn(errorFields(error), 'console events broke off')
    page.end()
  } finally {
    clearInterval(heartbeat)
    clearInterval(checking)
    unwatch()
    unfollow()
    await leave()
  }
}

/**
 * Subscribes before it reads the board, so nothing falls between. The board may be a second behind a growing reply: text
 * that does not join on is held back until its writer has sent the whole of it, which a resync asks for.
 *
 * A page opens its new thread before the thread exists. Until it does, events wait: the first of them asks whose it is.
 */
async function followThread(
  threadId: string,
  { board, topics, owner, log }: Pick<LiveDeps, 'board' | 'topics' | 'owner' | 'log'>,
  send: (event: ConsoleEvent) => void,
): Promise<() => Promise<void>> {
  const lengths = new Map<string, number>()
  let early: ConsoleEvent[] = []
  /** `unknown`: not read yet, or no such thread. */
  let state: 'unknown' | 'asking' | 'own' | 'foreign' = 'asking'
  let resyncAt = Number.NEGATIVE_INFINITY
  const resync = () => {
    if (monotonic() - resyncAt < resyncEveryMs) return
    resyncAt = monotonic()
    topics.publish(resyncTopic, threadId)
  }
  const pass = (event: ConsoleEvent) => {
    if (event.type === 'message') lengths.set(event.message.id, event.message.text.length)
    if (event.type === 'text') {
      const held = lengths.get(event.messageId)
      if (held === undefined || event.offset > held) {
        resync()
        return
      }
      lengths.set(event.messageId, event.offset + event.text.length)
    }
    send(event)
    // Deleted: whoever writes under this id next need not be the same person.
    if (event.type === 'snapshot' && event.thread === null) state = 'unknown'
  }
  const settle = (found: Owner | undefined) => {
    state = found === undefined ? 'unknown' : found === owner ? 'own' : 'foreign'
    const waited = early
    early = []
    if (state === 'own') for (const event of waited) receive(event)
  }
  /** An event is published after its thread was stored, so an answer that began before it came may be too old. */
  const ask = async (): Promise<void> => {
    for (;;) {
      const { length } = early
      const found = await board.ownerOf(threadId)
      if (found !== undefined || early.length === length) {
        settle(found)
        return
      }
    }
  }
  const receive = (event: ConsoleEvent) => {
    if (state === 'own') {
      pass(event)
      return
    }
    if (state === 'foreign') return
    early.push(event)
    if (state === 'asking') return
    state = 'asking'
    ask().catch((error: unknown) => {
      log.warn(errorFields(error), 'the owner of a thread could not be read; trying again')
      state = 'unknown'
    })
  }
  const end = await topics.subscribe(threadTopic(threadId), (message) => receive(message as ConsoleEvent))
  try {
    const known = await board.thread(threadId, owner)
    send({
      type: 'snapshot',
      thread: known?.thread ?? null,
      messages: known?.messages ?? [],
      status: known?.status ?? null,
    })
    for (const message of known?.messages ?? []) lengths.set(message.id, message.text.length)
    if (known !== null) settle(owner)
    else if (early.length > 0) await ask()
    else settle(undefined)
    if (known?.status || known?.messages.some((message) => message.state === 'streaming')) resync()
    return end
  } catch (error) {
    await end()
    throw error
  }
}
