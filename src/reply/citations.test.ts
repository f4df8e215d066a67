import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { source } from '../../test/fakes/source.ts'
import type { Position } from '../core/artifact.ts'
import { sourceLabel } from '../core/source.ts'
import { createCitationStream, type GivenSource } from './citations.ts'
import { parseLabel } from './labels.ts'

const page = (number: number): Position => ({ kind: 'page', page: number })
const rows = (sheet: string, from: number, to: number): Position => ({ kind: 'rows', sheet, from, to })
const sources: GivenSource[] = [
  { source: source(1, 'report.pdf'), positions: [12, 137, 138].map(page) },
  { source: source(2, 'talk.pptx'), positions: [{ kind: 'slide', slide: 3 }] },
  {
    source: source(3, 'call.ogg'),
    positions: [
      { kind: 'time', fromMs: 0, toMs: 65_000 },
      { kind: 'time', fromMs: 65_000, toMs: 90_500 },
    ],
  },
  {
    source: source(4, 'budget.xlsx'),
    positions: [rows('Plan 2026!', 2, 40), rows("Ist 'Werte'", 2, 40), rows("Ist 'Werte'", 41, 80)],
  },
  { source: source(5, 'main.ts'), positions: [{ kind: 'lines', from: 10, to: 24 }] },
  {
    source: source(6, 'mail.eml'),
    positions: [
      { kind: 'lines', from: 1, to: 10 },
      { kind: 'lines', from: 1, to: 10, inner: 'notes.txt' },
      { kind: 'lines', from: 1, to: 10, inner: 'all.zip/notes.txt' },
      { kind: 'lines', from: 11, to: 20, inner: 'all.zip/notes.txt' },
      { kind: 'page', page: 2, inner: 'Angebot [neu], 2:p3.pdf' },
      { kind: 'page', page: 2, inner: 'b.pdf' },
      { kind: 'rows', sheet: 'Plan', from: 2, to: 9, inner: 'x.xlsx' },
      { kind: 'rows', sheet: 'Plan', from: 2, to: 9, inner: 'y.xlsx' },
    ],
  },
]
/** Of a file within the mail: `f` and the number of its path. */
const within = (inner: string, place: string) => sourceLabel(6, { kind: 'page', page: 1, inner }).replace('p1', place)

function read(text: string, given = sources) {
  const stream = createCitationStream(given)
  const shown = stream.push(text) + stream.flush()
  return { shown, citations: stream.citations(), unknown: stream.unknown() }
}

describe('labels', () => {
  test('every place that was given is found again by its label', () => {
    for (const { source, positions } of sources) {
      for (const at of positions) {
        expect(read(`[${sourceLabel(source.n, at)}]`).citations.map((citation) => citation.at)).toEqual([at])
      }
    }
  })

  test('are short, and hold nothing of a sheet’s name', () => {
    expect(sourceLabel(1, page(137))).toBe('1:p137')
    expect(sourceLabel(2, { kind: 'slide', slide: 3 })).toBe('2:s3')
    expect(sourceLabel(4, rows('Budget]! [x', 2, 9))).toMatch(/^4:t\d{4}r2-9$/)
    expect(sourceLabel(1, { kind: 'rows', from: 2, to: 2 })).toBe('1:r2')
    expect(sourceLabel(5, { kind: 'lines', from: 10, to: 24 })).toBe('5:l10-24')
    expect(sourceLabel(3, { kind: 'time', fromMs: 65_300, toMs: 70_000 })).toBe('3:m65')
  })

  test('tell the files within a file apart', () => {
    const inner = 'Angebot [neu], 2:p3.pdf'
    expect(sourceLabel(6, { kind: 'lines', from: 1, to: 10, inner })).toMatch(/^6:f\d{6}l1-10$/)
    expect(sourceLabel(6, { ...rows('Plan', 2, 9), inner })).toMatch(/^6:f\d{6}t\d{4}r2-9$/)
    const paths = Array.from({ length: 200 }, (_, n) => `photos/${n}.jpg`)
    expect(new Set(paths.map((path) => within(path, 'p1'))).size).toBe(200)
  })

  test('are read strictly one at a time', () => {
    expect(parseLabel('1:p137')).toEqual({ n: 1, kind: 'page', from: 137, to: 137 })
    expect(parseLabel('4:t2r2-9')).toEqual({ n: 4, kind: 'rows', sheet: 2, from: 2, to: 9 })
    for (const text of ['', 'p137', '1:137', '1:x5', '1:p137 and more', '1:p1, 1:p2'])
      expect(parseLabel(text)).toBeUndefined()
  })
})

