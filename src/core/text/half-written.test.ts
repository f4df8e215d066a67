import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeOpen, settled } from './half-written.ts'

const table = '| a | b |\n|--|--|\n| 1 |'

describe('the part of a text in progress that stays', () => {
  it.each([
    ['One two thr', 'One two ', 'One two thr'],
    ['See [the page](https://x', 'See ', 'See [the page](https://x'],
    ['See [the pa', 'See ', 'See [the pa'],
    ['See ![alt](u ', 'See ', 'See ![alt](u '],
    ['Tag <a href="x ', 'Tag ', 'Tag <a href="x '],
    [`Text\n\n${table}`, 'Text\n\n', 'Text\n\n'],
    ['Text\n\n| a | b |\n', 'Text\n\n', 'Text\n\n'],
    [`${table}`, '', ''],
    [`${table}\n\n`, `${table}\n\n`, `${table}\n\n`],
    [`${table}\n\nAfter it `, `${table}\n\nAfter it `, `${table}\n\nAfter it `],
    ['a < b and ', 'a < b and ', 'a < b and '],
    ['done.\n', 'done.\n', 'done.\n'],
    ['Two words\n- ', 'Two words\n', 'Two words\n- '],
    ['Two words\n> 2. ', 'Two words\n', 'Two words\n> 2. '],
    ['Two words\n- one ', 'Two words\n- one ', 'Two words\n- one '],
    ['', '', ''],
  ])('of %j is %j, and with half words %j', (text, whole, half) => {
    expect(settled(text, { words: true })).toBe(whole)
    expect(settled(text, { words: false })).toBe(half)
  })

  it('is a beginning of the text, and of what stays later', () => {
    const piece = fc.constantFrom('word ', 'half', '\n\n', '\n', '- item\n', '| a | b |\n', '| 1 | 2 |\n', 'x < y ')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.boolean(), (pieces, words) => {
        const text = pieces.join('')
        let before = ''
        for (let at = 0; at <= text.length; at += 1) {
          const now = settled(text.slice(0, at), { words })
          expect(text.startsWith(now)).toBe(true)
          if (words) expect(now.startsWith(before)).toBe(true)
          before = now
        }
      }),
    )
  })
})

describe('half-written marks at the end are closed or held back', () => {
  it.each([
    ['so **bold', 'so **bold**'],
    ['so **', 'so '],
    ['so *', 'so '],
    ['use `npm', 'use `npm`'],
    ['see [docs](https://exa', 'see docs'],
    ['see ![chart](https://exa', 'see chart'],
    ['grew by 4 % [1', 'grew by 4 % '],
    ['done `a` **b** [1]', 'done `a` **b** [1]'],
    ['a `**` and **b', 'a `**` and **b**'],
    ['```js\nlet a = "**', '```js\nlet a = "**'],
    ['~~~\n`', '~~~\n`'],
  ])('%j is shown as %j', (text, shown) => {
    expect(closeOpen(text)).toBe(shown)
  })
})
