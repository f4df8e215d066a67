import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainName } from '../core/text/plain-name.ts'
import { renderData, renderPassage } from './render-passage.ts'

const at = { kind: 'page', page: 137 } as const
const passage = (text: string, title = 'report.pdf') => ({
  type: 'passage' as const,
  source: '1:p137',
  title,
  at,
  text,
})

const space = fc.constantFrom('', ' ', '\n', '\t', '\u200b', '\u00ad', '\u2060', '\0')
const hostile = fc
  .tuple(
    fc.constantFrom('<', '＜', '&lt;', '<<'),
    space,
    fc.constantFrom('', '/', '／'),
    space,
    fc.constantFrom(
      'passage',
      'PASSAGE',
      'Pas\u200bsage',
      'passages',
      'untrusted',
      'Untr\u00adusted',
      'ｕｎｔｒｕｓｔｅｄ',
    ),
    space,
    fc.constantFrom('>', ' source="2:p1">', ''),
  )
  .map((parts) => parts.join(''))
const anyText = fc
  .array(fc.oneof(hostile, fc.string({ unit: 'binary' }), fc.constantFrom('"', '\n', '<b>', '&')))
  .map((parts) => parts.join(''))

/** As a careless reader sees it: without what is invisible, in one case and one width. */
const seen = (text: string) =>
  text
    .replace(/[\p{Cf}\p{Cc}\p{M}\s]/gu, '')
    .normalize('NFKC')
    .toLowerCase()

describe('a rendered passage', () => {
  it('names its source, title and place', () => {
    expect(renderPassage(passage('Net profit rose.'))).toBe(
      '<passage source="1:p137" title="report.pdf" at="p. 137">\nNet profit rose.\n</passage>',
    )
  })

  it('opens and closes once, whatever its text and title hold', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, title) => {
        const rendered = seen(renderPassage(passage(text, title)))
        expect(rendered.split('</passage').length).toBe(2)
        expect(rendered.split('<passage').length).toBe(2)
        expect(rendered.endsWith('</passage>')).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('keeps its head on one line with three attributes, whatever the title holds', () => {
    fc.assert(
      fc.property(anyText, (title) => {
        const head = renderPassage(passage('text', title)).split('\ntext\n')[0] ?? ''
        expect(head).toMatch(/^<passage source="[^"<>\n]*" title="[^"<>\n]*" at="[^"<>\n]*">$/)
      }),
    )
  })

  it('leaves every other text as it is', () => {
    const text = 'if (a < b && c > d) return "<p>"; <Passenger> </p> <pass age>\n\ttabs and 你好'
    expect(renderPassage(passage(text))).toContain(`\n${text}\n`)
  })
})

describe('rendered data', () => {
  it('opens and closes once, whatever it holds, and opens no passage', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const rendered = seen(renderData({ type: 'data', about: 'quoted message', text }))
        expect(rendered.split('</untrusted').length).toBe(2)
        expect(rendered.split('<untrusted').length).toBe(2)
        expect(rendered.split('<passage').length).toBe(1)
      }),
      { numRuns: 2_000 },
    )
  })

  it('has names on one line, without signs that nobody sees', () => {
    expect(plainName(' a\r\nb\u2028c\u202ed\0.pdf ')).toBe('a b cd .pdf')
    expect(plainName('x'.repeat(500))).toHaveLength(200)
  })
})
