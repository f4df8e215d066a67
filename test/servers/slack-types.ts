/** What the stand-in of Slack offers to tests (slack.ts). */
import type { SlackState, StandInFile, StandInMessage } from './slack-state.ts'

export interface SlackCall {
  method: string
  args: Record<string, unknown>
  at: number
  /** What went wrong: Slack's code, or `ratelimited`. */
  error?: string
}

export interface SlackStandInOptions {
  /** Methods that this workspace does not have, with the error that it gives. */
  without?: Record<string, string>
  /** What the token may do, as Slack tells it with every answer. Default: everything. */
  granted?: string[]
  /** Where the bot is a member. Default: #general. */
  channels?: { id: string; name: string }[]
  /** Seconds of `Retry-After` for call number `index` (from 0) of all; undefined lets it pass. */
  limit?(method: string, index: number, args: Record<string, unknown>): number | undefined
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
  /** Where events go: Parley's own port. Without it they go over the socket. */
  target: string | undefined
  /** A person writes. Resolves once it is acknowledged or given up. */
  say(message: Spoken): Promise<{ ts: string; delivered: Delivered[] }>
  /** Sends one event; `times` more than once as Slack does when it saw no acknowledgement. */
  event(event: Record<string, unknown>, options?: { retry?: number; eventId?: string }): Promise<Delivered>
  /** A form: a slash command or an interaction. */
  form(fields: Record<string, string>): Promise<Delivered>
  interact(payload: Record<string, unknown>): Promise<Delivered>
  addFile(file: Pick<StandInFile, 'name' | 'mimetype' | 'content'> & { more?: Record<string, unknown> }): StandInFile
  fileRecord(file: StandInFile): Record<string, unknown>
  sockets(): number
  /** Ends the connections of Socket Mode: with Slack's words for it, or without one as a network does. */
  disconnect(reason?: string): void
  /** No socket opens. */
  refuse(refused: boolean): void
  /** Messages of Parley in a place, oldest first. */
  replies(channel: string, thread?: string): StandInMessage[]
  /** Resolves once `done` answers something, looked at after each call that comes in. */
  until<T>(done: () => T | undefined | false, what: string, timeoutMs?: number): Promise<T>
}

export interface Spoken {
  channel: string
  user?: string
  text: string
  thread?: string
  files?: StandInFile[]
  /** Also as `app_mention`, as Slack does. */
  mention?: boolean
  more?: Record<string, unknown>
  ts?: string
}
