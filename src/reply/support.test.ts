import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sentenceSpans } from '../core/text/sentences.ts'
import { type Evidence, joined, knownText, supports } from './support.ts'

const evidence = (near: string, rest = ''): Evidence => {
  const here = knownText(near)
  return { near: here, all: joined([here, knownText(rest)]) }
}

const report =
  'In 2024, revenue grew by 14 percent to 1,250,000 euros, and the staff grew from 20 to 25 people. "Nobody expected so fast a recovery of the whole market," said the director.'
const german =
  'Die Miete beträgt 1.250,50 Euro im Monat. Die Kündigungsfrist beträgt 90 Tage, und sie beginnt am 15.03.2024 um 10:30 Uhr.'

describe('a citation is kept where its source', () => {
  test.each([
    ['says it', report, 'Revenue grew by 14 percent in 2024'],
    ['says it in another language', report, 'Der Umsatz stieg um 14 %'],
    ['has other words for a number', report, 'Revenue reached 1.25 million euros'],
    ['has the number of which the claim has a rounded one', report, 'Revenue reached about 1.3 million euros'],
    ['has the numbers of which the claim is the difference', report, 'The staff grew by 5 people, or 25 percent'],
    ['groups digits as its language does', german, 'The rent is €1,250.50 a month'],
    [
      'writes a date and a time in another way',
      german,
      'Ab dem 15. März 2024 um 10.30 Uhr gilt eine Frist von 90 Tagen',
    ],
    [
      'says it in words',
      'The contract ends after twelve months, and a deposit of 3 percent is due.',
      'It runs 12 months',
    ],
    [
      'says a century in words',
      'It was built in the nineteenth century by the canons of the town.',
      'Es entstand im 19. Jahrhundert',
    ],
    [
      'has the words that are quoted',
      report,
      'The director said: "nobody expected so fast a recovery of the whole market"',
    ],
    ['is only named by its page', report, 'On page 137 the report speaks of 14 percent'],
    ['shares no word with a short claim', report, 'Business was good'],
    [
      'is in a language that shares no word with the claim',
      report,
      'El negocio fue muy bueno para toda la empresa durante ese año',
    ],
  ])('%s', (_, near, claim) => {
    expect(supports(evidence(near), claim)).toBe(true)
  })

  test('names the number elsewhere, or the question does', () => {
    const claim = 'For 250 units the discount is 30 percent'
    expect(supports(evidence('The discount is 10 percent for fewer than 100 units.'), claim)).toBe(false)
    expect(
      supports(evidence('The discount is 10 percent for fewer than 100 units.', '250 units: 30 percent'), claim),
    ).toBe(true)
  })
})

describe('a citation is removed where its source', () => {
  test.each([
    ['has another number of the same kind', report, 'Revenue grew by 31 percent'],
    ['has another number, and the claim is in German', report, 'Der Umsatz stieg um 31 %'],
    ['has another amount', german, 'The rent is €1,475 a month'],
    ['has another number of days', german, 'Die Kündigungsfrist beträgt 30 Tage'],
    [
      'has another number, in Spanish',
      'El contrato dura 36 meses y la fianza es del 15 por ciento.',
      'La fianza es del 40 %',
    ],
    [
      'has another number, in Russian',
      'Выручка выросла на 14 процентов, а расходы на 9 процентов.',
      'Выручка выросла на 35 процентов',
    ],
    [
      'has another number, in Chinese',
      '该公司收入增长了百分之多少没有说明，员工为 250 人，办公室面积为 900 平方米。',
      '公司有 730 人',
    ],
    [
      'has no such number',
      'The bridge crosses the river near the old town and is open to cars.',
      'The bridge is 340 metres long',
    ],
    [
      'does not have the words that are quoted',
      report,
      'The director said that "the company will have to close both of its factories in spring"',
    ],
    [
      'is about something else',
      'The recipe is for a cake with apples and cinnamon, and it is easy to make.',
      'The tenant pays the heating costs and the insurance of the building',
    ],
    [
      'is about something else, in German',
      'Das Rezept ist für einen Kuchen mit Äpfeln und Zimt, und es ist leicht.',
      'Der Mieter trägt die Heizkosten und die Versicherung des Gebäudes',
    ],
  ])('%s', (_, near, claim) => {
    expect(supports(evidence(near), claim)).toBe(false)
  })
})

const folder = new URL('../../../shared/data/xquad/', import.meta.url)
const here = existsSync(new URL('xquad.en.json', folder))
const Data = z.object({
  data: z.array(
    z.object({
      paragraphs: z.array(
        z.object({
          context: z.string(),
          qas: z.array(z.object({ answers: z.array(z.object({ text: z.string(), answer_start: z.number() })) })),
        }),
      ),
    }),
  ),
})

describe.skipIf(!here)(here ? 'sentences of XQuAD' : 'sentences of XQuAD (skipped: ../shared/data is absent)', () => {
  const languages = ['en', 'de', 'es', 'zh'] as const
  const every = 3
  const texts = new Map(
    languages.map((language) => [
      language,
      Data.parse(JSON.parse(readFileSync(new URL(`xquad.${language}.json`, folder), 'utf8')))
        .data.flatMap(({ paragraphs }) => paragraphs)
        .filter((_, at) => at % every === 0)
        .map(({ context, qas }) => ({
          source: evidence(context),
          // The sentences in which the answers are.
          claims: qas.flatMap(({ answers: [answer] }) => {
            const at = answer?.answer_start ?? 0
            const span = sentenceSpans(context).find(({ from, to }) => at >= from && at < to)
            return span === undefined ? [] : [context.slice(span.from, span.to)]
          }),
        })),
    ]),
  )
  const of = (language: (typeof languages)[number]) => texts.get(language) ?? []

  test('keep their citations, also where the source is a translation', () => {
    for (const language of languages)
      for (const other of languages) {
        const removed = of(language).flatMap(({ claims }, at) =>
          claims.filter(
            (claim) => of(other)[at] !== undefined && !supports(of(other)[at]?.source ?? evidence(''), claim),
          ),
        )
        expect(removed, `${language} from ${other}`).toEqual([])
      }
  })

  test('lose them where another number stands in them, and where another text is cited', () => {
    const all = of('en').flatMap(({ claims, source }, at) => claims.map((claim) => ({ claim, source, at })))
    const wrong = all.flatMap(({ claim, source }) => {
      const other = claim.replace(/(?<![\d.,])\d{2}(?= (?:percent|[a-z]{4,}))/, (number) => String(Number(number) + 17))
      return other === claim ? [] : [!supports(source, other)]
    })
    expect(wrong.length).toBeGreaterThan(10)
    expect(wrong.filter(Boolean).length / wrong.length).toBeGreaterThan(0.4)
    const elsewhere = all.map(
      ({ claim, at }) => !supports(of('en')[(at + 31) % of('en').length]?.source ?? evidence(''), claim),
    )
    expect(elsewhere.filter(Boolean).length / elsewhere.length).toBeGreaterThan(0.5)
  })
})
