/** Answers by quotation on questions that people wrote: how often the first quote, and any, holds the answer. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Part } from '../../src/models/model.ts'
import { answerByQuoting, quotesOf } from './quoting.ts'

const folder = new URL('../../../shared/data/xquad/', import.meta.url)
const missing = existsSync(folder) ? '' : ' (skipped: no copy of XQuAD in ../shared/data)'

interface Article {
  paragraphs: { context: string; qas: { question: string; answers: { text: string }[] }[] }[]
}

/** Every fourth question of a language, asked of its article and of another one. */
async function measure(language: string) {
  const { data }: { data: Article[] } = JSON.parse(readFileSync(new URL(`xquad.${language}.json`, folder), 'utf8'))
  const documents = data.map(({ paragraphs }) =>
    paragraphs.map(({ context }, at): Part => {
      const page = at + 1
      return { type: 'passage', source: `1:p${page}`, title: 'document.pdf', at: { kind: 'page', page }, text: context }
    }),
  )
  const asked = data
    .flatMap(({ paragraphs }, at) => paragraphs.flatMap(({ qas }) => qas.map((qa) => ({ ...qa, at }))))
    .filter((_, at) => at % 4 === 0)
  const sum = { first: 0, any: 0, refused: 0 }
  for (const { question, answers, at } of asked) {
    const wanted = answers.map(({ text }) => text.replaceAll(/\s+/g, ' ').trim())
    const quotes = quotesOf(await answerByQuoting(documents[at] ?? [], question))
    const holds = (quote = '') => wanted.some((words) => quote.includes(words))
    const others = quotesOf(await answerByQuoting(documents[(at + 7) % documents.length] ?? [], question))
    if (holds(quotes[0])) sum.first += 1
    if (quotes.some(holds)) sum.any += 1
    if (others.length === 0) sum.refused += 1
  }
  const share = (count: number) => count / asked.length
  return { first: share(sum.first), any: share(sum.any), refused: share(sum.refused) }
}

it.skipIf(missing !== '').each([
  ['en', { first: 0.82, any: 0.91, refused: 0.9 }],
  ['de', { first: 0.77, any: 0.86, refused: 0.9 }],
  ['es', { first: 0.8, any: 0.87, refused: 0.85 }],
  ['ru', { first: 0.79, any: 0.87, refused: 0.92 }],
  ['ar', { first: 0.73, any: 0.83, refused: 0.91 }],
  ['zh', { first: 0.78, any: 0.84, refused: 0.95 }],
  ['tr', { first: 0.74, any: 0.82, refused: 0.94 }],
  ['hi', { first: 0.7, any: 0.85, refused: 0.69 }],
  ['th', { first: 0.86, any: 0.92, refused: 0.28 }],
])(`quotes the answer, and nothing of another article: %s${missing}`, async (language, least) => {
  const shares = await measure(language)
  for (const [what, share] of Object.entries(least))
    expect(shares, what).toHaveProperty(
      what,
      expect.toSatisfy((value: number) => value >= share),
    )
})
