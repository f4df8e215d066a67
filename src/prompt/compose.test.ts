import { describe, expect, it } from 'vitest'
import { message } from '../../test/fakes/message.ts'
import type { PastTurn } from '../store/turns.ts'
import { compose } from './compose.ts'
import { chooseHistory } from './history.ts'

describe('a follow-up', () => {
  const past = (text: string, quoted?: string): PastTurn => ({
    messages: [{ ...message({ text }), quoted }],
    answer: `About ${text}`,
    provider: 'p',
    model: 'm',
  })
  const partsOf = (history: PastTurn[], historyTokens: number) =>
    compose({
      work: { messages: [message({ text: 'And Bob?' })], attachments: [], history },
      content: { files: [], excerpts: [], tokensAvailable: 0, tokens: 0, whole: true },
      model: { id: 'm', contextWindow: 100_000, maxOutputTokens: 100 },
      history: chooseHistory({ messages: [message({ text: 'And Bob?' })], history }, historyTokens).messages,
      today: new Date('2026-01-01'),
    }).messages.map(({ role, parts }) => [role, parts])

  it('still knows the thread that was read for an earlier question, as data', () => {
    expect(partsOf([past('Who waits?', 'Bob: ship on Friday')], 1000)).toEqual([
      [
        'user',
        [
          { type: 'data', about: 'quoted message', text: 'Bob: ship on Friday' },
          { type: 'text', text: 'Who waits?' },
        ],
      ],
      ['assistant', [{ type: 'text', text: 'About Who waits?' }]],
      ['user', [{ type: 'text', text: 'And Bob?' }]],
    ])
  })

  it('loses that thread before it loses an earlier question', () => {
    const [first] = partsOf([past('Who waits?', 'Bob: ship on Friday. '.repeat(200))], 50)
    expect(first).toEqual(['user', [{ type: 'text', text: 'Who waits?' }]])
  })
})
