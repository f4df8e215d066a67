/** The contract of the channel port. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../core/json.ts'
import type { Channel } from './channel.ts'

/** `open`: one process's end of a channel; all that one `openSpace` gives are connected, and only those. */
export function channelContract(openSpace: () => Promise<() => Channel>): void {
  let ends: Channel[]
  let open: () => Channel
  beforeEach(async () => {
    ends = []
    const end = await openSpace()
    open = () => {
      const channel = end()
      ends.push(channel)
      return channel
    }
  })
  afterEach(() => Promise.all(ends.map((end) => end.close())))

  /** Collects a topic's messages until one says `end`. */
  async function collect(channel: Channel, topic: string) {
    const messages: Json[] = []
    const ended = Promise.withResolvers<Json[]>()
    const stop = await channel.subscribe(topic, (message) => {
      if (message === 'end') ended.resolve(messages)
      else messages.push(message)
    })
    return { stop, all: ended.promise }
  }

  describe('a message', () => {
    it('reaches every subscriber of its topic in all processes, including the publisher’s', async () => {
      const [one, two] = [open(), open()]
      const all = await Promise.all([collect(one, 't'), collect(one, 't'), collect(two, 't')])
      one.publish('t', { turn: 1, text: 'äöü \u0000 "☃" 😀' })
      one.publish('t', 'end')
      for (const each of all) expect(await each.all).toEqual([{ turn: 1, text: 'äöü \u0000 "☃" 😀' }])
    })

    it('reaches no other topic, whatever characters topics contain', async () => {
      const channel = open()
      const topics = ['turn:1/stop', 'turn:1/stop ', 'TURN:1/stop', `"; drop table x; --${'long'.repeat(50)}`]
      const all = await Promise.all(topics.map((topic) => collect(channel, topic)))
      for (const topic of topics) channel.publish(topic, topic)
      for (const topic of topics) channel.publish(topic, 'end')
      for (const [at, each] of all.entries()) expect(await each.all).toEqual([topics[at]])
    })

    it('arrives once, in the publisher’s order, even when messages are equal', async () => {
      const [from, to] = [open(), open()]
      const { all } = await collect(to, 't')
      const sent = Array.from({ length: 500 }, (_, at) => (at % 3 === 0 ? 'same' : at))
      for (const message of sent) from.publish('t', message)
      from.publish('t', 'end')
      expect(await all).toEqual(sent)
    })

    it('can be large', async () => {
      const [from, to] = [open(), open()]
      const { all } = await collect(to, 't')
      const sent = ['x'.repeat(7_700), 'ü'.repeat(7_700), '😀'.repeat(50_000), 'short', { deep: ['y'.repeat(300_000)] }]
      for (const message of sent) from.publish('t', message)
      from.publish('t', 'end')
      expect(await all).toEqual(sent)
    })

    it('is not mixed up with another publisher’s', async () => {
      const [one, two, to] = [open(), open(), open()]
      const [first, second] = [await collect(to, 'one'), await collect(to, 'two')]
      for (let at = 0; at < 20; at++) {
        one.publish('one', `${at}${'a'.repeat(20_000)}`)
        two.publish('two', `${at}${'b'.repeat(20_000)}`)
      }
      one.publish('one', 'end')
      two.publish('two', 'end')
      expect(await first.all).toEqual(Array.from({ length: 20 }, (_, at) => `${at}${'a'.repeat(20_000)}`))
      expect(await second.all).toEqual(Array.from({ length: 20 }, (_, at) => `${at}${'b'.repeat(20_000)}`))
    })
  })

  it('an ended subscription gets nothing more and does not affect others', async () => {
    const channel = open()
    const [goes, stays] = [await collect(channel, 't'), await collect(channel, 't')]
    let got = 0
    const stop = await channel.subscribe('t', () => got++)
    await stop()
    await stop()
    channel.publish('t', 'end')
    await Promise.all([goes.all, stays.all])
    expect(got).toBe(0)
  })

  it('a subscriber that throws does not affect others', async () => {
    const channel = open()
    await channel.subscribe('t', () => {
      throw new Error('broken subscriber')
    })
    const { all } = await collect(channel, 't')
    channel.publish('t', 1)
    channel.publish('t', 'end')
    expect(await all).toEqual([1])
  })

  it('can be closed twice, and publishing after that is harmless', async () => {
    const channel = open()
    await channel.subscribe('t', () => {})
    await channel.close()
    channel.publish('t', 1)
    await channel.close()
  })
}
