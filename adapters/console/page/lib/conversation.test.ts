import { describe, expect, test } from 'vitest'
import type { Message } from '../../api.ts'
import { applyEvent, type Conversation, emptyConversation, readingOrder, runningTurn, takenIn } from './conversation.ts'

const threadId = '00000000-0000-4000-8000-000000000001'
const message = (more: Partial<Message>): Message => ({
  id: 'm1',
  threadId,
  seq: 1,
  role: 'parley',
  text: '',
  state: 'streaming',
  buttons: [],
  createdAt: '2026-01-01T00:00:00.000Z',
  turnId: 't1',
  attachments: [],
  citations: [],
  receipt: null,
  feedback: null,
  ...more,
})

function heldAfter(...events: Parameters<typeof applyEvent>[1][]): Conversation {
  return events.reduce<Conversation>((held, event) => {
    const next = applyEvent(held, event)
    if (next === 'gap') throw new Error('gap')
    return next
  }, emptyConversation(threadId))
}

describe('the page’s copy of a thread', () => {
  test('a message that was stored without a turn is not confirmed yet', () => {
    const sent = message({ role: 'user', state: 'sent', turnId: null })
    expect(takenIn(heldAfter({ type: 'message', message: sent }))).toEqual([])
    expect(takenIn(heldAfter({ type: 'message', message: { ...sent, turnId: 't1' } }))).toEqual(['m1'])
  })

  test('text replaces everything after its offset, even if it arrives twice', () => {
    const text = { type: 'text' as const, messageId: 'm1', offset: 3, text: 'two' }
    const held = heldAfter({ type: 'message', message: message({ text: 'onX' }) }, text, text)
    expect(held.messages[0]?.text).toBe('onXtwo')
    expect(
      heldAfter({ type: 'message', message: message({ text: 'a long draft' }) }, { ...text, offset: 0, text: 'new' })
        .messages[0]?.text,
    ).toBe('new')
  })

  test('text beyond the known end, or of an unknown message, is a gap', () => {
    const held = heldAfter({ type: 'message', message: message({ text: 'on' }) })
    expect(applyEvent(held, { type: 'text', messageId: 'm1', offset: 3, text: 'x' })).toBe('gap')
    expect(applyEvent(held, { type: 'text', messageId: 'm2', offset: 0, text: 'x' })).toBe('gap')
  })

  test('thoughts grow at their end, start over with another model, and end with the answer', () => {
    const thought = (offset: number, text: string, turnId = 't1') => ({
      type: 'thoughts' as const,
      turnId,
      offset,
      text,
    })
    expect(heldAfter(thought(0, 'one'), thought(3, ' two')).thoughts?.text).toBe('one two')
    expect(heldAfter(thought(0, 'one'), thought(0, 'anew')).thoughts?.text).toBe('anew')
    expect(heldAfter(thought(5, 'beyond')).thoughts).toBeNull()
    const running = { type: 'message' as const, message: message({}) }
    expect(heldAfter(running, thought(0, 'one'), running).thoughts?.text).toBe('one')
    const done = { type: 'message' as const, message: message({ state: 'done' }) }
    expect(heldAfter(thought(0, 'one'), done).thoughts).toBeNull()
    const snapshot = { type: 'snapshot' as const, thread: null, messages: [], status: null }
    expect(heldAfter(thought(0, 'one'), snapshot).thoughts).toBeNull()
  })

  test('messages are in the order of the thread, each once', () => {
    const held = heldAfter(
      { type: 'message', message: message({ id: 'reply', seq: 2 }) },
      { type: 'message', message: message({ id: 'ask', seq: 1, role: 'user', state: 'sent' }) },
      { type: 'message', message: message({ id: 'reply', seq: 2, state: 'done', text: 'Done' }) },
    )
    expect(held.messages.map((one) => `${one.id} ${one.text}`)).toEqual(['ask ', 'reply Done'])
  })

  test('a snapshot keeps the objects of messages that have not changed', () => {
    const held = heldAfter({ type: 'message', message: message({ state: 'done', text: 'same' }) })
    const messages = [message({ state: 'done', text: 'same' }), message({ id: 'm2', seq: 2 })]
    const next = applyEvent(held, { type: 'snapshot', thread: null, messages, status: null })
    expect(next).not.toBe('gap')
    if (next !== 'gap') expect(next.messages[0]).toBe(held.messages[0])
  })

  test('the turn to stop is the one in the status, or of the streaming answer', () => {
    const status = { threadId, turnId: 't9', state: 'queued' as const, text: 'Waiting…' }
    expect(runningTurn(heldAfter({ type: 'status', status }))).toBe('t9')
    expect(runningTurn(heldAfter({ type: 'message', message: message({}) }))).toBe('t1')
    expect(runningTurn(heldAfter({ type: 'message', message: message({ state: 'done' }) }))).toBeNull()
  })

  test('the status of a question that waits does not replace that of the running answer', () => {
    const of = (turnId: string, state: 'queued' | 'answering') => ({
      type: 'status' as const,
      status: { threadId, turnId, state, text: state },
    })
    expect(heldAfter(of('t1', 'answering'), of('t2', 'queued')).status?.turnId).toBe('t1')
    expect(heldAfter({ type: 'message', message: message({}) }, of('t2', 'queued')).status).toBeNull()
    expect(heldAfter(of('t1', 'queued'), of('t2', 'queued')).status?.turnId).toBe('t2')
    expect(heldAfter(of('t1', 'answering'), of('t2', 'answering')).status?.turnId).toBe('t2')
  })

  test('each answer follows its question, and questions that wait come after the running answer', () => {
    const ask = (n: number, seq: number) => message({ id: `q${n}`, role: 'user', state: 'sent', turnId: `t${n}`, seq })
    const reply = (n: number, seq: number, state: 'streaming' | 'done') =>
      message({ id: `a${n}`, turnId: `t${n}`, seq, state })
    const order = (...messages: ReturnType<typeof message>[]) => {
      const status = { threadId, turnId: 't1', state: 'answering' as const, text: 'Answering' }
      const running = messages.some(({ state }) => state === 'streaming') ? [{ type: 'status' as const, status }] : []
      const held = heldAfter(...messages.map((one) => ({ type: 'message' as const, message: one })), ...running)
      const { messages: shown, queued } = readingOrder(held)
      return [shown, queued].map((all) => all.map(({ id }) => id).join(' '))
    }
    expect(order(ask(1, 1), ask(2, 2), reply(1, 3, 'streaming'))).toEqual(['q1 a1', 'q2'])
    expect(order(ask(1, 1), reply(1, 2, 'streaming'), ask(2, 3), ask(3, 4))).toEqual(['q1 a1', 'q2 q3'])
    expect(order(ask(1, 1), ask(2, 2), reply(1, 3, 'done'), reply(2, 4, 'done'))).toEqual(['q1 a1 q2 a2', ''])
    // Regenerated: its turn is no longer that of the question.
    expect(order(ask(1, 1), reply(7, 2, 'done'))).toEqual(['q1 a7', ''])
    // Two messages of one turn.
    expect(order(ask(1, 1), { ...ask(1, 2), id: 'more' }, reply(1, 3, 'streaming'))).toEqual(['q1 more a1', ''])
  })
})
