/**
 * One ranking of two: by words and by meaning. Scores of each, brought to 0 to 1 by the lowest and the highest of its list, are added by
 * weights: by ranks alone, a weak list would spoil a good one (docs/decisions/0058-embeddings-without-pgvector.md). Pure.
 */
import { keyOf, type PassageRef, type RankedPassage } from './passages.ts'
import { questionTerms, terms } from './terms.ts'

export interface NearPassage {
  ref: PassageRef
  similarity: number
}

export interface FusedPassage {
  ref: PassageRef
  score: number
  /** Absent: it was not found by words. */
  lexical: RankedPassage | undefined
  similarity: number | undefined
}

/** How much the nearness of meaning counts where words say little; the rest is for words. */
export const usualWeight = { encoder: 0.3, static: 0.15 }
/** Where the best passage has less of the question than this, the fewer words it has, the more the meaning leads. */
const poorWords = 0.2
const leadingWeight = 0.85
const keptPlaces = 3

export function fuse(
  question: string,
  lexical: readonly RankedPassage[],
  near: readonly NearPassage[],
  usual: number,
): FusedPassage[] {
  if (near.length === 0) return lexical.map((passage) => fused(passage, passage.score, passage, undefined))
  const best = Math.max(0, ...lexical.map(({ coverage = 1 }) => coverage))
  const weight = weightOf(best, usual)
  const words = scaled(lexical.map(({ score }) => score))
  const meaning = scaled(near.map(({ similarity }) => similarity))
  const found = new Map<string, FusedPassage>()
  for (const [at, passage] of lexical.entries())
    found.set(keyOf(passage), fused(passage, (1 - weight) * (words[at] ?? 0), passage, undefined))
  for (const [at, { ref, similarity }] of near.entries()) {
    const known = found.get(keyOf(ref))
    const score = (known?.score ?? 0) + weight * (meaning[at] ?? 0)
    found.set(keyOf(ref), fused(ref, score, known?.lexical, similarity))
  }
  const ranked = [...found.values()].sort((a, b) => b.score - a.score)
  return falling(withExact(question, ranked, lexical))
}

/** Where words say nearly all, meaning adds nearly nothing: a weak model then spoils nothing. */
function weightOf(coverage: number, usual: number): number {
  if (coverage >= poorWords) return usual * (1 - coverage)
  const most = Math.max(usual, leadingWeight)
  return most - (most - usual) * (coverage / poorWords)
}

function fused(
  { contentHash, engine, ordinal }: PassageRef,
  score: number,
  lexical: RankedPassage | undefined,
  similarity: number | undefined,
): FusedPassage {
  return { ref: { contentHash, engine, ordinal }, score, lexical, similarity }
}

function scaled(scores: readonly number[]): number[] {
  const least = Math.min(...scores)
  const most = Math.max(...scores)
  return scores.map((score) => (most === least ? 1 : (score - least) / (most - least)))
}

/** A passage among the first by words that has a number or a code of the question stays among the first. */
function withExact(question: string, ranked: FusedPassage[], lexical: readonly RankedPassage[]): FusedPassage[] {
  const codes = questionTerms(question).filter((term) => /\p{N}|[._@:#/§-]/u.test(term))
  if (codes.length === 0) return ranked
  const exact = new Set(
    lexical.slice(0, keptPlaces).flatMap((passage) => {
      const found = new Set(terms(passage.text))
      return codes.some((code) => found.has(code)) ? [keyOf(passage)] : []
    }),
  )
  const isExact = ({ ref }: FusedPassage) => exact.has(keyOf(ref))
  const others = ranked.filter((passage) => !isExact(passage)).slice(0, keptPlaces - exact.size)
  const first = new Set([...ranked.filter(isExact), ...others])
  return [...ranked.filter((passage) => first.has(passage)), ...ranked.filter((passage) => !first.has(passage))]
}

/** Scores that never rise along the ranking. */
function falling(ranked: readonly FusedPassage[]): FusedPassage[] {
  let least = 0
  return ranked
    .toReversed()
    .map((passage) => {
      least = Math.max(least, passage.score)
      return { ...passage, score: least }
    })
    .toReversed()
}
