import { setImmediate as yieldLoop } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { message } from '../../test/fakes/message.ts'
import { createFakePlatform } from '../../test/fakes/platform.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation } from '../../test/fakes/source.ts'
import { ParleyError } from '../core/errors.ts'
import type { Capabilities, MessageRef } from '../core/platform.ts'
import type { StoredPart } from '../store/turns.ts'
import { createReplyWriter } from './reply-writer.ts'

const turnId = '00000000-0000-4000-8000-00000000000t'
const end = { state: 'done', receipt } as const

function rig(abilities: Partial<Capabilities> = {}, posted: StoredPart[] = [], resuming = posted.length > 0) {
  const fake = createFakePlatform(abilities)
  for (const { ref, text } of posted) fake.posted.set(String(ref), { turnId, text, phase: 'streaming', citations: [] })
  const saved: { ordinal: number; ref: MessageRef; text: string; ahead?: number }[] = []
  const gone = new AbortController()
  /** The lease ran out while the process slept; no timer has fired yet. */
  const expired = { value: false }
  const otherReplies = { value: 0 }
  const store = {
    async savePart(_turnId: string, part: { ordinal: number; ref: MessageRef; text: string }) {
      saved.push(part)
    },
    async removePart(_turnId: string, ordinal: number) {
      saved.push({ ordinal, ref: null, text: 'removed' })
    },
  }
  const replyWriter = createReplyWriter({
    platform: fake.platform,
    target: message().replyTarget,
    turnId,
    question: 'What is the notice period?',
    posted,
    resuming,
    held: () => !expired.value,
    otherReplies: () => otherReplies.value,
    store,
    signal: gone.signal,
  })
  const shown = () => [...fake.posted.values()].map(({ text }) => text)
  /** Lets everything that is due be written. */
  const settle = async () => {
    for (let n = 0; n < 20; n += 1) await yieldLoop()
  }
  return { ...fake, replyWriter, saved, shown, settle, gone, expired, otherReplies }
}

