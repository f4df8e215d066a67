import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { createSplitter, split } from './split.ts'

const sentences = (count: number, word = 'word') =>
  Array.from({ length: count }, (_, i) => `This is sentence ${i} about one ${word}.`).join(' ')

describe('where a message ends', () => {
  test('a short reply is one message, an empty one none', () => {
    expect(split('Hello.', 100)).toEqual(['Hello.'])
    expect(split(' \n\n ', 100)).toEqual([])
    expect(split('x'.repeat(100), 100)).toEqual(['x'.repeat(100)])
  })

  test('at a paragraph rather than a line, a line rather than a sentence, a sentence rather than a word', () => {
    expect(split(`${'a'.repeat(60)}\n\n${'b'.repeat(20)}\n${'c'.repeat(40)}`, 100)[0]).toBe('a'.repeat(60))
    expect(split(`${'a'.repeat(60)}\n${'b '.repeat(8)}b. ${'c '.repeat(40)}`, 100)[0]).toBe('a'.repeat(60))
    expect(split(`${'ab '.repeat(20)}ab. ${'cd '.repeat(30)}`, 100)[0]).toBe(`${'ab '.repeat(20)}ab.`)
    expect(split(`${'ab '.repeat(20)}(cf. ${'cd '.repeat(30)}`, 100)[0]).toBe(
      `${'ab '.repeat(20)}(cf. ${'cd '.repeat(11)}`.trim(),
    )
    expect(split('word '.repeat(40), 100)[0]).toBe('word '.repeat(20).trim())
  })

  test('Chinese text ends after a sentence', () => {
    expect(split('本合同约定的违约金为合同总额的百分之五。'.repeat(10), 100)[0]).toMatch(/。$/)
  })

  test('a word without an end is cut, and no character with it', () => {
    expect(split('x'.repeat(250), 100)).toEqual(['x'.repeat(100), 'x'.repeat(100), 'x'.repeat(50)])
    for (const sign of ['👩‍👩‍👧‍👦', '🇩🇪', 'e\u0301', '👍🏽', '한']) {
      const parts = split(sign.repeat(120), 101)
      expect(parts.join('')).toBe(sign.repeat(120))
      for (const part of parts) expect(part).toBe(sign.repeat(part.length / sign.length))
    }
  })

  test('a heading goes with its text', () => {
    const [first] = split(`${'a'.repeat(70)}\n\n## Heading\n\n${'b'.repeat(60)}`, 100)
    expect(first).toBe('a'.repeat(70))
  })

  test('a list stays a list: no word becomes one by standing at the beginning', () => {
    for (const part of split('aaa - '.repeat(100), 100)) expect(part).toMatch(/^aaa/)
  })
})

describe('what stays whole', () => {
  test.each([
    ['a link', '[the annual report](https://example.com/a/b?c=(d)&e=f)'],
    ['an image', '![a chart](https://example.com/chart.png)'],
    ['an address', 'https://example.com/a/very/long/path/that/goes/on?and=on'],
    ['a code span', '`const answer = await everything()`'],
    ['a code span with a backtick', '``a ` b and more of it``'],
    ['a citation', '[12]'],
    ['an escaped bracket', '\\[3\\]'],
  ])('%s', (_, whole) => {
    for (let before = 0; before < 130; before++) {
      const text = `${'ab '.repeat(60).slice(0, before)}${whole} ${'cd '.repeat(60)}`
      expect(
        split(text, 100).some((part) => part.includes(whole)),
        `after ${before} characters`,
      ).toBe(true)
    }
  })

  test('a citation stays with its sentence', () => {
    for (let words = 10; words < 30; words++) {
      const parts = split(`${'ab '.repeat(words)}end. [1][2] ${'cd '.repeat(40)}`, 100)
      expect(parts.some((part) => part.includes('end. [1][2]'))).toBe(true)
    }
  })
})

