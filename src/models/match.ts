/** How well texts meet a question: which of its terms occur, exactly or as a relative, and how rare they are. */
import { fold } from '../core/text/compare.ts'
import { questionTerms, terms } from '../search/terms.ts'

export interface Matcher {
  /** For each term of the question, from 0 to 1, how well the text has it. */
  match(text: string): Float64Array
  count: number
  /** Pairs of characters: a question has some that only join its words, so a missing one says less. */
  paired: boolean[]
}

const RELATED = 0.65
/** Another ending that the stems did not know. */
const ENDING = 0.9
const pairedTerm =
  /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u

export function createMatcher(question: string): Matcher {
  const wantedTerms = questionTerms(question)
  const known = new Map<string, [index: number, weight: number][]>()

  function lookUp(term: string): [number, number][] {
    const hits: [number, number][] = []
    for (const [index, wanted] of wantedTerms.entries()) {
      const weight = wanted === term ? 1 : related(wanted, term)
      if (weight > 0) hits.push([index, weight])
    }
    known.set(term, hits)
    return hits
  }

  const probes = wantedTerms.some((term) => /^\d.{3}/.test(term)) ? undefined : wantedTerms.flatMap(probesOf)

  return {
    count: wantedTerms.length,
    paired: wantedTerms.map((term) => pairedTerm.test(term)),
    match(text) {
      const best = new Float64Array(wantedTerms.length)
      if (!mayMatch(text, probes)) return best
      for (const term of terms(text)) {
        const hits = known.get(term) ?? lookUp(term)
        for (const [index, weight] of hits) if (weight > (best[index] ?? 0)) best[index] = weight
      }
      return best
    },
  }
}

/**
 * Most texts share not even the beginning or the end of a word with the question; that is found out many times faster
 * than their terms. Without probes (a number may be written in many ways) every text is looked at in full.
 */
function mayMatch(text: string, probes: string[] | undefined): boolean {
  if (probes === undefined) return true
  const plain = fold(text)
  return probes.some((probe) => plain.includes(probe))
}

function probesOf(term: string): string[] {
  return term.length < 8 ? [term.slice(0, 4)] : [term.slice(0, 4), term.slice(-5)]
}

/** `hund` and `hunde`, `terminat` and `termination`, `frist` and `kundigungsfrist`: one word holds the other, or most of it. */
function related(a: string, b: string): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (short.length < 4 || /\d/.test(short)) return 0
  if (long.length - short.length <= 2 && long.startsWith(short)) return ENDING
  if (short.length < 5) return 0
  if (long.startsWith(short)) return RELATED
  if (long.endsWith(short)) return short.length >= long.length * 0.3 ? RELATED : 0
  let same = 0
  while (same < short.length && short[same] === long[same]) same++
  return same >= Math.max(5, short.length * 0.75) ? RELATED : 0
}

/** Rarity of each term over a collection: high for what few texts have. */
export function rarity(matches: Float64Array[], count: number): Float64Array {
  const idf = new Float64Array(count)
  for (let term = 0; term < count; term++) {
    const having = matches.filter((match) => (match[term] ?? 0) > 0).length
    idf[term] = Math.log(1 + (matches.length - having + 0.5) / (having + 0.5))
  }
  return idf
}

export function weigh(match: Float64Array, idf: Float64Array): number {
  return match.reduce((sum, weight, term) => sum + weight * (idf[term] ?? 0), 0)
}