describe('the reply writer', () => {
  it('shows text as it grows, in one message', async () => {
    const { replyWriter, shown, settle, saved } = rig()
    replyWriter.append('Hel')
    await settle()
    expect(shown()).toEqual(['Hel'])
    replyWriter.append('lo')
    await settle()
    expect(shown()).toEqual(['Hello'])
    await replyWriter.finish('Hello.', [], end)
    expect(shown()).toEqual(['Hello.'])
    expect(saved[0]).toEqual({ ordinal: 0, ref: `${turnId}-0`, text: 'Hel', ahead: 32 })
  })

  it('shows what the model thinks before its text, all of it by the end, and never without the lease', async () => {
    const { replyWriter, thoughts, calls, settle } = rig({ minEditMs: 60_000 })
    replyWriter.think('A pl')
    await settle()
    replyWriter.think('A plan')
    replyWriter.append('Thirty')
    await settle()
    expect(thoughts).toEqual(['A pl'])
    await replyWriter.finish('Thirty.', [], end)
    expect([thoughts, calls]).toEqual([['A pl', 'A plan'], ['post 0: Thirty.']])
    const late = rig()
    late.expired.value = true
    late.replyWriter.think('Too late')
    await late.settle()
    expect(late.thoughts).toEqual([])
  })

  it('edits less often while many replies are open', async () => {
    const { replyWriter, calls, settle, otherReplies } = rig({ minEditMs: 0 })
    otherReplies.value = 60_000
    replyWriter.append('Hel')
    await settle()
    replyWriter.append('lo')
    await settle()
    expect(calls).toEqual(['post 0: Hel'])
    await replyWriter.finish('Hello.', [], end)
    expect(calls).toEqual(['post 0: Hel', 'edit 0: Hello.'])
  })

  it('is complete although the platform refused an edit in the middle', async () => {
    const { replyWriter, shown, settle, failures } = rig()
    replyWriter.append('A bad')
    await settle()
    failures.push(new ParleyError('platform_rejected', 'AutoMod blocked it.'))
    replyWriter.append(' word')
    await settle()
    replyWriter.append(' that')
    await settle()
    await replyWriter.finish('A good word.', [], end)
    expect(shown()).toEqual(['A good word.'])
  })

  it('never edits more often than the platform allows', async () => {
    const { replyWriter, calls, settle } = rig({ minEditMs: 60_000 })
    for (const letter of 'abcdefghij') {
      replyWriter.append(letter)
      await settle()
    }
    expect(calls).toEqual(['post 0: a'])
    await replyWriter.finish('abcdefghij', [], end)
    expect(calls).toEqual(['post 0: a', 'edit 0: abcdefghij'])
  })

  it('a platform without streaming gets the finished text alone', async () => {
    const { replyWriter, calls, settle } = rig({ streaming: 'none' })
    replyWriter.append('Half')
    await settle()
    await replyWriter.finish('Half and half', [], end)
    expect(calls).toEqual(['post 0: Half and half'])
  })

  it('a long answer becomes several messages, each stored as soon as it is posted', async () => {
    const { replyWriter, shown, saved } = rig({ maxChars: 500 })
    const text = Array.from({ length: 200 }, (_, n) => `word${n}`).join(' ')
    replyWriter.append(text)
    await replyWriter.finish(text, [], end)
    expect(shown().length).toBeGreaterThan(2)
    expect(shown().join(' ').replaceAll(/\s+/g, ' ')).toBe(text)
    expect([...new Set(saved.map(({ ordinal }) => ordinal))]).toEqual(shown().map((_, n) => n))
  })

  it('after a crash it goes on in the same messages', async () => {
    const { replyWriter, calls } = rig({}, [{ ordinal: 0, ref: `${turnId}-0`, text: 'Hel' }])
    replyWriter.append('Hello')
    await replyWriter.finish('Hello.', [], end)
    expect(calls.some((call) => call.startsWith('post'))).toBe(false)
  })

  it('after a crash what people see does not shrink, though it was ahead of what is stored', async () => {
    const stored = { ordinal: 0, ref: `${turnId}-0`, text: 'A long beginning', ahead: 5 }
    const { replyWriter, shown, settle } = rig({}, [stored])
    replyWriter.append('A long')
    await settle()
    expect(shown()).toEqual(['A long beginning'])
    replyWriter.append(' beginning')
    await settle()
    replyWriter.append(', an')
    await settle()
    expect(shown()).toEqual(['A long beginning'])
    replyWriter.append('d more')
    await settle()
    expect(shown()).toEqual(['A long beginning, and more'])
    await replyWriter.finish('A long beginning, and more', [], end)
  })

  it.each([
    ['an edit whenever there is text', { minEditMs: 0 }],
    ['several messages', { minEditMs: 0, maxChars: 500 }],
  ])(
    'killed before any call to the platform or the store, it has shown no more than is stored: %s',
    async (_, abilities) => {
      vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      const { replyWriter, shown, settle, saved } = rig(abilities)
      const bound = () => {
        const latest = new Map(saved.map((part) => [part.ordinal, part]))
        const last = [...latest.values()].at(-1)
        return [...latest.values()].reduce((sum, { text }) => sum + text.length, last?.ahead ?? 0)
      }
      let seed = 7
      for (let n = 0; n < 400; n += 1) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
        replyWriter.append(`${'abcdefghij '.repeat(1 + (seed % (n % 50 === 0 ? 30 : 3)))}`)
        vi.advanceTimersByTime(20 + (seed % 60))
        await settle()
        const seen = shown().reduce((sum, text) => sum + text.length, 0)
        expect(seen).toBeLessThanOrEqual(Math.max(32, bound()))
      }
      expect(shown().join('').length).toBeGreaterThan(3_000)
      // Some 20 seconds of text: about one write a second, and a few while its speed changes.
      if (!('maxChars' in abilities)) expect(saved.length).toBeLessThan(60)
      await replyWriter.abandon()
    },
  )

  it('where a message is edited once a second at most, each text is stored before it is shown', async () => {
    const { replyWriter, saved, settle } = rig({ minEditMs: 1000 })
    replyWriter.append('Hello')
    await settle()
    expect(saved).toEqual([{ ordinal: 0, ref: `${turnId}-0`, text: 'Hello', ahead: 0 }])
    await replyWriter.abandon()
  })

  it('a regenerated reply is shown from its first word', async () => {
    const { replyWriter, shown, settle } = rig({}, [{ ordinal: 0, ref: `${turnId}-0`, text: 'The old answer' }], false)
    replyWriter.append('New')
    await settle()
    expect(shown()).toEqual(['New'])
    await replyWriter.finish('New.', [], end)
  })

  it('a shorter answer takes surplus messages away', async () => {
    const posted = [0, 1, 2].map((ordinal) => ({ ordinal, ref: `${turnId}-${ordinal}`, text: `part ${ordinal}` }))
    const { replyWriter, shown, saved } = rig({}, posted)
    await replyWriter.finish('Short.', [], end)
    expect(shown()).toEqual(['Short.'])
    expect(saved.filter(({ text }) => text === 'removed').map(({ ordinal }) => ordinal)).toEqual([2, 1])
  })

  it('a rate limit is waited out', async () => {
    const { replyWriter, failures, shown } = rig()
    failures.push(
      new ParleyError('platform_rate_limited', 'Slow down.', { retryAfterMs: 5 }),
      new ParleyError('platform_unreachable', 'Away.', { retryAfterMs: 5 }),
    )
    await replyWriter.finish('Hello', [], end)
    expect(shown()).toEqual(['Hello'])
  })

  it('a platform that means no ends the turn', async () => {
    const { replyWriter, failures } = rig()
    failures.push(new ParleyError('platform_rejected', 'The channel is archived. Ask in another one.'))
    await expect(replyWriter.finish('Hello', [], end)).rejects.toMatchObject({ code: 'platform_rejected' })
  })

  it('does not write once another worker holds the reply writer', async () => {
    const { replyWriter, gone, calls } = rig()
    gone.abort()
    await expect(replyWriter.finish('Hello', [], end)).rejects.toThrow()
    expect(calls).toEqual([])
  })

  it('does not write after a sleep that outlasted the lease, before any timer tells', async () => {
    const { replyWriter, expired, calls, settle } = rig()
    replyWriter.append('Hello')
    await settle()
    expired.value = true
    replyWriter.append(' again')
    await settle()
    expect(calls).toEqual(['post 0: Hello'])
    await expect(replyWriter.finish('Hello again', [], end)).rejects.toThrow()
    expect(calls).toEqual(['post 0: Hello'])
  })

  it('each message carries its own citations', async () => {
    const { replyWriter, posted } = rig({ maxChars: 500 })
    const citations = [1, 2].map((n) => citation(n))
    await replyWriter.finish(`One [1].\n\n${'word '.repeat(99)}\n\nTwo [2].`, citations, end)
    const cited = [...posted.values()].map((part) => part.citations.map(({ n }) => n))
    expect(cited[0]).toEqual([1])
    expect(cited.at(-1)).toEqual([2])
  })

  it('the first text is when it was first shown', async () => {
    const { replyWriter, settle } = rig()
    expect(replyWriter.firstTextAt()).toBeNull()
    replyWriter.append('Hello')
    await settle()
    expect(replyWriter.firstTextAt()).toBeInstanceOf(Date)
    await replyWriter.finish('Hello', [], end)
  })
})

