/** Sends answers to the requests that wait for them. Nothing is stored here; the turn's row holds the final answer. */
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Transport } from '../../src/core/platform.ts'
import { type AnswerEvent, answerTopic, type Topics, toJson } from './answer-events.ts'

export function createTransport({ topics }: { topics: Topics }): Transport {
  /** Text and thoughts sent so far per turn, so that only what is new is sent. */
  const shown = new Map<string, string>()
  const thought = new Map<string, string>()

  function publish(target: ReplyTarget, event: AnswerEvent): void {
    topics.publish(answerTopic(target.conversation.threadId ?? ''), toJson(event))
  }

  function forget(turnId: string): void {
    shown.delete(turnId)
    thought.delete(turnId)
  }

  function show(target: ReplyTarget, { turnId, text, citations, model, end }: OutgoingMessage): void {
    const before = shown.get(turnId) ?? ''
    if (end) {
      forget(turnId)
      publish(target, { type: 'end', ended: { text, citations, ...end } })
      return
    }
    shown.set(turnId, text)
    const offset = text.startsWith(before) ? before.length : 0
    publish(target, { type: 'text', offset, text: text.slice(offset), model })
  }

  return {
    async post(target, message, { key }) {
      show(target, message)
      return { messageId: key }
    },
    async edit(target, _ref, message) {
      show(target, message)
    },
    // An answer is one message of any length, so there is never one to remove.
    async remove() {},
    async status(target, turnId, text, state) {
      if (text !== null) publish(target, { type: 'status', text })
      else if (state === 'failed' || state === 'stopped') forget(turnId)
    },
    async think(target, turnId, thoughts) {
      const before = thought.get(turnId) ?? ''
      thought.set(turnId, thoughts)
      const offset = thoughts.startsWith(before) ? before.length : 0
      publish(target, { type: 'thoughts', offset, text: thoughts.slice(offset) })
    },
  }
}
