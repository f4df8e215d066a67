/** The console's channel: live text and progress, from the worker that writes an answer to the open pages. */
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
/** A page has opened a thread and needs the full text of answers in progress. */
export const resyncTopic = 'console-resync'
/** A transport has begun or ended an answer, so other transports must drop their copy. */
export const writerTopic = 'console-writer'

/** Events are plain JSON by their schemas; a round trip through JSON drops absent fields. */
export function toJson(event: ConsoleEvent): Json {
  return JSON.parse(JSON.stringify(event)) as Json
}
