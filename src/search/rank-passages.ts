/** Passages of a few pages by how well they fit a question: BM25 over Parley's own terms, in memory. */
import type { Passage, RankedPassage } from './passages.ts'
import { questionTerms, terms } from './terms.ts'

const K1 = 1.2
const B = 0.75
/** `Kündigung` also means `Kündigungsfrist`: as in the index of files (providers/postgres.ts). */
const BEGINNING_WEIGHT = 0.35
const MIN_BEGINNING = 5

/** Best first; a passage in which nothing of the question occurs has a score of 0 and keeps its order. */
export function rankPassages(question: string, passages: readonly Passage[]): RankedPassage[] {
  const asked = questionTerms(question)
  const texts = passages.map(({ text }) => {
    const counts = new Map<string, number>()
    const all = terms(text)
    for (const term of all) counts.set(term, (counts.get(term) ?? 0) + 1)
    return { counts, length: all.length }
  })
  const mean = Math.max(1, texts.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length))
  const scores = passages.map(() => 0)
  for (const term of asked) {
    const found = texts.map(({ counts }) => counts.get(term) ?? BEGINNING_WEIGHT * beginnings(term, counts))
    const holders = found.filter((count) => count > 0).length
    if (holders === 0) continue
    const idf = Math.log(1 + (passages.length - holders + 0.5) / (holders + 0.5))
    for (const [at, count] of found.entries()) {
      const norm = K1 * (1 - B + (B * (texts[at]?.length ?? 0)) / mean)
      scores[at] = (scores[at] ?? 0) + (count === 0 ? 0 : (idf * (K1 + 1) * count) / (count + norm))
    }
  }
  return passages.map((passage, at) => ({ ...passage, score: scores[at] ?? 0 })).toSorted((a, b) => b.score - a.score)
}

function beginnings(term: string, counts: ReadonlyMap<string, number>): number {
  if (term.length < MIN_BEGINNING) return 0
  let found = 0
  for (const [other, count] of counts) if (other.startsWith(term)) found += count
  return found
}
