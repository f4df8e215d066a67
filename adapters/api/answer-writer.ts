/**
 * Writes one answer, or several to one request, to the program that waits: as one JSON body at the end, or as a stream while
 * it grows. Sent text cannot be taken back: when an answer starts over, the stream says so, and the whole new text follows.
 */
import type { ServerResponse } from 'node:http'
import type { Follower } from './answer-events.ts'
import type { About, Dialect, Finished, Send } from './dialect.ts'
import { type ApiFailure, retryAfter } from './failure.ts'
import type { Asked } from './program-request.ts'

export interface AnswerWriter {
  follower(choice: number): Follower
  /** The question is stored. From here on a stream shows signs of life within a second. */
  taken(): void
  /** All have ended, in the order of their choices. */
  end(answers: readonly Finished[]): void
  fail(failure: ApiFailure): void
  close(): void
}

/** Until then a failure can still set the HTTP status. */
const headersAfterMs = 900
/** Keeps proxies from closing a silent stream. */
const beatMs = 15_000

export function createAnswerWriter<A extends Asked>(
  response: ServerResponse,
  {
    dialect,
    about,
    asked,
    bodyOf,
  }: { dialect: Dialect<A>; about: About; asked: A; bodyOf(failure: ApiFailure): object },
): AnswerWriter {
  const { stream: streaming } = asked
  /** What was sent of each choice; `thought` is that of the model that thinks now. */
  const choices = Array.from({ length: asked.choices }, () => ({ model: about.model, sent: '', thought: '' }))
  let status = 'taken in'
  let timer: NodeJS.Timeout | undefined

  const open = () => {
    if (response.headersSent || response.destroyed) return
    clearTimeout(timer)
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
    timer = setInterval(comment, beatMs)
  }
  const comment = () => response.write(`: ${status.replaceAll(/\s+/g, ' ')}\n\n`)
  const send: Send = (data, event) => {
    open()
    const name = event === undefined ? '' : `event: ${event}\n`
    response.write(`${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  }
  const stream = streaming ? dialect.stream(about, asked, send) : undefined

  type Choice = (typeof choices)[number]

  function say(at: number, choice: Choice, text: string): void {
    if (text === '') return
    stream?.text(at, text, choice.model)
    choice.sent += text
  }

  function think(at: number, choice: Choice, thoughts: string): void {
    if (thoughts !== '') stream?.thoughts(at, thoughts, choice.model)
  }

  function finish(at: number, choice: Choice, { ended, parley }: Finished): void {
    choice.model = ended.receipt.model
    // What was lost on the way.
    const { thoughts = '' } = ended.receipt
    const known = choice.thought.trimStart()
    if (thoughts.startsWith(known)) think(at, choice, thoughts.slice(known.length))
    const restarted = !ended.text.startsWith(choice.sent)
    if (restarted) stream?.restarted(at, choice.model)
    say(at, choice, restarted ? ended.text : ended.text.slice(choice.sent.length))
    stream?.end(at, { ended, parley: restarted ? { ...parley, restarted } : parley })
  }

  return {
    follower(at) {
      const choice = choices[at]
      if (choice === undefined) throw new Error('there is no such choice')
      return {
        onStatus(text) {
          status = text
          if (streaming && response.headersSent) comment()
        },
        onThoughts(thoughts) {
          if (!streaming) return
          // Another model thinks anew: what was sent stays.
          think(
            at,
            choice,
            thoughts.startsWith(choice.thought) ? thoughts.slice(choice.thought.length) : `\n\n${thoughts}`,
          )
          choice.thought = thoughts
        },
        onText(text, model = choice.model) {
          // An answer that starts over is held back until it is complete.
          if (!streaming || !text.startsWith(choice.sent)) return
          choice.model = model
          say(at, choice, text.slice(choice.sent.length))
        },
      }
    },
    taken() {
      if (!streaming) return
      timer = setTimeout(() => {
        open()
        comment()
      }, headersAfterMs)
    },
    end(answers) {
      if (!streaming) {
        const cut = answers[0]?.parley.cut_messages
        const headers = cut === undefined ? {} : { 'x-parley-cut-messages': String(cut) }
        const whole = dialect.whole(about, asked, answers)
        const type = typeof whole === 'string' ? 'text/plain' : 'application/json'
        response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, ...headers })
        response.end(typeof whole === 'string' ? whole : JSON.stringify(whole))
        return
      }
      for (const [at, choice] of choices.entries()) {
        const answer = answers[at]
        if (answer !== undefined) finish(at, choice, answer)
      }
      stream?.close(answers)
      response.end()
    },
    fail(failure) {
      if (response.headersSent) {
        stream?.fail(failure)
        response.end()
        return
      }
      response.writeHead(failure.status, { 'content-type': 'application/json; charset=utf-8', ...retryAfter(failure) })
      response.end(JSON.stringify(bodyOf(failure)))
    },
    close() {
      clearTimeout(timer)
    },
  }
}
