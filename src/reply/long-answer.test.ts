/** Answers that are too long for a platform's messages: first messages, and the whole as a file. */

import { describe, expect, it } from 'vitest'
import { message } from '../../test/fakes/message.ts'
import { createFakePlatform } from '../../test/fakes/platform.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { citation } from '../../test/fakes/source.ts'
import { ParleyError } from '../core/errors.ts'
import type { Capabilities } from '../core/platform.ts'
import { csvCell } from '../core/text/csv.ts'
import type { StoredPart } from '../store/turns.ts'
import { answerWording } from '../wording/answers.ts'
import { fileName } from './answer-file.ts'
import { createReplyWriter } from './reply-writer.ts'

const end = { state: 'done', receipt } as const
const name = 'what-is-the-notice-period.md'
const words = (count: number) => Array.from({ length: count }, (_, n) => `word${n}`).join(' ')
const long = words(400)

/** A reply whose parts outlive its pens. */
function reply(abilities: Partial<Capabilities> = {}) {
  const fake = createFakePlatform({ maxChars: 500, maxMessages: 2, ...abilities })
  const stored = new Map<number, StoredPart>()
  /** Parts at which the worker dies before it has stored them. */
  const unstored = new Set<number>()
  const store = {
    async savePart(_turnId: string, part: StoredPart) {
      if (unstored.has(part.ordinal)) throw new Error('died')
      stored.set(part.ordinal, part)
    },
    async removePart(_turnId: string, ordinal: number) {
      stored.delete(ordinal)
    },
  }
  const replyWriter = (turnId = 'turn-1', resuming = stored.size > 0) =>
    createReplyWriter({
      platform: fake.platform,
      target: message().replyTarget,
      turnId,
      resuming,
      store,
      otherReplies: () => 0,
      held: () => true,
      question: 'What is the notice period?',
      posted: [...stored.values()].sort((a, b) => a.ordinal - b.ordinal),
      signal: new AbortController().signal,
    })
  const shown = () => [...fake.posted.values()].map(({ text }) => text)
  const files = () => [...fake.attached.values()].map((file) => new TextDecoder().decode(file.data))
  return { ...fake, replyWriter, unstored, shown, files }
}

