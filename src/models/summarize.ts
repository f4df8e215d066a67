/** What stands for a whole document without a model: how it opens, and the sentences that share most with the rest. */
import { stopWords, terms } from '../search/terms.ts'
import type { Quote } from './extract-passages.ts'
import type { PassagePart } from './render-passage.ts'
import { type Unit, unitsOf } from './units.ts'
import { createYield } from './yield-loop.ts'

const MAX_QUOTES = 3
const stops = new Set(stopWords.flatMap(terms))

interface Sentence {
  passage: PassagePart
  layout: 'prose' | 'lines'
  unit: Unit
  words: string[]
}

/** In the order of the document: its opening first. Several documents get their openings. */
export async function summarize(passages: PassagePart[], signal: AbortSignal): Promise<Quote[]> {
  const yieldLoop = createYield(signal)
  const sentences: Sentence[] = []
  const spread = new Map<string, number>()
  for (const passage of passages) {
    const { layout, units } = unitsOf(passage.text, passage.at.kind === 'rows')
    for (const unit of units) {
      const words = [...new Set(terms(unit.text))].filter((word) => !stops.has(word))
      for (const word of words) spread.set(word, (spread.get(word) ?? 0) + 1)
      sentences.push({ passage, layout, unit, words })
      await yieldLoop()
    }
  }
  const openings = [...Map.groupBy(sentences, ({ passage }) => passage.title).values()].flatMap(
    (of) => of.find(isFull) ?? of[0] ?? [],
  )
  const chosen = new Set(openings.slice(0, MAX_QUOTES))
  const central = sentences.filter(isFull).sort((a, b) => centrality(b, spread) - centrality(a, spread))
  for (const sentence of central) {
    if (chosen.size >= MAX_QUOTES) break
    if (![...chosen].some((other) => overlap(other, sentence) > 0.5)) chosen.add(sentence)
  }
  return sentences
    .filter((sentence) => chosen.has(sentence))
    .map(({ passage, layout, unit }) => ({ passage, layout, lines: [unit.text] }))
}

function isFull({ unit, layout, words }: Sentence): boolean {
  return layout === 'lines' || (!unit.heading && words.length >= 4 && unit.text.length < 500)
}

/** Shared words weigh by how many sentences share them; a long sentence gains nothing from its length alone. */
function centrality({ words }: Sentence, spread: Map<string, number>): number {
  const sum = words.reduce((total, word) => total + Math.log(spread.get(word) ?? 1), 0)
  return sum / (words.length + 6)
}

function overlap(a: Sentence, b: Sentence): number {
  const words = new Set(a.words)
  return b.words.filter((word) => words.has(word)).length / Math.max(1, Math.min(a.words.length, b.words.length))
}
