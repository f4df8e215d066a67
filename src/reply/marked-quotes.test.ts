import { describe, expect, test } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { citation } from '../../test/fakes/source.ts'
import { findQuote, withQuotes } from './marked-quotes.ts'

const page = `Section 12. Term and termination
This agreement begins on 1 March 2026 and runs for two years. Either party may terminate it
with a notice period of three months to the end of a quarter. Notice must be given in writing.
The annual fee is 12,500.00 euros, payable in advance. Late payments bear interest of five
percent a year. The supplier keeps backups for 30 days.

Dr. Miller is the contact for questions about invoices. Deliveries are made to the main office.`

const quotes = (answer: string, text: string | undefined = page) =>
  withQuotes(answer, [citation(1), citation(2)], () => text).map(({ quote }) => quote)

describe('the sentence that bears a claim', () => {
  test.each([
    [
      'The notice period is three months.',
      'Either party may terminate it\nwith a notice period of three months to the end of a quarter.',
    ],
    ['Backups are kept for 30 days', 'The supplier keeps backups for 30 days.'],
    ['An annual fee of €12,500 is charged.', 'The annual fee is 12,500.00 euros, payable in advance.'],
    ['Questions on invoices go to Dr. Miller.', 'Dr. Miller is the contact for questions about invoices.'],
  ])('%s', (claim, quote) => {
    expect(findQuote(claim, page)).toBe(quote)
    expect(page).toContain(quote)
  })

  test('a claim that rests on two sentences gets both', () => {
    const quote = findQuote(
      'Notice of three months to the end of a quarter must be given in writing by either party.',
      page,
    )
    expect(quote).toMatch(/^Either party[\s\S]*in writing\.$/)
  })

  test('nothing where the page says nothing of it, or the claim has no words', () => {
    expect(findQuote('The moon is made of green cheese.', page)).toBeUndefined()
    expect(findQuote('The agreement covers maintenance of elevators in Berlin.', page)).toBeUndefined()
    expect(findQuote('', page)).toBeUndefined()
    expect(findQuote('Notice period', '')).toBeUndefined()
  })

  test('in Chinese', () => {
    const text =
      '第五条 付款。甲方应在收到发票后三十日内付款。第六条 违约责任。本合同约定的违约金为合同总额的百分之五。'
    expect(findQuote('违约金是合同总额的百分之五。', text)).toBe('本合同约定的违约金为合同总额的百分之五。')
  })

  test('in German, across a line', () => {
    const text =
      'Die Laufzeit beträgt zwei Jahre. Die Kündigungsfrist\nbeträgt nach Abs. 3 sechs Wochen. Es gilt deutsches Recht.'
    expect(findQuote('Die Kündigungsfrist ist sechs Wochen.', text)).toBe(
      'Die Kündigungsfrist\nbeträgt nach Abs. 3 sechs Wochen.',
    )
  })

  test('a page without sentences gives its line', () => {
    expect(findQuote('Bolts cost 0.35 euros', '- Nuts 0.20 euros\n- Bolts 0.35 euros\n- Washers 0.05 euros')).toContain(
      'Bolts 0.35 euros',
    )
  })
})

describe('quotes of an answer', () => {
  test('each citation is read with the sentence before it, whichever side of the full stop it stands', () => {
    expect(quotes('Backups are kept for 30 days [1]. The annual fee is 12,500 euros. [2]')).toEqual([
      'The supplier keeps backups for 30 days.',
      'The annual fee is 12,500.00 euros, payable in advance.',
    ])
  })

  test('a list item and a table row are read by themselves', () => {
    expect(quotes('- **Backups**: kept 30 days [1]\n- **Annual fee**: 12,500 euros [2]')).toEqual([
      'The supplier keeps backups for 30 days.',
      'The annual fee is 12,500.00 euros, payable in advance.',
    ])
    expect(quotes('| what | value |\n|---|---|\n| backups | 30 days [1] |\n| annual fee | 12,500 euros [2] |')).toEqual(
      ['The supplier keeps backups for 30 days.', 'The annual fee is 12,500.00 euros, payable in advance.'],
    )
  })

  test('words that the answer quotes win, as they stand in the source', () => {
    expect(quotes('On notice it says: “may terminate it with a notice period” [1].')[0]).toBe(
      'may terminate it\nwith a notice period',
    )
    expect(quotes('> Late payments bear interest of five percent a year. [1]')[0]).toBe(
      'Late payments bear interest of five\npercent a year.',
    )
    expect(quotes('It says:\n> Notice must be given in writing.\n[1]')[0]).toBe('Notice must be given in writing.')
  })

  test('a quotation that the source does not hold is no quote', () => {
    expect(quotes('It says “elephants are grey animals” [1].')[0]).toBeUndefined()
  })

  test('what cannot be told stays without a quote', () => {
    expect(quotes('See [1].')).toEqual([undefined, undefined])
    expect(withQuotes('Backups are kept [1].', [citation(1)], () => undefined)).toEqual([citation(1)])
    expect(quotes('```\nBackups are kept for 30 days [1]\n```')[0]).toBeUndefined()
  })

  test('hyphens at the end of a line do not hide a quotation', () => {
    expect(
      quotes(
        'It speaks of “a maintenance agreement of two years” [1].',
        'This is a mainte-\nnance agreement of\ntwo years.',
      )[0],
    ).toBe('a mainte-\nnance agreement of\ntwo years')
  })

  test('a huge page takes linear time', () => {
    for (const text of [
      `${page}\n`.repeat(2_000),
      'x'.repeat(300_000),
      'a.'.repeat(100_000),
      '\n '.repeat(100_000),
      '"'.repeat(100_000),
      '-\n'.repeat(100_000),
    ]) {
      const answer = 'Backups are kept for 30 days [1]. It says “may terminate it with notice” [2].'
      expect(cpuTimeOf(() => quotes(answer, text))).toBeLessThan(10_000)
    }
  })
})