describe('an answer that is too long for messages', () => {
  it('is its first messages, which say so, and the whole in a file with its sources', async () => {
    const { replyWriter, shown, files, attached, posted } = reply()
    const citations = [citation(1)]
    await replyWriter().finish(`${long} [1]`, citations, end)
    expect(shown()).toHaveLength(2)
    expect(shown().every((text) => text.length <= 500)).toBe(true)
    expect(long.startsWith(shown()[0] ?? '-')).toBe(true)
    expect(shown()[1]).toContain(`\n\n${answerWording.continuedInFile(name)}`)
    expect([...attached.values()][0]).toMatchObject({ name, mediaType: 'text/markdown' })
    expect(files()).toEqual([`${long} [1]\n\n## Sources\n\n- [1] report.pdf, p. 3\n`])
    expect([...posted.values()].map((part) => part.end !== undefined)).toEqual([false, true])
  })

  it('that just fits has no file', async () => {
    const { replyWriter, shown, attached } = reply()
    await replyWriter().finish(words(100), [], end)
    expect(shown()).toHaveLength(2)
    expect(shown().join(' ')).toBe(words(100))
    expect(attached.size).toBe(0)
  })

  it('never posts more than its first messages while it grows', async () => {
    const { replyWriter, calls } = reply()
    const writing = replyWriter()
    for (let at = 0; at < long.length; at += 300) {
      writing.append(long.slice(at, at + 300))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writing.finish(long, [], end)
    expect(calls.filter((call) => call.startsWith('post'))).toHaveLength(2)
    expect(calls.at(-2)).toBe(`attach ${name}`)
    expect(calls.at(-1)).toMatch(/^edit 1/)
  })

  it('works on a platform that shows finished text alone', async () => {
    const { replyWriter, shown, files } = reply({ streaming: 'none', maxMessages: 1 })
    await replyWriter().finish(long, [], end)
    expect(shown()).toHaveLength(1)
    expect(files()).toEqual([`${long}\n`])
  })

  it('after a crash before the end has its file once, and ends', async () => {
    const { replyWriter, failures, attached, calls, posted } = reply()
    // Two posts and the file go through; the last edit does not, nor a new message in its place.
    const gone = () => new ParleyError('platform_rejected', 'Gone.')
    failures.push(null, null, null, gone(), gone())
    await expect(replyWriter().finish(long, [], end)).rejects.toThrow()
    expect(attached.size).toBe(1)
    await replyWriter().finish(long, [], end)
    expect(attached.size).toBe(1)
    expect(calls.filter((call) => call.startsWith('attach'))).toHaveLength(1)
    expect([...posted.values()].at(-1)?.end).toEqual(end)
  })

  it('after a crash between the file and its record posts it under the same key', async () => {
    const { replyWriter, unstored, attached, calls } = reply()
    unstored.add(1000)
    await expect(replyWriter().finish(long, [], end)).rejects.toThrow('died')
    unstored.clear()
    await replyWriter().finish(long, [], end)
    expect(calls.filter((call) => call.startsWith('attach'))).toHaveLength(2)
    expect([...attached.keys()]).toEqual(['turn-1-file'])
  })

  it('regenerated has a new file in place of the old one', async () => {
    const { replyWriter, files } = reply()
    await replyWriter().finish(long, [], end)
    await replyWriter('turn-2', false).finish(`New: ${long}`, [], end)
    expect(files()).toEqual([`New: ${long}\n`])
  })

  it('regenerated and shorter has no file', async () => {
    const { replyWriter, attached, shown } = reply()
    await replyWriter().finish(long, [], end)
    await replyWriter('turn-2', false).finish('Short.', [], end)
    expect(attached.size).toBe(0)
    expect(shown()).toEqual(['Short.'])
  })

  it('is all messages where the platform will not take the file: nothing is silently left out', async () => {
    const { replyWriter, failures, shown, attached } = reply()
    failures.push(null, null, new ParleyError('platform_rejected', 'Files are not allowed here.'))
    await replyWriter().finish(long, [], end)
    expect(attached.size).toBe(0)
    expect(shown().join(' ')).toBe(long)
  })
})

describe('the name of the file', () => {
  it('is the question’s, in any script, and safe as a name anywhere', () => {
    expect(fileName('What’s in ../../etc/passwd?')).toBe('what-s-in-etc-passwd')
    expect(fileName('通知期間は？')).toBe('通知期間は')
    expect(fileName(`${'very '.repeat(30)}long`)).toMatch(/^[a-z-]{1,60}$/)
    for (const question of ['', '???', '\u202e']) expect(fileName(question)).toBe('answer')
  })
})

describe('a table that is too wide for any code block', () => {
  const row = (n: number) => `| ${Array.from({ length: 9 }, (_, at) => `value-${n}-${at}`).join(' | ')} |`
  const head = `| ${Array.from({ length: 9 }, (_, at) => `Heading${at}`).join(' | ')} |\n|${'---|'.repeat(9)}`
  const table = (rows: number) => `Here:\n\n${[head, ...Array.from({ length: rows }, (_, n) => row(n))].join('\n')}`
  const columns = { tableColumns: 72, maxChars: 2000, maxMessages: 5 }

  it('comes as a CSV file as well, below the answer', async () => {
    const { replyWriter, files, attached, shown } = reply(columns)
    await replyWriter().finish(table(4), [], end)
    expect(shown()).toHaveLength(1)
    expect([...attached.values()].map((file) => [file.name, file.mediaType])).toEqual([
      ['what-is-the-notice-period.csv', 'text/csv'],
    ])
    // The decoder takes the byte order mark off.
    const lines = (files()[0] ?? '').split('\r\n')
    expect(lines[0]).toMatch(/^Heading0,Heading1/)
    expect(lines[4]).toMatch(/^value-3-0,value-3-1/)
  })

  it('unless it is short, fits, or the platform has tables', async () => {
    for (const [text, abilities] of [
      [table(2), columns],
      ['| a | b |\n|---|---|\n| 1 | 2 |\n| 1 | 2 |\n| 1 | 2 |', columns],
      [table(4), { maxChars: 2000 }],
    ] as const) {
      const { replyWriter, attached } = reply(abilities)
      await replyWriter().finish(text, [], end)
      expect(attached.size).toBe(0)
    }
  })

  it('is one file after a crash, and goes with a regenerated answer that has none', async () => {
    const { replyWriter, attached, calls } = reply(columns)
    await replyWriter().finish(table(4), [], end)
    await replyWriter('turn-1', true).finish(table(4), [], end)
    expect(attached.size).toBe(1)
    expect(calls.filter((call) => call.startsWith('attach'))).toHaveLength(1)
    await replyWriter('turn-1', false).finish('Short.', [], end)
    expect(attached.size).toBe(0)
  })

  it('cannot run a formula in a spreadsheet', () => {
    expect(['=1+1', '-5', '+3 %', '@x', 'a,"b"', '-x'].map(csvCell)).toEqual([
      "'=1+1",
      '-5',
      '+3 %',
      "'@x",
      '"a,""b"""',
      "'-x",
    ])
  })
})
