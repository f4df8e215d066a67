/**
 * How hard a question looks, from its words alone: what a strong model gains over a weak one on questions like it, as learned from
 * RouteLLM's public judgements (bench/train-difficulty.ts): a sum of weights.
 */
import weights from './difficulty-weights.json' with { type: 'json' }

/** What a question is judged by. */
export interface Features {
  /** Distinct words, by their stem. */
  words: Set<string>
  /** Logarithms of the length in characters and of the repeated words, each between 0 and 1. */
  length: number
  repeats: number
}

/** Longer texts are pasted ones: their length says nothing more about the question. */
const longest = 1_500
const mostRepeats = 120

export function featuresOf(text: string): Features {
  const words = new Set<string>()
  let all = 0
  for (const [word] of text.slice(0, 20_000).matchAll(/\p{L}+/gu)) {
    all += 1
    words.add(stemOf(word.toLowerCase()))
  }
  return {
    words,
    length: Math.log1p(Math.min(text.length, longest)) / Math.log1p(longest),
    repeats: Math.log1p(Math.min(all - words.size, mostRepeats)) / Math.log1p(mostRepeats),
  }
}

/** Without the commonest English endings. */
function stemOf(word: string): string {
  if (word.length <= 4) return word
  const ending = ['ing', 'ed', 'es', 's'].find((each) => word.endsWith(each) && word.length - each.length >= 3)
  return ending === undefined ? word : word.slice(0, -ending.length)
}

/** Each word counts less in a longer text, so that length has a weight of its own. */
export function wordShare(words: number): number {
  return 1 / Math.sqrt(Math.max(1, words))
}

const byWord = new Map(Object.entries(weights.words))

/** Expected gain of a strong model over a weak one, less that of the average question: about -0.2 to 0.4. */
export function expectedGain(text: string): number {
  const { words, length, repeats } = featuresOf(text)
  let sum = 0
  for (const word of words) sum += byWord.get(word) ?? 0
  return weights.base + weights.length * length + weights.repeats * repeats + sum * wordShare(words.size)
}
