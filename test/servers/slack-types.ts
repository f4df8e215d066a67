/** The interface of the simulated Slack (slack.ts). */
import type { SlackState, StandInFile, StandInMessage } from './slack-state.ts'

export interface SlackCall {
  method: string
  args: Record<string, unknown>
  at: number
  /** Slack's error code, or `ratelimited`. */
  error?: string
}

export interface SlackStandInOptions {
  /** Methods that fail in this workspace, with their error. */
  without?: Record<string, string>
  /** Slack's code for a call that it refuses. */
  refuses?(method: string, args: Record<string, unknown>): string | undefined
  /** The app has token rotation: its tokens expire after this long. */
  rotationSeconds?: number
  /** The scopes of the token, which Slack sends with every answer. Default: all. */
  granted?: string[]
  /** The events that the app subscribes to. Default: those of its manifest. */
  subscribed?: readonly string[]
  /** The bot's channels. Default: #general. */
  channels?: { id: string; name: string }[]
  /** Seconds of `Retry-After` for call number `index` (from 0) of all; undefined lets it pass. */
  limit?(method: string, index: number, args: Record<string, unknown>): number | undefined
}

export interface EventOptions {
  retry?: number
  eventId?: string
  /** The workspace belongs to this Enterprise Grid organization. */
  enterprise?: string
}

export interface Delivered {
  status: number
  body: string
  /** Milliseconds until the acknowledgement. */
  ms: number
}

export interface SlackStandIn extends AsyncDisposable {
  /** For SLACK_API_URL. */
  apiUrl: string
  signingSecret: string
  state: SlackState & { advance(ms: number): void }
  calls: SlackCall[]
  options: SlackStandInOptions
  /** The URL for events. Without it, they go over the socket. */
  target: string | undefined
  /** A person writes. Resolves when the event is acknowledged or given up. */
  say(message: Spoken): Promise<{ ts: string; delivered: Delivered[] }>
  /** Sends one event, `times` times, as Slack does without an acknowledgement. */
  event(event: Record<string, unknown>, options?: EventOptions): Promise<Delivered>
  /** A form: a slash command or an interaction. */
  form(fields: Record<string, string>): Promise<Delivered>
  interact(payload: Record<string, unknown>): Promise<Delivered>
  addFile(file: Pick<StandInFile, 'name' | 'mimetype' | 'content'> & { more?: Record<string, unknown> }): StandInFile
  fileRecord(file: StandInFile): Record<string, unknown>
  sockets(): number
  /** Closes the Socket Mode connections: with Slack's reason, or without one like a network failure. */
  disconnect(reason?: string): void
  /** Refuses new sockets. */
  refuse(refused: boolean): void
  /** Parley's messages in a channel or thread, oldest first. */
  replies(channel: string, thread?: string): StandInMessage[]
  /** Resolves when `done` returns a value; checked after each incoming call. */
  until<T>(done: () => T | undefined | false, what: string, timeoutMs?: number): Promise<T>
}

export interface Spoken {
  channel: string
  user?: string
  text: string
  thread?: string
  files?: StandInFile[]
  /** Sends an `app_mention` event too, like Slack. */
  mention?: boolean
  more?: Record<string, unknown>
  ts?: string
}
