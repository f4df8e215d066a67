/** Two processes that write to the console: what one began another may end. */
import { expect, test } from 'vitest'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import type { Board } from './board.ts'
import { resyncTopic, threadTopic } from './live.ts'
import { conversationOf } from './normalize.ts'
import { createTransport } from './transport.ts'

const unused = () => Promise.reject(new Error('not used'))
const { signal } = new AbortController()
const threadId = '00000000-0000-4000-8000-000000000001'
const target = { conversation: conversationOf(threadId), data: null }
const streaming = (text: string): OutgoingMessage => ({ turnId: 't', text, phase: 'streaming', citations: [] })
const final = (text: string): OutgoingMessage => ({
  turnId: 't',
  text,
  phase: 'final',
  citations: [],
  end: { state: 'done', receipt },
})

async function setUp() {
  const channel = createLocalChannel()
  const clock = { now: 1_000_000 }
  const board: Board = {
    threads: async () => [],
    summaries: async () => [],
    thread: async () => null,
    anyThread: unused,
    ownerOf: unused,
    threadIds: unused,
    hasTurn: unused,
    names: unused,
    saveOwnFile: unused,
    addMessage: unused,
    removeReply: async () => {},
    saveUpload: unused,
    sweepUploads: unused,
    uploads: unused,
    knowsFile: unused,
    saveReply: async (row) => ({
      ...row,
      seq: 1,
      role: 'parley',
      createdAt: new Date().toISOString(),
      attachments: [],
      buttons: [],
      feedback: null,
    }),
    saveNotice: unused,
  }
  const open = async () => {
    const transport = createTransport({ board, blobs: { put: unused }, topics: channel, now: () => clock.now })
    await transport.start()
    return transport
  }
  const texts: unknown[] = []
  await channel.subscribe(threadTopic(threadId), (event) => {
    const type = typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined
    if (type === 'text' || type === 'thoughts') texts.push(event)
  })
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20))
  const resync = async () => {
    await settled()
    texts.length = 0
    channel.publish(resyncTopic, threadId)
    await settled()
    return texts
  }
  const events = async () => {
    await settled()
    return [...texts]
  }
  return { one: await open(), other: await open(), clock, resync, events }
}

test('a resync sends the full text of a streaming answer', async () => {
  const { one, resync } = await setUp()
  const ref = await one.post(target, streaming('Half'), { key: 't-0', signal })
  await one.edit(target, ref, streaming('Half an ans'), { signal })
  expect(await resync()).toEqual([{ type: 'text', messageId: 't-0', offset: 0, text: 'Half an ans' }])
})

test('thoughts go to open pages as they grow, and a resync sends all of them until the answer ends', async () => {
  const { one, events, resync } = await setUp()
  await one.think?.(target, 't', 'A pl')
  await one.think?.(target, 't', 'A plan')
  await one.think?.(target, 't', 'Anew')
  expect(await events()).toEqual([
    { type: 'thoughts', turnId: 't', offset: 0, text: 'A pl' },
    { type: 'thoughts', turnId: 't', offset: 4, text: 'an' },
    { type: 'thoughts', turnId: 't', offset: 0, text: 'Anew' },
  ])
  expect(await resync()).toEqual([{ type: 'thoughts', turnId: 't', offset: 0, text: 'Anew' }])
  await one.post(target, final('Done.'), { key: 't-0', signal })
  expect(await resync()).toEqual([])
})

test('after another writer takes over an answer, its old text is not sent', async () => {
  const { one, other, resync } = await setUp()
  const ref = await one.post(target, streaming('Half an ans'), { key: 't-0', signal })
  await other.edit(target, ref, streaming('Anew'), { signal })
  expect(await resync()).toEqual([{ type: 'text', messageId: 't-0', offset: 0, text: 'Anew' }])
  await other.edit(target, ref, final('Anew, whole.'), { signal })
  expect(await resync()).toEqual([])
})

test('an abandoned answer is dropped, and known again when it continues', async () => {
  const { one, clock, resync } = await setUp()
  const ref = await one.post(target, streaming('Half an ans'), { key: 't-0', signal })
  clock.now += 15_001
  expect(await resync()).toEqual([])
  await one.edit(target, ref, streaming('Half an answer'), { signal })
  expect(await resync()).toEqual([{ type: 'text', messageId: 't-0', offset: 0, text: 'Half an answer' }])
})