describe('markers', () => {
  test('become numbers in order of first use; the same place has the same number', () => {
    const { shown, citations } = read('A [1:p138]. B [1:p12]. C [1:p138].')
    expect(shown).toBe('A [1]. B [2]. C [1].')
    expect(citations).toEqual([
      { n: 1, source: source(1), at: page(138) },
      { n: 2, source: source(1), at: page(12) },
    ])
  })

  test.each([
    ['[1:p137, 1:p138]', '[1][2]'],
    ['[1:p137; p138]', '[1][2]'],
    ['[1:p137 and 1:p138]', '[1][2]'],
    ['[1:p137][1:p138]', '[1][2]'],
    ['[1:p137-138]', '[1][2]'],
    ['[1:p137–p138]', '[1][2]'],
    ['[1:p137, 1:p137]', '[1]'],
    ['【1:p137】', '[1]'],
    ['【1:p137†report.pdf】', '[1]'],
    ['[1: p. 137]', '[1]'],
    ['[1, p. 137]', '[1]'],
    ['[1:page 137]', '[1]'],
    ['[1:P137]', '[1]'],
    ['[file 1:p137]', '[1]'],
    ['[see 1:p137]', '[1]'],
    ['[Source: 1:p137]', '[1]'],
    ['[[1:p137]]', '[1]'],
    ['(1:p137)', '[1]'],
    ['**bold**[1:p137]', '**bold**[1]'],
    ['- [1:p137]', '- [1]'],
    ['[2:slide 3]', '[1]'],
    ['[4:t2r5]', '[1]'],
    ['[5:lines 12-14]', '[1]'],
  ])('%s is shown as %s', (written, shown) => {
    expect(read(written)).toMatchObject({ shown, unknown: 0 })
  })

  test.each([
    [`[${within('notes.txt', 'l1-10')}]`, ['notes.txt']],
    [`(${within('notes.txt', 'l1-10')})`, ['notes.txt']],
    [`【${within('notes.txt', 'l3')}†mail.eml】`, ['notes.txt']],
    [`[${within('notes.txt', ' l3').toUpperCase()}]`, ['notes.txt']],
    [`[file ${within('notes.txt', ', lines 3-4')}]`, ['notes.txt']],
    [`[${within('all.zip/notes.txt', 'l1, l12')}]`, ['all.zip/notes.txt', 'all.zip/notes.txt']],
    [`[${within('notes.txt', 'l1')}; ${within('b.pdf', 'p2')}]`, ['notes.txt', 'b.pdf']],
    [`[${within('y.xlsx', 't1r5')}]`, ['y.xlsx']],
    ['[6:f1l5]', ['notes.txt']],
    ['[6:l5]', [undefined]],
    ['[6:l15]', ['all.zip/notes.txt']],
  ])('%s is in the file meant', (written, inner) => {
    const { citations, unknown } = read(written)
    expect({ inner: citations.map(({ at }) => at.inner), unknown }).toEqual({ inner, unknown: 0 })
  })

  test('a moment is the piece of the recording that holds it', () => {
    expect(read('[3:m30] [3:m64] [3:m65] [3:m90] [3:m60-70]').shown).toBe('[1] [1] [2] [2] [1][2]')
    expect(read('[3:m91]').unknown).toBe(1)
  })

  test('rows are told apart by their sheet', () => {
    const label = sourceLabel(4, rows("Ist 'Werte'", 2, 40))
    expect(read(`[${label}]`).citations[0]?.at).toEqual(rows("Ist 'Werte'", 2, 40))
    expect(read(`[${label.replace('r2-40', 'r42')}]`).citations[0]?.at).toEqual(rows("Ist 'Werte'", 41, 80))
  })
})

