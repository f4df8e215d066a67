/**
 * Live text and progress: the channel from the worker that writes an answer to the processes with open pages, and the
 * server-sent events of one open page: a snapshot first, then what changes, without gaps.
 */

import type { ServerResponse } from 'node:http'
import { monotonic } from '../../src/core/clock.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { HttpContext } from '../../src/core/http.ts'
import type { Json } from '../../src/core/json.ts'
import type { Log } from '../../src/core/log.ts'
import type { ConsoleEvent } from './api.ts'
import type { Board } from './board.ts'

/** What a channel must do for the console; src/queue/channel.ts does. */
export interface Topics {
  publish(topic: string, message: Json): void
  subscribe(topic: string, handler: (message: Json) => void): Promise<() => Promise<void>>
}

export const threadTopic = (threadId: string) => `console-thread-${threadId}`
/** Changes of the thread list. */
export const listTopic = 'console-threads'
/** A page has opened a thread and needs the full text of answers in progress. */
export const resyncTopic = 'console-resync'
/** A transport has begun or ended an answer, so other transports must drop their copy. */
export const writerTopic = 'console-writer'

/** Events are plain JSON by their schemas; a round trip through JSON drops absent fields. */
export function toJson(event: ConsoleEvent): Json {
  return JSON.parse(JSON.stringify(event)) as Json
}

const heartbeatMs = 15_000
/** What may wait for a page that reads slowly. Beyond it the stream ends, and the page comes back for a snapshot. */
const maxWaiting = 4_000_000
/** A resync is answered well within this, or was lost. */
const resyncEveryMs = 1000

export interface LiveDeps {
  board: Board
  topics: Topics
  threadId: string | undefined
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
  void stream(outgoing, deps)
  return undefined
}

async function stream(page: ServerResponse, { board, topics, threadId, log }: LiveDeps): Promise<void> {
  const gone = Promise.withResolvers<void>()
  page.once('close', gone.resolve)
  let waiting = 0
  const write = (text: string) => {
    if (page.destroyed) return
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
    const text = `data: ${JSON.stringify(event)}\n\n`
    // There is one snapshot, of any size: counting it would keep a slow page from ever getting past it.
    if (event.type === 'snapshot') page.write(text)
    else write(text)
  }
  const ends: (() => Promise<void>)[] = []
  let heartbeat: NodeJS.Timeout | undefined
  try {
    ends.push(await topics.subscribe(listTopic, (event) => send(event as ConsoleEvent)))
    if (threadId !== undefined) ends.push(await followThread(threadId, board, topics, send))
    heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs)
    await gone.promise
  } catch (error) {
    // The stream ends, and the page comes back.
    log.warn(errorFields(error), 'console events broke off')
    page.end()
  } finally {
    clearInterval(heartbeat)
    await Promise.all(ends.map((end) => end()))
  }
}

/**
 * Subscribes before it reads the board, so nothing falls between. The board may be a second behind a growing reply: text
 * that does not join on is held back until its writer has sent the whole of it, which a resync asks for.
 */
async function followThread(
  threadId: string,
  board: Board,
  topics: Topics,
  send: (event: ConsoleEvent) => void,
): Promise<() => Promise<void>> {
  const lengths = new Map<string, number>()
  const early: ConsoleEvent[] = []
  let ready = false
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
  }
  const end = await topics.subscribe(threadTopic(threadId), (message) => {
    const event = message as ConsoleEvent
    if (ready) pass(event)
    else early.push(event)
  })
  try {
    const known = await board.thread(threadId)
    send({
      type: 'snapshot',
      thread: known?.thread ?? null,
      messages: known?.messages ?? [],
      status: known?.status ?? null,
    })
    for (const message of known?.messages ?? []) lengths.set(message.id, message.text.length)
    ready = true
    for (const event of early) pass(event)
    if (known?.messages.some((message) => message.state === 'streaming')) resync()
    return end
  } catch (error) {
    await end()
    throw error
  }
}
