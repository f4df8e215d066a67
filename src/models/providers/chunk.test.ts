import { describe, expect, it } from 'vitest'
import { createThoughtFilter } from './chunk.ts'

/** The whole said in pieces of `size` characters, then the end. */
function split(whole: string, size: number): { text: string; reasoning: string } {
  const apart = createThoughtFilter()
  const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) => whole.slice(n * size, (n + 1) * size))
  const chunks = [...pieces.flatMap((text) => apart({ text })), ...apart({ finish: 'stop' })]
  const join = (key: 'text' | 'reasoning') => chunks.map((chunk) => chunk[key] ?? '').join('')
  expect(chunks.at(-1)?.finish).toBe('stop')
  return { text: join('text'), reasoning: join('reasoning') }
}

describe('thoughts that stand in the text', () => {
  it.for([
    ['<think>\nIt is on p. 3.\n</think>\n\nThirty days.', 'Thirty days.', '\nIt is on p. 3.\n'],
    ['\n<think></think>Thirty days.', 'Thirty days.', ''],
    ['Thirty days. <think>no thought</think>', 'Thirty days. <think>no thought</think>', ''],
    ['<thinking about it> is no tag', '<thinking about it> is no tag', ''],
    ['  two spaces stay', '  two spaces stay', ''],
    ['<think>a </thin b </think>c</think>', 'c</think>', 'a </thin b '],
    ['<think>cut off in the midd', '', 'cut off in the midd'],
    ['<thi', '<thi', ''],
    ['', '', ''],
  ] as const)('%j is said as %j', ([whole, text, reasoning]) => {
    for (const size of [1, 2, 3, 5, 8, 100]) expect(split(whole, size)).toEqual({ text, reasoning })
  })
})
