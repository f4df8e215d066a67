/** The console's channel: live text and progress from the worker that writes a reply to the pages that show it. */
import type { Json } from '../../src/core/json.ts'
import type { ConsoleEvent } from './api.ts'

/** What a channel must do for the console; src/queue/channel.ts does. */
export interface Topics {
  publish(topic: string, message: Json): void
  subscribe(topic: string, handler: (message: Json) => void): Promise<() => Promise<void>>
}

export const threadTopic = (threadId: string) => `console-thread-${threadId}`
/** Changes of the thread list. */
export const listTopic = 'console-threads'
/** A page has opened a thread and wants the whole text of messages being written in it. */
export const resyncTopic = 'console-resync'
/** A transport has begun or ended a reply: what another one remembers of that reply is out of date. */
export const writerTopic = 'console-writer'

/** Events are plain JSON by their schemas; a round trip through JSON drops absent fields. */
export function toJson(event: ConsoleEvent): Json {
  return JSON.parse(JSON.stringify(event)) as Json
}
