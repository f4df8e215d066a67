/**
 * Writes one answer to the program that waits for it: as one JSON body at its end, or as chunks while it grows. Sent text
 * cannot be taken back: when an answer starts over, a chunk says so in its `parley` field, and the whole new text follows.
 */
import type { ServerResponse } from 'node:http'
import type { Ended, Follower } from './answer-events.ts'
import { type ApiFailure, retryAfter } from './failure.ts'
import { type AboutAnswer, type Completion, chunk, completion, finishReason, usageChunk } from './format.ts'

export interface AnswerWriter extends Follower {
  /** The question is stored. From here on a stream shows signs of life within a second. */
  taken(): void
  /** `parley`: sources and notices, beside the answer's text. */
  end(ended: Ended, parley: AboutAnswer): void
  fail(failure: ApiFailure): void
  close(): void
}

/** Until then a failure can still set the HTTP status. */
const headersAfterMs = 900
/** Keeps proxies from closing a silent stream. */
const beatMs = 15_000

export function createAnswerWriter(
  response: ServerResponse,
  { about: asked, streaming, withUsage }: { about: Completion; streaming: boolean; withUsage: boolean },
): AnswerWriter {
  /** Names who answers, once that is known. */
  let about = asked
  let sent = ''
  /** Thoughts sent of the model that thinks now. */
  let thought = ''
  let begun = false
  let status = 'taken in'
  let timer: NodeJS.Timeout | undefined

  const open = () => {
    if (response.headersSent || response.destroyed) return
    clearTimeout(timer)
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
    timer = setInterval(comment, beatMs)
  }
  const comment = () => response.write(`: ${status.replaceAll(/\s+/g, ' ')}\n\n`)
  const data = (value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`)

  function say(text: string): void {
    if (text === '') return
    open()
    data(chunk(about, { role: role(), content: text }))
    sent += text
  }

  function think(thoughts: string): void {
    if (thoughts === '') return
    open()
    data(chunk(about, { role: role(), reasoning_content: thoughts }))
  }

  /** Said once, in the first chunk. */
  function role(): 'assistant' | undefined {
    if (begun) return undefined
    begun = true
    return 'assistant'
  }

  return {
    taken() {
      if (!streaming) return
      timer = setTimeout(() => {
        open()
        comment()
      }, headersAfterMs)
    },
    onStatus(text) {
      status = text
      if (streaming && response.headersSent) comment()
    },
    onThoughts(thoughts) {
      if (!streaming) return
      // Another model thinks anew: what was sent stays.
      think(thoughts.startsWith(thought) ? thoughts.slice(thought.length) : `\n\n${thoughts}`)
      thought = thoughts
    },
    onText(text, model = about.model) {
      // An answer that starts over is held back until it is complete.
      if (!streaming || !text.startsWith(sent)) return
      about = { ...about, model }
      say(text.slice(sent.length))
    },
    end(ended, parley) {
      about = { ...about, model: ended.receipt.model }
      if (!streaming) {
        const headers =
          parley.cut_messages === undefined ? {} : { 'x-parley-cut-messages': String(parley.cut_messages) }
        response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers })
        response.end(JSON.stringify(completion(about, ended, parley)))
        return
      }
      // What was lost on the way.
      const { thoughts = '' } = ended.receipt
      const known = thought.trimStart()
      if (thoughts.startsWith(known)) think(thoughts.slice(known.length))
      const restarted = !ended.text.startsWith(sent)
      if (restarted) data(chunk(about, {}, null, { restarted: true }))
      say(restarted ? ended.text : ended.text.slice(sent.length))
      open()
      data(chunk(about, {}, finishReason(ended.receipt), restarted ? { ...parley, restarted } : parley))
      if (withUsage) data(usageChunk(about, ended.receipt))
      response.end('data: [DONE]\n\n')
    },
    fail(failure) {
      if (response.headersSent) {
        data(failure.body)
        response.end()
        return
      }
      response.writeHead(failure.status, { 'content-type': 'application/json; charset=utf-8', ...retryAfter(failure) })
      response.end(JSON.stringify(failure.body))
    },
    close() {
      clearTimeout(timer)
    },
  }
}
