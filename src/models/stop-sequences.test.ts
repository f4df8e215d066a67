import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ModelEvent, ModelProvider, ModelRequest } from './model.ts'
import { withStopSequences } from './stop-sequences.ts'

const never = new AbortController().signal
const requestWith = (stop: string[]): ModelRequest => ({
  model: 'm',
  system: '',
  messages: [],
  maxOutputTokens: 10,
  sampling: { stop },
})

/** Says these pieces, one after the other, until it is hung up on. */
function saying(pieces: string[], told: { aborted?: boolean } = {}): ModelProvider {
  return {
    name: 'scripted',
    models: async () => [],
    async *stream(_request, signal) {
      yield { type: 'start', model: 'm' }
      for (const delta of pieces) {
        if (signal.aborted) {
          told.aborted = true
          return yield { type: 'finish', reason: 'aborted' }
        }
        yield { type: 'text', delta }
      }
      yield { type: 'finish', reason: 'stop' }
    },
  }
}

async function ask(
  pieces: string[],
  stop: string[],
  told = {},
): Promise<{ text: string; last: ModelEvent | undefined }> {
  const events: ModelEvent[] = []
  for await (const event of withStopSequences(saying(pieces, told)).stream(requestWith(stop), never)) events.push(event)
  const text = events.flatMap((event) => (event.type === 'text' ? [event.delta] : [])).join('')
  return { text, last: events.at(-1) }
}

describe('an answer ends before the word that it is to stop at', () => {
  it.each<[string, string[], string[], string]>([
    ['within a piece', ['one\ntwo'], ['\n'], 'one'],
    ['across pieces', ['one E', 'N', 'D two'], ['END'], 'one '],
    ['at the very beginning', ['END of it'], ['END'], ''],
    ['the first of several', ['a; b. c'], ['.', ';'], 'a'],
    ['what only began like it', ['EN', 'TER'], ['END'], 'ENTER'],
    ['an end that only began like it', ['done E', 'N'], ['END'], 'done EN'],
    ['overlapping beginnings', ['aab', 'aac', 'x'], ['aac'], 'aab'],
    ['no word at all', ['one two'], ['###'], 'one two'],
  ])('%s', async (_what, pieces, stop, expected) => {
    expect((await ask(pieces, stop)).text).toBe(expected)
  })

  it('and its server is hung up on, which has not counted all of it', async () => {
    const told: { aborted?: boolean } = {}
    const { last } = await ask(['one END', ' two', ' three'], ['END'], told)
    expect(told.aborted).toBe(true)
    expect(last).toEqual({ type: 'finish', reason: 'stop', hungUp: true })
  })

  it('however it is cut into pieces', async () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 })
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(letters, { maxLength: 6 }), stops, async (pieces, stop) => {
        const whole = pieces.join('')
        const ends = stop.map((each) => whole.indexOf(each)).filter((at) => at >= 0)
        const expected = ends.length === 0 ? whole : whole.slice(0, Math.min(...ends))
        // A stop is noticed when it is complete: of two that overlap, the one that is complete first.
        const { text } = await ask(pieces, stop)
        expect(whole.startsWith(text)).toBe(true)
        for (const each of stop) expect(text.includes(each)).toBe(false)
        if (stop.length === 1) expect(text).toBe(expected)
      }),
      { numRuns: 300 },
    )
  })
})
