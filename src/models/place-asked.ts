/** "What does page 3 say?", "the last slide": the place of a file that a question names. */

import { fold } from '../core/text/compare.ts'
import { pageWord } from '../core/text/page-word.ts'
import type { PassagePart } from './render-passage.ts'

const ordinals: [words: string, place: number][] = [
  [String.raw`first|erste\p{L}?|premi[eè]re?|primer[ao]?|primeir[ao]|prim[ao]|перв\p{L}+|第一|最初|(?:ال)?أول[ىي]?`, 1],
  [String.raw`second[ao]?|zweite\p{L}?|deuxi[eè]me|segund[ao]|втор\p{L}+|第二|(?:ال)?ثاني[ةه]?`, 2],
  [String.raw`third|dritte\p{L}?|troisi[eè]me|tercer[ao]?|terceir[ao]|terz[ao]|трет\p{L}+|第三|(?:ال)?ثالث[ةه]?`, 3],
  [String.raw`last|final|letzte\p{L}?|derni[eè]re?|[úu]ltim[ao]|последн\p{L}+|最[后後]|آخر|(?:ال)?أخير[ةه]?`, -1],
]
const number = String.raw`(?<number>\p{Nd}{1,4})`
const word = (words: string) => String.raw`(?<!\p{L})(?:${words})`

const named: { form: RegExp; place?: number }[] = [
  {
    form: new RegExp(
      String.raw`${word(pageWord)}\s*(?:no\.?|nr\.?|#|№)?\s*${number}(?![\p{Nd}\p{L}]|[.,:/–-]\p{Nd})`,
      'iu',
    ),
  },
  {
    form: new RegExp(
      String.raw`(?<!\p{Nd})${number}(?:st|nd|rd|th|\.|[eaª]|º|[eè]me|-\p{L}+)\s+${pageWord}(?!\p{L})`,
      'iu',
    ),
  },
  { form: new RegExp(String.raw`第?\s*${number}\s*(?:ページ|页|頁|枚目|張)`, 'u') },
  ...ordinals.flatMap(([words, place]) => [
    { form: new RegExp(String.raw`${word(words)}の?\s*${pageWord}(?!\p{L})`, 'iu'), place },
    { form: new RegExp(String.raw`${word(pageWord)}\s+(?:${words})(?!\p{L})`, 'iu'), place },
  ]),
]

/** The passages of the page or slide that the question names, and the rest of the question. */
export function placeAsked(
  question: string,
  passages: PassagePart[],
): { question: string; passages: PassagePart[] } | undefined {
  const last = Math.max(0, ...passages.map((passage) => pageOf(passage) ?? 0))
  for (const { form, place } of named) {
    const match = form.exec(question)
    if (match === null) continue
    const page = place ?? Number(fold(match.groups?.number ?? ''))
    const there = passages.filter((passage) => pageOf(passage) === (page < 0 ? last : page))
    if (there.length > 0) return { question: question.replace(match[0], ' '), passages: there }
  }
  return undefined
}

function pageOf({ at }: PassagePart): number | undefined {
  return at.kind === 'page' ? at.page : at.kind === 'slide' ? at.slide : undefined
}
