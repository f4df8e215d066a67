import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import type { ModelRequest } from '../models/model.ts'
import { estimateUsage, mostIn, mostTokens } from './sent-tokens.ts'

const letters = 'abcdefghijklmnopqrstuvwxyz'
const alphabets: Record<string, string> = {
  'random letters': letters,
  'letters of both cases': letters + letters.toUpperCase(),
  base64: `${letters}${letters.toUpperCase()}0123456789+/`,
  digits: '0123456789',
  punctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  'everything that can be typed': `${letters}${letters.toUpperCase()}0123456789 !"#$%&'()*+,-./:;<=>?@[]{}|~`,
  'random words': `${letters}     `,
  'hexadecimal with spaces': '0123456789abcdef ',
  'accented letters': 'éèüßñçøåãîïÿþðÆŁłŠžřąęőűğ',
  'rare ideographs': '龘靐齉爩鱻麤𠀀𠀁',
  Amharic: 'ሀሁሂሃሄህሆለሉሊላሌ',
  emoji: '😀🏳👩👧🦄🪿',
  'control characters': '\u0001\u0002\u0003\u0004',
}

/** The same letters on every run. */
function jumble(alphabet: string, length: number): string {
  const from = [...alphabet]
  let seed = 42
  let text = ''
  for (let at = 0; at < length; at += 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    text += from[Math.floor((seed / 2_147_483_648) * from.length)]
  }
  return text
}

describe('the most tokens that a text can have', () => {
  it.for(Object.entries(alphabets))('%s', ([, alphabet]) => {
    for (const length of [100, 300, 4_000]) {
      const text = jumble(alphabet, length)
      expect(mostIn(text)).toBeGreaterThanOrEqual(countTokens(text))
    }
  })

  it('is at most three and a half times what prose has', () => {
    const prose =
      'The notice period is thirty days, and it begins on the first day of the month after the letter arrived. '.repeat(
        40,
      )
    expect(mostIn(prose)).toBeGreaterThan(countTokens(prose))
    expect(mostIn(prose)).toBeLessThan(countTokens(prose) * 3.5)
  })
})

it('counts everything of a request: rules, passages, pictures, files, tools', () => {
  const bare: ModelRequest = { model: 'm', system: 'Be brief.', messages: [], maxOutputTokens: 10 }
  const passage = {
    type: 'passage',
    source: '1:p1',
    title: 'a.pdf',
    at: { kind: 'page', page: 1 },
    text: 'word '.repeat(100),
  } as const
  const image = { type: 'image', mediaType: 'image/png', data: new Uint8Array(10) } as const
  const pdf = {
    type: 'file',
    mediaType: 'application/pdf',
    data: new Uint8Array(200_000),
    title: 'a.pdf',
    source: '1',
  } as const
  const tool = { name: 'search', description: 'x'.repeat(400), schema: {} }
  const more = (request: Partial<ModelRequest>) => mostTokens({ ...bare, ...request }) - mostTokens(bare)
  const saying = (part: ModelRequest['messages'][number]['parts'][number]) =>
    more({ messages: [{ role: 'user', parts: [part] }] })
  expect(saying(passage)).toBeGreaterThan(200)
  expect(saying(image)).toBeGreaterThanOrEqual(5_000)
  const shown: ModelRequest = { ...bare, model: 'gpt-4o-mini', messages: [{ role: 'user', parts: [image, image] }] }
  expect(mostTokens(shown)).toBeGreaterThan(90_000)
  expect(estimateUsage(shown, '').input).toBeGreaterThan(90_000)
  expect(saying(pdf)).toBeGreaterThanOrEqual(10_000)
  expect(more({ tools: [tool] })).toBeGreaterThan(200)
  expect(estimateUsage(bare, 'An answer of six words here.')).toMatchObject({ output: 8, source: 'estimated' })
})
