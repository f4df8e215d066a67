import { describe, expect, it } from 'vitest'
import { wordedQuestions } from '../../test/fixtures/routing-questions.ts'
import { taskQuestions } from '../../test/fixtures/task-questions.ts'
import type { Tier } from '../models/catalogue.ts'
import { countAsks, countQuestion, holdsCode, isCodeFile, judge, type QuestionShape, tierOf } from './complexity.ts'
import { type Task, tasksIn } from './tasks.ts'

const plain: QuestionShape = {
  fileTokens: 0,
  pages: 0,
  images: 0,
  files: 0,
  asks: 1,
  code: false,
}

const table: [situation: string, shape: Partial<QuestionShape>, score: number, tier: Tier][] = [
  ['a short question', {}, 0, 'small'],
  ['a proof', { tasks: ['proof'] }, 4, 'medium'],
  ['a proof of mathematics', { tasks: ['proof', 'mathematics'] }, 5, 'medium'],
  ['a plain task in four parts', { tasks: ['plain'], asks: 4, gain: 0.4 }, 0, 'small'],
  ['a plain task and a hard one', { tasks: ['plain', 'law'] }, 2, 'medium'],
  ['a wording that small models fail at', { gain: 0.15 }, 2, 'medium'],
  ['an ordinary wording', { gain: 0 }, 1.143, 'small'],
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
    const told = judged.parts.reduce((sum, { points }) => sum + points, 0)
    if (shape.gain === undefined) expect(Math.max(0, told)).toBe(score)
  })

  it('names what it is made of, the heaviest first', () => {
    const { parts } = judge({ ...plain, pages: 212, fileTokens: 60_000, images: 1, files: 1 })
    expect(parts).toEqual([
      { points: 3, says: 'about 60,000 tokens of files' },
      { points: 2, says: '212 pages' },
      { points: 1, says: 'a picture' },
    ])
  })

  it('of an ordinary wording is no reason, and only orders questions', () => {
    const { score, parts } = judge({ ...plain, gain: -0.15 })
    expect([score > 0, score < 0.5, parts]).toEqual([true, true, []])
  })

  it('never falls when there is more of anything', () => {
    for (const name of ['fileTokens', 'pages', 'images', 'files', 'asks'] as const) {
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

describe('tasks', () => {
  it.each<[string, Task[]]>([
    ['Prove that √2 is irrational.', ['proof']],
    ['Prove me wrong!', []],
    ['Improve this sentence', []],
    ['∫ x dx', ['mathematics']],
    ['f: R -> R with f(xy) = f(x)f(y)', ['mathematics']],
    ['Traceback (most recent call last):\n  File "a.py", line 3', ['trace']],
    ['java.lang.NullPointerException: null\n\tat com.acme.Main.run(Main.java:12)', ['trace']],
    ['Why does my service crash every night?', ['debugging']],
    ['Design a queue service for 10,000 tenants', ['design']],
    ['I like the design of your page.', []],
    ['Can I sue the seller?', ['law']],
    ['maximal dosage of ibuprofen', ['medicine']],
    ['Compare and contrast Kant and Hume', ['analysis']],
    ['Please translate: the court found him negligent', ['law', 'plain']],
    ['Could you please proofread this?', ['plain']],
    ['What is for lunch?', []],
  ])('%s', (text, found) => {
    expect(tasksIn(text)).toEqual(found)
  })

  it.each(taskQuestions)('in other languages: %s', (text, ...found) => {
    expect(tasksIn(text)).toEqual(found)
  })

  it('are found at both ends of a long text, and quickly in any', () => {
    const paste = 'words and words '.repeat(5_000)
    expect(tasksIn(`${paste}\nProve it step by step.`)).toEqual(['proof', 'thinking'])
    expect(tasksIn(`Design ${'a '.repeat(100_000)}`)).toEqual([])
    for (const word of ['design ', 'entwirf ', 'why is ', 'warum ', '设计'])
      expect(tasksIn(word.repeat(5_000))).toEqual([])
  })
})

describe('forty worded questions', () => {
  it.each(wordedQuestions)('$text', ({ text, files = [], tiers }) => {
    const { complexity } = countQuestion({ text, files, instructions: [], images: 0, promptTokens: 60_000 })
    expect(tiers).toContain(complexity.tier)
  })
})