describe('code', () => {
  const code = Array.from({ length: 30 }, (_, i) => `  line(${i})`).join('\n')

  test('is closed and opened again in the same language', () => {
    const parts = split(`Look:\n\n\`\`\`ts\n${code}\n\`\`\`\n\nDone.`, 150)
    expect(parts.length).toBeGreaterThan(2)
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(150)
      expect(part.match(/^```/gm)?.length).toBe(2)
    }
    expect(parts[1]).toMatch(/^```ts\n {2}line/)
    expect(parts.join('\n').match(/line\(\d+\)/g)).toHaveLength(30)
    expect(parts.at(-1)).toMatch(/Done\.$/)
  })

  test('with tildes, longer markers, and inside a quote', () => {
    expect(split(`~~~~py\n${code}\n~~~~`, 120)[1]).toMatch(/^~~~~py\n[^~]*\n~~~~$/)
    expect(split(`\`\`\`\`md\n\`\`\`\n${code}\n\`\`\`\n\`\`\`\``, 120)[1]).toMatch(/^````md\n/)
    expect(split(`> \`\`\`js\n${code.replace(/^/gm, '> ')}\n> \`\`\``, 120)[1]).toMatch(/^> ```js\n>/)
  })

  test('that is still being written is closed in what is shown', () => {
    expect(split('```ts\nconst a = 1', 100)).toEqual(['```ts\nconst a = 1\n```'])
  })

  test('no message holds an empty block', () => {
    for (let length = 60; length < 120; length++) {
      for (const part of split(`Text\n\n\`\`\`\n${'x'.repeat(length)}\n\`\`\`\n\nMore text.`, 100)) {
        expect(part).not.toMatch(/```\n+```/)
      }
    }
  })
})

describe('tables', () => {
  const rows = Array.from({ length: 20 }, (_, i) => `| ${i} | name ${i} |`)

  test('go on under the same header, row by row', () => {
    const parts = split(`Here:\n\n| n | name |\n|---|------|\n${rows.join('\n')}\n\nThat was all.`, 150)
    expect(parts.length).toBeGreaterThan(2)
    for (const part of parts.slice(1, -1))
      expect(part).toMatch(/^\| n \| name \|\n\|---\|------\|\n(\| \d+ \| name \d+ \|\n?)+/)
    for (const row of rows) expect(parts.filter((part) => part.split('\n').includes(row))).toHaveLength(1)
    expect(parts.at(-1)).toMatch(/That was all\.$/)
  })

  test('a table that ends with the message leaves no header behind', () => {
    for (let count = 1; count < 12; count++) {
      const parts = split(`| n | name |\n|---|------|\n${rows.slice(0, count).join('\n')}\n\n${sentences(4)}`, 120)
      for (const part of parts) expect(part).not.toMatch(/^\|---\|------\|\n(?!\|)/m)
    }
  })
})

// Markdown of every kind that matters here. Each word holds a character of its own, so that a lost or doubled one shows.
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constant('WORD ') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '. ',
      '\n',
      '\n\n',
      '\n- ',
      '\n1. ',
      '\n## WORD\n\n',
      '\n> WORD ',
      ' [1]',
      ' \\[3\\] ',
      '。',
      '  ',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '[WORD WORD](https://example.com/a) ',
      '`WORD` ',
      '`',
      '[',
      ']',
      '(',
      '|',
      '**',
      'https://example.com/WORD ',
      '👩‍👩‍👧‍👦',
      '🇩🇪🇫🇷',
      'e\u0301',
      '汉字汉字',
      'x'.repeat(60),
      ' '.repeat(40),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '\n```ts\n',
      '\n```\n',
      '\n~~~~\n',
      '```',
      '~~~',
      '\n> ```js\n> WORD\n',
      '\n- ```\n',
      '\n| H | H |\n|---|---|\n',
      '\n| WORD | WORD |',
      'H | H\n--|--\n',
      'WORD | WORD\n',
    ),
  },
)
const markdown = fc.array(piece, { minLength: 30, maxLength: 120, size: 'max' }).map((pieces) => {
  let n = 0
  return pieces.join('').replace(/WORD/g, () => `wo${String.fromCharCode(0xe000 + n++)}rd`)
})
const maxChars = fc.integer({ min: 100, max: 160 })

describe('what grows when it is formatted', () => {
  const header = `| ${Array.from({ length: 20 }, (_, i) => `A heading of thirty letters ${i}`).join(' | ')} |`
  const delimiter = `|${'---|'.repeat(20)}`
  const row = (n: number) => `|${` ${n % 10} |`.repeat(20)}`
  const asRecords = (text: string) => (text.match(/^\| \d/gm)?.length ?? 0) * (header.length + 160) + text.length
  const fits = (text: string) => asRecords(text) <= 9000

  test('a wide table is several messages of rows, each under the headings', () => {
    const rows = Array.from({ length: 68 }, (_, n) => row(n))
    const text = `Here are the figures:\n\n${[header, delimiter, ...rows].join('\n')}\n\nThat is all.`
    const parts = split(text, 7000, fits)
    for (const part of parts) expect(asRecords(part)).toBeLessThanOrEqual(9000)
    for (const part of parts) expect(part).toContain(`${header}\n${delimiter}\n| `)
    expect(parts.join('\n').match(/^\| \d/gm)).toHaveLength(68)
    expect(parts.length).toBeLessThan(12)
  })

  test('one long line is cut to what fits', () => {
    const parts = split('<b> '.repeat(1500), 7000, (text) => text.length * 3 <= 9000)
    expect(parts.length).toBeGreaterThan(1)
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(3000)
    expect(parts.join(' ')).toBe('<b> '.repeat(1500).trim())
  })

  test('what nothing makes smaller is still written', () => {
    expect(split('word '.repeat(100), 7000, () => false).join(' ')).toBe('word '.repeat(100).trim())
  })
})

