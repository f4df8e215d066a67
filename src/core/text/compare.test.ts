import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from './compare.ts'

describe('text in the form in which words are compared', () => {
  it.each([
    ['Hello\nWorld', 'hello\nworld'],
    ['Kündigungsfrist GRÖẞE Straße', 'kundigungsfrist grosse strasse'],
    ['Žluťoučký kůň, Łódź, Đorđe', 'zlutoucky kun, lodz, dorde'],
    ['Œuvre, Ærø, Þór, İstanbul ılık', 'oeuvre, aero, thor, istanbul ilik'],
    ['Σίσυφος', 'σισυφοσ'],
    ['ＦＵＬＬ　ｗｉｄｔｈ ﬁne ½', 'full width fine 1⁄2'],
    ['im\u00adpor\u00adtant zero\u200bwidth', 'important zerowidth'],
    ['٢٠٢٤ १२३ ๔๕', '2024 123 45'],
    ['مُحَمَّد مدرسة کتاب علی', 'محمد مدرسه كتاب علي'],
    ['שָׁלוֹם', 'שלום'],
    // Vowel signs of Indic scripts are letters.
    ['हिन्दी', 'हिन्दी'],
    ['ガギグ', 'ガギグ'],
  ])('%j is %j', (text, folded) => {
    expect(fold(text)).toBe(folded)
  })

  it('is in that form already, once it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = fold(text)
        expect(fold(once)).toBe(once)
      }),
      { numRuns: 1_000 },
    )
  })
})
