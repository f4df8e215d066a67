/** What a short question of a conversation is searched for. */
import { expect, it } from 'vitest'
import { message } from '../../test/fakes/message.ts'
import { terms } from '../search/terms.ts'
import type { PastTurn } from '../store/turns.ts'
import { asksSomething, retrievalText } from './retrieval-text.ts'

const past = (text: string, answer: string): PastTurn => ({
  messages: [message({ text })],
  answer,
  provider: null,
  model: null,
})
const about = past('How much does the Heron pump weigh?', 'It weighs 42 kg with the Delta flange [1].')

it('a short question goes with the last one, and with names and numbers of the answer', () => {
  const { text, own } = retrievalText('And the price?', [about])
  expect(terms(text)).toEqual(expect.arrayContaining(terms('heron pump price Delta 42')))
  expect(own).toBe('How much does the Heron pump weigh?\nAnd the price?')
})

it('names of the turn before the last go with it, too, and no turn before that', () => {
  const earlier = past('Who makes pumps?', 'In Lyon a company called Aquila makes them.')
  const later = past('Which is the largest?', 'The model of 2024.')
  const { text } = retrievalText('And the price?', [about, earlier, later])
  expect(text).toContain('Aquila')
  expect(text).toContain('2024')
  expect(text).not.toContain('Heron')
})

it('a question with words enough stands alone, and so do thanks', () => {
  for (const text of ['When was the contract with Miller signed and delivered?', 'Thanks!', ''])
    expect(retrievalText(text, [about])).toEqual({ text, own: text })
  expect(retrievalText('And the price?', []).text).toBe('And the price?')
})

it.each([
  ['What happens if I quit?', true],
  ['And the price?', true],
  ['How are you?', false],
  ['Thanks!', false],
  ['notice period probation time', true],
  ['合同的违约金是多少？', true],
])('%s asks something: %s', (text, expected) => {
  expect(asksSomething(text)).toBe(expected)
})
