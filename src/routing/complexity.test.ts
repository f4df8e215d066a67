import { describe, expect, it } from 'vitest'
import type { Tier } from '../models/catalogue.ts'
import { countAsks, holdsCode, isCodeFile, judge, type QuestionShape, tierOf } from './complexity.ts'

const plain: QuestionShape = {
  questionTokens: 12,
  fileTokens: 0,
  pages: 0,
  images: 0,
  files: 0,
  asks: 1,
  code: false,
}

const table: [situation: string, shape: Partial<QuestionShape>, score: number, tier: Tier][] = [
  ['a short question', {}, 0, 'small'],
  ['a long question', { questionTokens: 300 }, 1, 'small'],
  ['a very long question', { questionTokens: 2_000 }, 2, 'medium'],
  ['one picture', { images: 1, files: 1 }, 1, 'small'],
  ['two pictures', { images: 2, files: 1 }, 2, 'medium'],
  ['a letter of one page', { files: 1, pages: 1, fileTokens: 500 }, 0, 'small'],
  ['a contract of ten pages', { files: 1, pages: 10, fileTokens: 6_000 }, 1, 'small'],
  ['a report of 40 pages', { files: 1, pages: 40, fileTokens: 24_000 }, 3, 'medium'],
  ['a manual of 200 pages', { files: 1, pages: 200, fileTokens: 60_000 }, 5, 'medium'],
  ['a manual of 200 pages with pictures', { files: 1, pages: 200, fileTokens: 60_000, images: 2 }, 7, 'large'],
  ['three contracts', { files: 3, pages: 30, fileTokens: 20_000 }, 4, 'medium'],
  ['five long reports', { files: 5, pages: 300, fileTokens: 60_000 }, 7, 'large'],
  ['code', { code: true }, 2, 'medium'],
  ['code in five files', { code: true, files: 5, fileTokens: 15_000 }, 6, 'large'],
  ['four questions at once', { asks: 4 }, 1, 'small'],
  ['code with files and pictures', { code: true, files: 2, images: 3, fileTokens: 2_000 }, 6, 'large'],
]

describe('the score of a question', () => {
  it.for(table)('%s', ([, shape, score, tier]) => {
    const judged = judge({ ...plain, ...shape })
    expect([judged.score, judged.tier]).toEqual([score, tier])
    expect(judged.parts.reduce((sum, { points }) => sum + points, 0)).toBe(score)
  })

  it('names what it is made of, the heaviest first', () => {
    const { parts } = judge({ ...plain, pages: 212, fileTokens: 60_000, images: 1, files: 1 })
    expect(parts).toEqual([
      { points: 3, says: 'about 60,000 tokens of files' },
      { points: 2, says: '212 pages' },
      { points: 1, says: 'a picture' },
    ])
  })

  it('does not look at what a question is about', () => {
    const hard = 'Prove the Riemann hypothesis and derive a legal strategy from it.'
    const easy = 'What colour does the sky have on a day without any clouds, please?'
    for (const of of [countAsks, holdsCode]) expect(of(hard)).toEqual(of(easy))
  })

  it('never falls when there is more of anything', () => {
    for (const name of ['questionTokens', 'fileTokens', 'pages', 'images', 'files', 'asks'] as const) {
      const scores = [0, 1, 2, 5, 10, 50, 500, 5_000, 500_000].map((value) => judge({ ...plain, [name]: value }).score)
      expect(scores, name).toEqual(scores.toSorted((a, b) => a - b))
    }
  })

  it('knows its borders', () => {
    expect([0, 1, 2, 5, 6, 99].map(tierOf)).toEqual(['small', 'small', 'medium', 'medium', 'large', 'large'])
  })
})

describe('what is counted', () => {
  it('code by its fence, or by several lines of it', () => {
    expect(holdsCode('Why does this fail?\n```ts\nconst a = 1\n```')).toBe(true)
    expect(holdsCode('int main() {\n  puts("hi");\n  return 0;\n}')).toBe(true)
    expect(holdsCode('Dear all;\nplease come at noon;\nthanks.')).toBe(false)
    expect(holdsCode('Use `git status` first.')).toBe(false)
  })

  it('code by the name of its file', () => {
    expect(['main.rs', 'App.tsx', 'x.test.mjs', 'schema.sql', 'a.C'].map(isCodeFile)).toEqual(Array(5).fill(true))
    expect(['report.pdf', 'notes.txt', 'data.csv', 'rs', 'sheet.xls'].map(isCodeFile)).toEqual(Array(5).fill(false))
  })

  it('items of a list, or questions', () => {
    expect(countAsks('Summarise this.')).toBe(1)
    expect(countAsks('Who? When? Why?')).toBe(3)
    expect(countAsks('Tell me:\n- who\n- when\n- why\n1. how')).toBe(4)
    expect(countAsks('是谁？什么时候？')).toBe(2)
    expect(countAsks('See https://example.org/?a=1&b=2')).toBe(1)
  })
})