describe('a platform that refuses the end of an answer', () => {
  const refusal = () => new ParleyError('platform_rejected', 'Messages cannot be edited here.')

  it('by an edit gets a new message, and the unfinished one goes', async () => {
    const { replyWriter, shown, settle, failures, calls, saved } = rig()
    replyWriter.append('Hel')
    await settle()
    failures.push(refusal())
    await replyWriter.finish('Hello.', [], end)
    expect(shown()).toEqual(['Hello.'])
    expect(calls.slice(-3)).toEqual(['edit 0: Hello.', 'post n: Hello.', 'remove 0'])
    expect(saved.findLast(({ ordinal }) => ordinal === 0)).toMatchObject({ ref: `${turnId}-0-again`, text: 'Hello.' })
    expect(saved.at(-1)).toEqual({ ordinal: 2000, ref: null, text: 'removed' })
  })

  it('and keeps the unfinished message has the whole answer all the same', async () => {
    const { replyWriter, shown, settle, failures } = rig()
    replyWriter.append('Hel')
    await settle()
    failures.push(refusal(), null, refusal())
    await replyWriter.finish('Hello.', [], end)
    expect(shown()).toEqual(['Hel', 'Hello.'])
  })

  it('also every edit before it has the whole answer as a new message', async () => {
    const { replyWriter, shown, settle, failures } = rig()
    replyWriter.append('Hel')
    await settle()
    failures.push(refusal(), refusal())
    replyWriter.append('lo')
    await settle()
    await replyWriter.finish('Hello.', [], end)
    expect(shown()).toEqual(['Hello.'])
  })

  it('of its first message posts that one anew too, where an answer has several', async () => {
    const { replyWriter, settle, failures, posted } = rig({ maxChars: 400 })
    replyWriter.append('One')
    await settle()
    failures.push(refusal())
    await replyWriter.finish(`One.\n\n${'word '.repeat(60)}\n\n${'more '.repeat(60)}`, [], end)
    expect([...posted.keys()]).toEqual([`${turnId}-0-again`, `${turnId}-1`])
  })

  it('and whose writer dies before the old message is gone leaves one message in the end', async () => {
    const posted = [
      { ordinal: 0, ref: 'new', text: 'Hello.' },
      { ordinal: 2000, ref: 'old', text: '' },
    ]
    const { replyWriter, shown, saved } = rig({}, posted)
    await replyWriter.finish('Hello.', [], end)
    expect(shown()).toEqual(['Hello.'])
    expect(saved.at(-1)).toMatchObject({ ordinal: 2000, text: 'removed' })
  })

  it('altogether fails, so that somebody is told', async () => {
    const { replyWriter, settle, failures } = rig()
    replyWriter.append('Hel')
    await settle()
    failures.push(refusal(), refusal())
    await expect(replyWriter.finish('Hello.', [], end)).rejects.toMatchObject({ code: 'platform_rejected' })
  })

  it('of one part that is not the last gets a new message for it, too', async () => {
    const { replyWriter, shown, settle, failures } = rig({ maxChars: 500 })
    replyWriter.append('word '.repeat(90))
    await settle()
    failures.push(refusal())
    const whole = `${'word '.repeat(90)}\n\n${'more '.repeat(90)}`
    await replyWriter.finish(whole, [], end)
    expect(
      shown()
        .join(' ')
        .match(/word|more/g),
    ).toHaveLength(180)
  })

  it('says why in what is half written, without a second try', async () => {
    const { replyWriter, posted, settle, failures } = rig()
    replyWriter.append('Hel')
    await settle()
    failures.push(refusal(), refusal())
    await expect(replyWriter.finish('Hello.', [], end)).rejects.toMatchObject({ code: 'platform_rejected' })
    expect(await replyWriter.giveUp('It is too large.', { ...end, state: 'failed' })).toBe(true)
    expect([...posted.values()]).toMatchObject([
      { text: 'It is too large.', phase: 'final', by: 'parley', end: { state: 'failed' } },
    ])
  })

  it('says nothing where nothing was posted, or nothing can be edited', async () => {
    const nothing = rig()
    expect(await nothing.replyWriter.giveUp('No.', end)).toBe(false)
    const { replyWriter, settle, failures } = rig()
    replyWriter.append('Hel')
    await settle()
    failures.push(refusal())
    expect(await replyWriter.giveUp('No.', end)).toBe(false)
  })
})

describe('every message of a finished answer says who wrote it', () => {
  it.each([
    ['test', 'model'],
    ['none', 'parley'],
    ['extractive', 'parley'],
  ])('%s: %s', async (provider, by) => {
    const { replyWriter, posted } = rig({ maxChars: 500 })
    await replyWriter.finish('word '.repeat(180), [], { ...end, receipt: { ...end.receipt, provider } })
    expect([...posted.values()].map((message) => message.by)).toEqual([by, by])
  })
})