describe('one label that names no place', () => {
  test.each([
    ['[3:m0, 3:m65, 3:00]', '[1][2]'],
    ['[3:00, 3:m0, 3:m65]', '[1][2]'],
    ['[1:p137; 1:x5; p138]', '[1][2]'],
    ['[1:p12, 2, 1:p137]', '[1][2]'],
    ['【1:p137, 1:137†report.pdf】', '[1]'],
    ['(1:p137, 1:00)', '[1]'],
  ])('%s keeps the others', (written, shown) => {
    expect(read(written)).toMatchObject({ shown, unknown: 1 })
  })

  test.each(['[1:p137, as agreed]', '[1:00, 2:00]', '[1:p137, see 3 pages on]'])('%s stays text', (text) => {
    expect(read(text)).toMatchObject({ shown: text, citations: [], unknown: 0 })
  })
})

describe('places that were not given', () => {
  test.each([
    ['It is so [9:p1].', 'It is so.'],
    ['It is so [1:p99], and more.', 'It is so, and more.'],
    ['It is so [1:p99] and more.', 'It is so and more.'],
    ['It is so [1:s3]\nand more.', 'It is so\nand more.'],
    ['It is so (1:p99).', 'It is so.'],
    ['It is so [1:p99][1:p137].', 'It is so [1].'],
    ['It is so [1:p99, 1:p137].', 'It is so [1].'],
    ['[1:p99] It is so.', ' It is so.'],
    ['It is so [6:f999999p2].', 'It is so.'],
    ['It is so [1:f123456p137].', 'It is so.'],
  ])('%s', (written, shown) => {
    expect(read(written)).toMatchObject({ shown, unknown: 1 })
  })
})

describe('what is no citation', () => {
  test.each([
    'A [link](https://example.com/a_(b)) and [1 more](x).',
    '- [x] done\n- [ ] to do',
    'In `a[1:p137]` and ``b ` [3]`` nothing changes.',
    '```ts\na[1] = [1:p137]\n```\n',
    '> ~~~\n> [1:p137]\n> ~~~\n',
    '1. ```\n   [3]\n   ```\n',
    'A note[^3] and \\[3\\] and \\[1:p137].',
    '[3]: https://example.com',
    '![3](chart.png)',
    'At (12:30) or (1:2) or (see p. 5) or (3:m).',
    '[Note: this is about 1, p. 137 of it]',
    '[1:30] [12:p] [] [ [ ( 【',
  ])('%s', (text) => {
    expect(read(text)).toMatchObject({ shown: text, citations: [], unknown: 0 })
  })

  test('a number in brackets is escaped, so that it does not look like a citation', () => {
    expect(read('As [3] says, a[12] is [1:p137].').shown).toBe('As \\[3\\] says, a\\[12\\] is [1].')
  })

  test('after a code block, markers count again', () => {
    expect(read('```\n[3]\n```\nSo [1:p137].').shown).toBe('```\n[3]\n```\nSo [1].')
  })

  test('a lone backtick hides nothing', () => {
    expect(read('The ` sign [1:p137].\nNext [1:p138].').shown).toBe('The ` sign [1].\nNext [2].')
  })
})

