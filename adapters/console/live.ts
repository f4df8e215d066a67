/** Server-sent events of one open page: a snapshot first, then what changes, without gaps. */
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { ConsoleEvent } from './api.ts'
import type { Board } from './board.ts'
import { listTopic, resyncTopic, type Topics, threadTopic } from './topics.ts'

const heartbeatMs = 15_000

export function serveEvents(
  context: Context,
  { board, topics, threadId }: { board: Board; topics: Topics; threadId: string | undefined },
) {
  return streamSSE(context, async (stream) => {
    const send = (event: ConsoleEvent) => {
      // A page that has gone away is noticed by onAbort; a write to it may be lost.
      void stream.writeSSE({ data: JSON.stringify(event) }).catch(() => undefined)
    }
    const gone = Promise.withResolvers<void>()
    stream.onAbort(() => gone.resolve())
    const ends: (() => Promise<void>)[] = [await topics.subscribe(listTopic, (event) => send(event as ConsoleEvent))]
    if (threadId !== undefined) ends.push(await followThread(threadId, board, topics, send))
    const heartbeat = setInterval(() => void stream.write(': still here\n\n').catch(() => undefined), heartbeatMs)
    try {
      await gone.promise
    } finally {
      clearInterval(heartbeat)
      await Promise.all(ends.map((end) => end()))
    }
  })
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
  const pass = (event: ConsoleEvent) => {
    if (event.type === 'message') lengths.set(event.message.id, event.message.text.length)
    if (event.type === 'text') {
      const held = lengths.get(event.messageId)
      if (held === undefined || event.offset > held) {
        topics.publish(resyncTopic, threadId)
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
  if (known?.messages.some((message) => message.state === 'streaming')) topics.publish(resyncTopic, threadId)
  return end
}
