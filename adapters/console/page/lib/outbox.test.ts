import { expect, test } from 'vitest'
import type { Message, SendMessage } from '../../api.ts'
import { createOutbox } from './outbox.ts'
import { ServerFailure } from './server.ts'

type Answer = ReturnType<typeof Promise.withResolvers<{ message: Message; turnId: string }>>

function setUp(stored?: string) {
  const calls: { id: string; answer: Answer }[] = []
  const sent: string[] = []
  const timers: (() => void)[] = []
  const kept = { value: stored ?? null }
  const outbox = createOutbox({
    send(_thread: string, body: SendMessage) {
      const answer: Answer = Promise.withResolvers()
      calls.push({ id: body.id, answer })
      return answer.promise
    },
    onSent: (message) => sent.push(message.id),
    storage: {
      getItem: () => kept.value,
      setItem: (_key, value) => {
        kept.value = value
      },
    },
    setTimer: (run) => timers.push(run),
  })
  const add = (id: string, threadId = 'a') =>
    outbox.add({ threadId, body: { id, text: id, uploads: [] }, attachments: [] })
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  const answer = async (index: number, failure?: ServerFailure) => {
    const call = calls[index]
    if (failure === undefined) call?.answer.resolve({ message: { id: call.id } as Message, turnId: 't' })
    else call?.answer.reject(failure)
    await settled()
  }
  return { outbox, calls, sent, timers, kept, add, answer, settled, ids: () => calls.map((call) => call.id) }
}

test('messages of one thread are sent in order, and other threads do not wait', async () => {
  const { add, answer, ids, sent } = setUp()
  add('one')
  add('two')
  add('other', 'b')
  expect(ids()).toEqual(['one', 'other'])
  await answer(0)
  expect(ids()).toEqual(['one', 'other', 'two'])
  expect(sent).toEqual(['one'])
})

test('a message for an unreachable server is sent again with the same ID, also after a reload', async () => {
  const first = setUp()
  first.add('one')
  await first.answer(0, new ServerFailure(0, 'away'))
  expect(first.outbox.state.get()).toMatchObject([{ state: 'waiting' }])
  first.timers[0]?.()
  expect(first.ids()).toEqual(['one', 'one'])

  const reloaded = setUp(first.kept.value ?? '')
  await reloaded.settled()
  expect(reloaded.ids()).toEqual(['one'])
  await reloaded.answer(0)
  expect(reloaded.outbox.state.get()).toEqual([])
  expect(reloaded.kept.value).toBe('[]')
})

test('a refused message waits until you retry, and does not block later messages', async () => {
  const { outbox, add, answer, ids, timers } = setUp()
  add('one')
  add('two')
  await answer(0, new ServerFailure(422, 'Too long.'))
  expect(outbox.state.get()).toMatchObject([{ state: 'refused', userMessage: 'Too long.' }, { state: 'sending' }])
  expect(ids()).toEqual(['one', 'two'])
  expect(timers).toEqual([])
  await answer(1)
  outbox.retryNow('one')
  expect(ids()).toEqual(['one', 'two', 'one'])
})

test('a message that already arrived as an event is not shown twice', async () => {
  const { outbox, add, answer, sent } = setUp()
  add('one')
  outbox.drop(['one'])
  await answer(0)
  expect(sent).toEqual([])
  expect(outbox.state.get()).toEqual([])
})