describe('a citation that its source cannot bear', () => {
  const judged: { claim: string; cited: number[] }[] = []
  const judging = (text: string, step = text.length) => {
    judged.length = 0
    const stream = createCitationStream(sources, (claim, cited) => {
      judged.push({ claim: claim.trim(), cited: cited.map(({ source }) => source.n) })
      return !claim.includes('wrong')
    })
    let shown = ''
    for (let at = 0; at < text.length; at += step) shown += stream.push(text.slice(at, at + step))
    shown += stream.flush()
    return { shown, citations: stream.citations().map(({ n }) => n), unsupported: stream.unsupported() }
  }

  test('is not shown, is counted, and takes no number', () => {
    const text = 'It is right [1:p137]. It is wrong [1:p138]. Fine [2:s3].'
    expect(judging(text)).toEqual({
      shown: 'It is right [1]. It is wrong. Fine [2].',
      citations: [1, 2],
      unsupported: 1,
    })
    expect(judged.map(({ claim }) => claim)).toEqual(['It is right', 'It is wrong', 'Fine'])
  })

  test('is judged by what stands before it in its sentence, since the marker before', () => {
    judging('A costs 5 [1:p137] and *B* costs 7 [2:s3].\n\n- C costs 9. [1:p138]\n14. D [2:s3]')
    expect(judged.map(({ claim }) => claim)).toEqual(['A costs 5', 'and  B  costs 7', 'C costs 9.', 'D'])
  })

  test('is judged together with those that follow at once, however the text comes in', () => {
    const text = 'Both say so [1:p137][1:p138] [2:s3]. This is wrong [1:p137] [2:s3]. End [1:p138]'
    const whole = judging(text)
    expect(whole).toEqual({
      shown: 'Both say so [1][2] [3]. This is wrong. End [2]',
      citations: [1, 2, 3],
      unsupported: 2,
    })
    expect(judged.map(({ cited }) => cited)).toEqual([[1, 1, 2], [1, 2], [1]])
    for (const step of [1, 2, 3, 7]) expect(judging(text, step)).toEqual(whole)
  })

  test('in text that looks like more markers', () => {
    for (const text of [
      'So [1:p137] [see below]. Next',
      'So [1:p137] [',
      'So [1:p137] [1:p',
      'So [1:p137]  \nNext',
      'So [1:p137](',
    ])
      for (const step of [1, 4]) expect(judging(text, step)).toEqual(judging(text))
  })
})

describe('as it streams', () => {
  test('only an unfinished marker is held back', () => {
    const stream = createCitationStream(sources)
    expect(stream.push('The price is 10 [1:p')).toBe('The price is 10')
    expect(stream.push('13')).toBe('')
    expect(stream.push('7]. And')).toBe(' [1]. And')
    expect(stream.push(' this [is a perfectly normal')).toContain('[is a perfectly')
  })

  test('a marker that the end cut off is not shown', () => {
    expect(read('The price is 10 [1:p13').shown.trimEnd()).toBe('The price is 10')
    expect(read('It is 10 [6:f48').shown.trimEnd()).toBe('It is 10')
    expect(read('It is 10 [6:f482103l1-').shown.trimEnd()).toBe('It is 10')
    expect(read('It is 10 [4:t4821r').shown.trimEnd()).toBe('It is 10')
    expect(read('An open [bracket').shown).toBe('An open [bracket')
  })

  test('the result does not depend on how the text was cut', () => {
    const pieces = fc.constantFrom(
      ...'[1:p137]|[1:p99]|[1: p. 137, 1:p138]|[6:f1l5]|[6:f999999l5]|【1:p12】|(1:p137)|[[2:s3]]|[3]|[3](x)|`|``|```|~~~|\n|\n```ts\n|\n- | |  |\t|\\|[|]|(|)|word|.|[x]|12|:p|[link](https://a.b)|> |1. '.split(
        '|',
      ),
    )
    fc.assert(
      fc.property(
        fc.array(pieces, { minLength: 5, maxLength: 60, size: 'max' }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        (words, steps) => {
          const text = words.join('')
          const stream = createCitationStream(sources)
          let shown = ''
          for (let at = 0, i = 0; at < text.length; i++) {
            const step = steps[i % steps.length] ?? 1
            shown += stream.push(text.slice(at, at + step))
            at += step
          }
          shown += stream.flush()
          expect({ shown, citations: stream.citations(), unknown: stream.unknown() }).toEqual(read(text))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('text without brackets comes out as it went in', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', ' ', '\n', '`', '~', '\\', '.', '汉', '😀')), (signs) => {
        expect(read(signs.join('')).shown).toBe(signs.join(''))
      }),
    )
  })

  test('a long answer in small deltas takes linear time', () => {
    const stream = createCitationStream(sources)
    const ms = cpuTimeOf(() => {
      for (let i = 0; i < 20_000; i++) stream.push(i % 10 === 0 ? ' [1:p137] ' : ' `some` ( [te')
      stream.flush()
    })
    expect(ms).toBeLessThan(5_000)
  })
})
