/** The port of a dialect: how programs ask in it, and how they get answers and failures. All dialects are answered by one turn path. */
import type { Ended } from './answer-events.ts'
import type { ApiFailure } from './failure.ts'
import type { AboutAnswer } from './format.ts'
import type { Asked } from './program-request.ts'

export interface About {
  id: string
  /** Seconds since 1970. */
  created: number
  /** The requested model; the finished answer names the one that answered. */
  model: string
}

export interface Finished {
  ended: Ended
  parley: AboutAnswer
}

/** One event of a stream; `event` is its name, where the dialect names events. */
export type Send = (data: unknown, event?: string) => void

/** Says what is new. `choice` counts from 0; `model` is the one that answers, as far as that is known. */
export interface AnswerStream {
  thoughts(choice: number, delta: string, model: string): void
  text(choice: number, delta: string, model: string): void
  /** Another model starts the answer over: its whole text follows. What was sent stays sent. */
  restarted(choice: number, model: string): void
  /** All text was sent; calls were not. */
  end(choice: number, answer: Finished): void
  /** All choices have ended. */
  close(answers: readonly Finished[]): void
  fail(failure: ApiFailure): void
}

export interface Dialect<A extends Asked = Asked> {
  /** Throws `ApiFailure` for what Parley cannot serve. */
  read(body: unknown): A
  idOf(id: string): string
  /** JSON, or plain text. */
  whole(about: About, asked: A, answers: readonly Finished[]): object | string
  stream(about: About, asked: A, send: Send): AnswerStream
}
