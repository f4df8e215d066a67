import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headingLevels, splitBlocks } from './blocks.ts'

describe('splitting Markdown into blocks', () => {
  test('paragraphs, headings and tables stand alone', () => {
    const text = '# A\n\nOne\ntwo\n\n| a |\n| - |\n| 1 |\n\nEnd'
    expect(splitBlocks(text)).toEqual(['# A', 'One\ntwo', '| a |\n| - |\n| 1 |', 'End'])
  })

  test('code keeps its empty lines, and ends a block even without one after it', () => {
    const code = '```js\n\nlet a\n\n# no heading\n```'
    expect(splitBlocks(`Before\n${code}\nAfter`)).toEqual(['Before', code, 'After'])
    expect(splitBlocks('~~~\n```\n\nstill code')).toEqual(['~~~\n```\n\nstill code'])
    expect(splitBlocks('``` not a fence: `` ` ``\n\nnext')).toHaveLength(2)
  })

  test('a list with gaps, nested paragraphs and code is one block', () => {
    const list = '1. one\n\n   more\n\n   ```sh\n   ls\n\n   ```\n\n2. two'
    expect(splitBlocks(`${list}\n\nAfter`)).toEqual([list, 'After'])
  })

  test('text with links or footnotes across blocks is not split', () => {
    const text = 'See [the rules][r].\n\nMore.\n\n[r]: https://example.org'
    expect(splitBlocks(text)).toEqual([text])
  })

  test('no words are lost in any text', () => {
    const line = fc.constantFrom('', 'text', '- item', '  more', '```', '~~~~', '> q', '1. x', '    code', '| a | b |')
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const text = lines.join('\n')
        expect(splitBlocks(text).join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
      }),
    )
  })

  test('a growing text changes only its last blocks', () => {
    const text = 'One\n\n```js\nlet a\n```\n\n- x\n- y\n\nEnd of it'
    const whole = splitBlocks(text)
    for (let end = 1; end < text.length; end++) {
      const now = splitBlocks(text.slice(0, end))
      expect(now.slice(0, -1)).toEqual(whole.slice(0, now.length - 1))
    }
  })
})

test('the heading levels in use are found, without those in code', () => {
  expect(headingLevels('### B\n\ntext\n\n```sh\n# comment\n```\n\n##### C')).toEqual([3, 5])
  expect(headingLevels('```sh\n# open')).toEqual([])
  expect(headingLevels('Title\n===\n\n| a |\n| - |')).toEqual([1])
})