describe('laws', () => {
  test('no message is longer than allowed, blank, or breaks a character', () => {
    fc.assert(
      fc.property(markdown, maxChars, (text, max) => {
        for (const part of split(text, max)) {
          expect(part.length).toBeLessThanOrEqual(max)
          expect(part.trim()).not.toBe('')
          expect(part.isWellFormed()).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('every word is there once and in order', () => {
    fc.assert(
      fc.property(markdown, maxChars, (text, max) => {
        const seen = new Set<string>()
        for (const part of split(text, max)) {
          // Only what a message takes up again, a fence or a table's header, is there twice.
          const again = part.split('\n').slice(0, 2).join('\n').length
          for (const { 0: word, index } of part.matchAll(/[\ue000-\uf8ff]/g)) {
            if (index > again) expect(seen).not.toContain(word)
            seen.add(word)
          }
        }
        expect([...seen]).toEqual(text.match(/[\ue000-\uf8ff]/g) ?? [])
      }),
      { numRuns: 500 },
    )
  })

  test('once a later message exists, the earlier ones never change', () => {
    fc.assert(
      fc.property(markdown, maxChars, (text, max) => {
        const whole = split(text, max)
        for (let end = 0; end <= text.length; end++) {
          const earlier = split(text.slice(0, end), max).slice(0, -1)
          expect(earlier).toEqual(whole.slice(0, earlier.length))
        }
      }),
      { numRuns: 50 },
    )
  })

  test('the parts do not depend on how the text arrived', () => {
    fc.assert(
      fc.property(
        markdown,
        maxChars,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (text, max, steps) => {
          const splitter = createSplitter(max)
          for (let at = 0, i = 0; at < text.length; i++) {
            const step = steps[i % steps.length] ?? 1
            splitter.append(text.slice(at, at + step))
            splitter.parts()
            at += step
          }
          expect(splitter.parts()).toEqual(split(text, max))
        },
      ),
      { numRuns: 500 },
    )
  })

  /** As a platform that writes every row with all its headings, and takes 1000 characters of it. */
  const fits = (text: string) => {
    const [header = ''] = /^\|.*\|$/m.exec(text) ?? []
    const rows = text.match(/^\|.*\|$/gm)?.length ?? 0
    return text.length + rows * header.length + (text.match(/WORD|wo.rd/g)?.length ?? 0) * 4 <= 1000
  }

  test('every message fits after formatting, and nothing is lost or doubled', () => {
    const limited = fc.integer({ min: 500, max: 900 })
    fc.assert(
      fc.property(markdown, limited, (text, max) => {
        const seen = new Set<string>()
        for (const part of split(text, max, fits)) {
          expect(part.length).toBeLessThanOrEqual(max)
          if (part.length > 100) expect(fits(part)).toBe(true)
          for (const [word] of part.matchAll(/[\ue000-\uf8ff]/g)) seen.add(word)
        }
        expect([...seen]).toEqual(text.match(/[\ue000-\uf8ff]/g) ?? [])
      }),
      { numRuns: 300 },
    )
  })

  test('messages that were measured do not depend on how the text arrived, nor change when it grows', () => {
    fc.assert(
      fc.property(
        markdown,
        fc.integer({ min: 500, max: 900 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        (text, max, steps) => {
          const whole = split(text, max, fits)
          const splitter = createSplitter(max, fits)
          for (let at = 0, i = 0; at < text.length; i++) {
            const step = steps[i % steps.length] ?? 1
            splitter.append(text.slice(at, at + step))
            const earlier = splitter.parts().slice(0, -1)
            expect(earlier).toEqual(whole.slice(0, earlier.length))
            at += step
          }
          splitter.end()
          expect(splitter.parts()).toEqual(whole)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('a reply of 100 KB in small deltas takes linear time', () => {
    const text = `${sentences(500)}\n\n\`\`\`\n${'code line\n'.repeat(3000)}\`\`\`\n\n${'[`('.repeat(8000)}\n\n${sentences(600)}`
    const splitter = createSplitter(2000)
    const ms = cpuTimeOf(() => {
      for (let at = 0; at < text.length; at += 20) splitter.append(text.slice(at, at + 20))
      expect(splitter.parts()).toEqual(split(text, 2000))
    })
    expect(ms).toBeLessThan(10_000)
  })
})
