/**
 * Writes one answer to the program that waits for it: as one JSON body at its end, or as chunks while it grows. Sent text
 * cannot be taken back, so when an answer starts over, the new text follows the old with a line that says so.
 */
import type { ServerResponse } from 'node:http'
import { apiAnswer } from '../../src/wording/api.ts'
import type { Ended, Follower } from './answer-events.ts'
import type { ApiFailure } from './failure.ts'
import { type Completion, chunk, completion, finishReason, usageChunk } from './format.ts'

export interface AnswerWriter extends Follower {
  /** The question is stored. From here on a stream shows signs of life within a second. */
  taken(): void
  /** `closing`: the sources and notices below the answer. */
  end(ended: Ended, closing: string): void
  fail(failure: ApiFailure): void
  close(): void
}

/** Until then a failure can still set the HTTP status. */
const headersAfterMs = 900
/** Keeps proxies from closing a silent stream. */
const beatMs = 15_000
const restartMarker = `\n\n---\n\n${apiAnswer.restarted}\n\n`

export function createAnswerWriter(
  response: ServerResponse,
  { about, streaming, withUsage }: { about: Completion; streaming: boolean; withUsage: boolean },
): AnswerWriter {
  let sent = ''
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
    data(chunk(about, { role: sent === '' ? ('assistant' as const) : undefined, content: text }))
    sent += text
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
    onText(text) {
      // An answer that starts over is held back until it is complete.
      if (streaming && text.startsWith(sent)) say(text.slice(sent.length))
    },
    end(ended, closing) {
      const text = ended.text + closing
      if (!streaming) {
        response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
        response.end(JSON.stringify(completion(about, ended, text)))
        return
      }
      say(text.startsWith(sent) ? text.slice(sent.length) : `${restartMarker}${text}`)
      open()
      data(chunk(about, {}, finishReason(ended.receipt)))
      if (withUsage) data(usageChunk(about, ended.receipt))
      response.end('data: [DONE]\n\n')
    },
    fail(failure) {
      if (response.headersSent) {
        data(failure.body)
        response.end()
        return
      }
      response.writeHead(failure.status, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify(failure.body))
    },
    close() {
      clearTimeout(timer)
    },
  }
}
