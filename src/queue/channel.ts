/**
 * Small, lossy, ordered messages between processes: stop signals to the worker that holds a turn, and live text for the
 * console page. Nothing rests on one arriving: receivers also read the store. Its contract is channel.contract.ts.
 */
import type { Json } from '../core/json.ts'

export interface Channel {
  /** Sends to every subscriber of the topic, this process included. Never rejects: a lost message is allowed. */
  publish(topic: string, message: Json): void
  /** Calls `handler` for each message, in the order one publisher sent them. Returns the end of the subscription. */
  subscribe(topic: string, handler: (message: Json) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}
