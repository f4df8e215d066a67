import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { questionTerms, terms } from './terms.ts'

/** Whether a question for `asked` would find `text`: all its terms occur. */
function finds(asked: string, text: string): boolean {
  const there = new Set(terms(text))
  return terms(asked).every((term) => there.has(term))
}

describe('words of any language', () => {
  test.each([
    ['case and plural', 'Battery', 'Two batteries were ordered.'],
    ['an English form', 'order', 'They were ORDERED on Monday'],
    ['a German plural with its umlaut', 'Vertrag', 'die Verträge der Gesellschaft'],
    ['a missing diacritic', 'resiliacion resume', 'Résumé: resiliación anticipada'],
    ['sharp s', 'Strasse', 'in der langen Straße'],
    ['a ligature and full width', 'file ABC', 'ﬁle ＡＢＣ'],
    ['a Russian case', 'договор', 'условия договора'],
    ['a Spanish plural', 'factura', 'las facturas pendientes'],
    ['an Arabic article and vowel marks', 'عقد', 'شروط العَقْد'],
    ['Chinese without spaces', '违约金', '本合同约定的违约金为合同总额的百分之五。'],
    ['Japanese', '東京タワー', '高さは東京タワーと同じです'],
    ['Korean with a particle', '계약서', '계약서를 제출한다'],
    ['Thai', 'ประเทศไทย', 'สวัสดีครับประเทศไทย'],
    ['a French elision', 'entreprise', 'l’entreprise'],
    ['a possessive', 'company', "the company's seat"],
    ['a soft hyphen', 'Kündigungsfrist', 'Kündi\u00ADgungs\u00ADfrist'],
  ])('%s', (_, asked, text) => {
    expect(finds(asked, text)).toBe(true)
  })

  test('Indic vowel signs are letters and stay', () => {
    expect(terms('में')).not.toEqual(terms('म'))
  })
})

describe('numbers and identifiers', () => {
  test.each([
    ['a code', 'ERR-4711', 'failed with err-4711.'],
    ['a part of a code', '4711', 'failed with ERR-4711'],
    ['a section sign with and without a space', '§12', 'nach § 12 Abs. 3'],
    ['an address', 'anna.lee@example.com', 'Write to Anna.Lee@example.com!'],
    ['a part of an address', 'example', 'anna.lee@example.com'],
    ['a word of a name in code', 'output tokens', 'set maxOutputTokens'],
    ['a snake-case name', 'user_id', 'the column user_id holds'],
    ['a German amount', '1299', 'Preis: 1.299,00 €'],
    ['an English amount', '1.299,50', 'costs $1,299.50'],
    ['a Swiss amount', '1299', "CHF 1'299.00"],
    ['a version', '2.14.3', 'since v2.14.3 or 2.14.3'],
    ['the year of a date', '2024', 'on 15.03.2024'],
    ['Arabic digits', '12', 'المادة ١٢'],
    ['a language', 'C++', 'written in C++.'],
  ])('%s', (_, asked, text) => {
    expect(finds(asked, text)).toBe(true)
  })

  test('different numbers stay different', () => {
    expect(terms('1.5')).not.toEqual(terms('15'))
    expect(terms('12.50')).toEqual(terms('12.5'))
    expect(terms('C#')).not.toEqual(terms('C'))
  })
})

describe('questions', () => {
  test('words of grammar are left out, each language by itself', () => {
    expect(questionTerms('What is the notice period of the contract?')).toEqual(terms('notice period contract'))
    expect(questionTerms('Wie hoch ist die Vertragsstrafe?')).toEqual(terms('hoch Vertragsstrafe'))
    expect(questionTerms('What caused the war?')).toEqual(terms('caused war'))
  })

  test('a question of nothing but grammar keeps its words', () => {
    expect(questionTerms('who is it')).toEqual(['who', 'is', 'it'])
  })

  test('a repeated word counts once', () => {
    expect(questionTerms('price price PRICES')).toEqual(terms('price'))
  })
})

describe('whatever comes', () => {
  test('a megabyte without a border takes no longer than a megabyte of prose', () => {
    const runs = ['a', '汉', 'ก', '1', 'a-', 'e\u0301', '\u0301', '1,', 'aB', '§', "a'", 's', '\u0627', ' ', '\u200b']
    for (const run of runs) {
      const text = run.repeat(1_000_000 / run.length)
      expect(
        cpuTimeOf(() => terms(text)),
        JSON.stringify(run),
      ).toBeLessThan(10_000)
    }
  })

  test('terms are short, hold no control characters and are their own terms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const term of terms(text)) {
          expect(term).toMatch(/^[^\0-\x20]{1,140}$/u)
        }
      }),
    )
  })
})
