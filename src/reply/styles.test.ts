/** A long answer in several messages: no message begins or ends in the middle of a style, a quote or a list. */
import { describe, expect, it } from 'vitest'
import { split } from './split.ts'
import { openMarks } from './styles.ts'

const words = (count: number) => 'some words '.repeat(count).trim()

describe('a style that goes over the end of a message', () => {
  it.each([
    ['bold', '**', '**'],
    ['italics', '*', '*'],
    ['underscores', '_', '_'],
    ['both', '***', '***'],
    ['strike', '~~', '~~'],
  ])('is closed and opened again: %s', (_, open, close) => {
    const parts = split(`Note: ${open}${words(30)}${close} and after.`, 200)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts[0]).toMatch(/^Note: /)
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(200)
      expect(openMarks(`${part} `, [])).toEqual([])
      expect(part).toContain(open)
    }
    expect(parts.slice(1).every((part) => part.startsWith(open))).toBe(true)
  })

  it('and a second one within it', () => {
    const parts = split(`**bold ${words(20)} _both ${words(10)}_ bold**`, 150)
    for (const part of parts) expect(openMarks(`${part} `, [])).toEqual([])
    expect(parts.some((part) => part.startsWith('**_some'))).toBe(true)
  })

  it('but nothing is added where a sign is no style', () => {
    for (const text of [`5 * 3 ${words(30)}`, `a ** b ${words(30)}`, `\\*no\\* ${words(30)}`, `\`**\` ${words(30)}`])
      expect(split(text, 150).join(' ')).toBe(text)
  })

  it('and is forgotten at the end of its paragraph', () => {
    const [first, second] = split(`**never closed ${words(7)}\n\n${words(12)}`, 120)
    expect(first).not.toMatch(/\*\*$/)
    expect(second).toMatch(/^some/)
  })
})

describe('a quote that goes over the end of a message', () => {
  it('is a quote in the next one, too', () => {
    for (const part of split(`> ${words(40)}`, 150)) expect(part).toMatch(/^> some|^> words/)
  })

  it('with its style', () => {
    const parts = split(`> **${words(40)}**`, 150)
    for (const part of parts) expect(part).toMatch(/^> \*\*\S.*\*\*$/)
  })
})

describe('a list that goes over the end of a message', () => {
  const items = Array.from({ length: 12 }, (_, n) => `    - inner item ${n} with words`).join('\n')

  it('goes on at the margin, so that it does not become code', () => {
    const parts = split(`- outer\n${items}\n- last one`, 150)
    expect(parts.length).toBeGreaterThan(2)
    for (const part of parts.slice(1, -1)) expect(part).toMatch(/^- inner item/)
    expect(parts.at(-1)).toMatch(/^- (?:inner|last)/)
    expect(parts.at(-1)).toMatch(/^- last one$/m)
  })

  it('with the text of an item at the margin as well', () => {
    const parts = split(`10. first ${words(12)}\n\n    more ${words(12)}\n\n    and ${words(3)}\n\nEnd.`, 170)
    expect(parts.slice(1).join('\n')).not.toMatch(/^ {4}/m)
    expect(parts.at(-1)).toMatch(/End\.$/)
  })

  it('with its code in a block of its own', () => {
    const code = Array.from({ length: 20 }, (_, n) => `      line(${n})`).join('\n')
    const parts = split(`- a\n  - b\n\n    \`\`\`js\n${code}\n    \`\`\`\n\nEnd.`, 150)
    for (const part of parts.slice(1, -1)) expect(part).toMatch(/^```js\n {2}line[\s\S]*\n```$/)
    expect(parts.join('\n').match(/line\(\d+\)/g)).toHaveLength(20)
  })

  it('while indented code stays code', () => {
    const code = Array.from({ length: 20 }, (_, n) => `    line(${n})`).join('\n')
    for (const part of split(`Look:\n\n${code}`, 150).slice(1)) expect(part).toMatch(/^ {4}line/)
  })
})
