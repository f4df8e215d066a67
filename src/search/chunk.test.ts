import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import type { Artifact, Segment } from '../core/artifact.ts'
import { chunk } from './chunk.ts'

function artifact(segments: Segment[]): Artifact {
  const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0)
  return { contentHash: 'a'.repeat(64), engine: 'pdf-1', mediaType: 'application/pdf', segments, tokens, problems: [] }
}

const page = (number: number, text: string, tokens = Math.ceil(text.length / 4)): Segment => ({
  text,
  at: { kind: 'page', page: number },
  tokens,
})

const sentence = 'The supplier shall deliver the goods within thirty days of the order. '

describe('passages of an artifact', () => {
  test('a short page is one passage', () => {
    expect(chunk(artifact([page(1, 'Hello world.', 3)]))).toEqual([
      {
        contentHash: 'a'.repeat(64),
        engine: 'pdf-1',
        ordinal: 0,
        text: 'Hello world.',
        at: { kind: 'page', page: 1 },
        tokens: 3,
      },
    ])
  })

  test('a long page becomes pieces of equal size that end with a sentence', () => {
    const passages = chunk(artifact([page(7, sentence.repeat(26), 450)]))
    expect(passages).toHaveLength(2)
    for (const passage of passages) {
      expect(passage.text).toMatch(/order\.$/)
      expect(passage.tokens).toBeGreaterThan(200)
      expect(passage.tokens).toBeLessThanOrEqual(250)
    }
    expect(passages.reduce((sum, passage) => sum + passage.tokens, 0)).toBe(450)
  })

  test('a paragraph border is better than a sentence border', () => {
    const [first] = chunk(artifact([page(1, `${sentence.repeat(14)}\n\n${sentence.repeat(16)}`, 520)]))
    expect(first?.text).toBe(sentence.repeat(14).trim())
  })

  test('Chinese sentences are borders without spaces', () => {
    const [first] = chunk(artifact([page(1, '本合同约定的违约金为合同总额的百分之五。'.repeat(40), 900)]))
    expect(first?.text).toMatch(/。$/)
  })

  test('nothing crosses from one page to the next, and order is the reading order', () => {
    const passages = chunk(artifact([page(1, 'One.'), page(2, ' \n '), page(3, 'Three.')]))
    expect(passages.map(({ ordinal, at }) => [ordinal, at])).toEqual([
      [0, { kind: 'page', page: 1 }],
      [1, { kind: 'page', page: 3 }],
    ])
  })

  test('nothing but white space is lost, and no piece is larger than a passage', () => {
    const bare = (text: string) => text.replace(/\s/g, '')
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('word', ' ', '\n', '\n\n', '. ', '。', '汉字', '😀', 'x'.repeat(300)), {
          maxLength: 400,
        }),
        fc.integer({ min: 1, max: 8 }),
        (parts, charsPerToken) => {
          const text = parts.join('')
          const tokens = Math.ceil(text.length / charsPerToken)
          const passages = chunk(artifact([page(1, text, tokens)]))
          expect(bare(passages.map((passage) => passage.text).join(''))).toBe(bare(text))
          for (const passage of passages) {
            expect(passage.tokens).toBeLessThanOrEqual(402)
            expect(passage.text.isWellFormed()).toBe(true)
          }
        },
      ),
    )
  })

  test('a megabyte without a border is cut in linear time', () => {
    const megabyte = artifact([page(1, 'x'.repeat(1_000_000), 125_000)])
    expect(cpuTimeOf(() => expect(chunk(megabyte).length).toBeGreaterThan(300))).toBeLessThan(5_000)
  })
})
