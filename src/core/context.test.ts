import { expect, it } from 'vitest'
import { asksAboutDiscussion, quoteConversation } from './context.ts'

const said = (count: number) => Array.from({ length: count }, (_, n) => ({ author: `P${n}`, text: `message ${n}` }))

it('a short conversation is quoted whole, without what has no words', () => {
  expect(quoteConversation([...said(2), { author: 'X', text: ' ' }])).toEqual({
    text: 'P0: message 0\n\nP1: message 1',
    leftOut: 0,
  })
  expect(quoteConversation([])).toBeUndefined()
})

it('of a long one, the first and the newest messages are quoted, and the rest is counted', () => {
  const quoted = quoteConversation(said(180), 200)
  expect(quoted?.text.length).toBeLessThanOrEqual(200)
  expect(quoted?.text).toMatch(/^P0: message 0\n\n…\n\nP\d+: message/)
  expect(quoted?.text).toMatch(/P179: message 179$/)
  expect(quoted?.leftOut).toBe(179 - (quoted?.text.split('\n\n').length ?? 0) + 2)
})

it('an endless first message leaves room for the newest', () => {
  const quoted = quoteConversation(
    [
      { author: 'A', text: 'x'.repeat(5000) },
      { author: 'B', text: 'the newest' },
    ],
    1000,
  )
  expect(quoted?.text.length).toBeLessThanOrEqual(1000)
  expect(quoted?.text).toMatch(/B: the newest$/)
})

it.each([
  'summarise the discussion above',
  'Can you summarize what Bob and Olga said above?',
  'which of the options above is cheapest?',
  'what did I miss?',
  'tl;dr',
  'Summary please',
  'translate the last 5 messages',
  'what was just decided?',
  'who is right in this conversation?',
  'catch me up',
  'Fass die Diskussion oben zusammen',
  'worum geht es in dieser Unterhaltung?',
  'résume la discussion ci-dessus',
  'resume la conversación de arriba',
])('"%s" is about what was said above it', (text) => {
  expect(asksAboutDiscussion(text)).toBe(true)
})

it.each([
  'What is the capital of Latvia?',
  'Summarise the attached contract in five points',
  'Which cities lie above 2,000 m?',
  'is it well above average?',
  'Write a message to my landlord about the conversation starter',
  'how do I miss fewer deadlines?',
  'What is a chat bot?',
  'Wie hoch ist der Brocken?',
  'Erkläre mir den Begriff Gesprächstherapie',
])('"%s" is a question of its own', (text) => {
  expect(asksAboutDiscussion(text)).toBe(false)
})
