/**
 * Which words of the passages answer a question best, without a model: passages by the rare terms they share with it, then
 * sentences and rows by terms and by what stands beside or above them with the rest. The ranking
 * depends on no language. Without a question: how each document opens, and the sentences that share most with the rest.
 */

import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { stopWords, subjectTerms, terms } from '../search/terms.ts'
import { placeAsked } from './place-asked.ts'
import type { PassagePart } from './render-passage.ts'
import { createMatcher, type Matcher, matchText, rarity, type Unit, unitsOf, weigh } from './units.ts'

export interface Quote {
  passage: PassagePart
  layout: 'prose' | 'lines'
  /** Verbatim lines of the passage; in prose, one for each paragraph quoted from. */
  lines: string[]
}

const MAX_QUOTES = 3
/** Passages whose sentences are looked at. */
const MAX_PASSAGES = 16
const MAX_QUOTE = 700
/** A whole text that is quoted, in characters. */
const MAX_WHOLE = 1_500
/** What may be quoted around what answers, in characters. */
const MAX_CONTEXT = 240
/** The share of the question, by the rarity of its terms, that a quote has to meet: one unknown word of two may miss. */
const ENOUGH = 0.36
/** The same for a short text in one place, which is otherwise quoted whole. */
const SURE = 0.8
/** Tokens of a short text. */
const SHORT = 200
/** Where no single quote covers enough of the question, the share that several must cover together. */
const SEVERAL = 0.5
/** The share that another quote has to add. */
const MORE = 0.12
const NEARLY = 0.57

interface Candidate {
  passage: PassagePart
  units: Unit[]
  at: number
  unit: Unit
  match: Float64Array
  score: number
  coverage: number
}

export interface Quotes {
  quotes: Quote[]
  /** Nothing was chosen: the text is short enough to be quoted whole. */
  whole: boolean
}

/**
 * Best first, at most three; none when nothing fits. A question for the whole, or none, gets what is central; a question about
 * one page gets that page; a short text is quoted whole unless one place of it clearly answers.
 */
export async function chooseQuotes(question: string, passages: PassagePart[], signal: AbortSignal): Promise<Quotes> {
  const asked = placeAsked(question, passages)
  if (question.trim() === '' || asksForWhole.test(question)) {
    return { quotes: await summarize(asked?.passages ?? passages, signal), whole: false }
  }
  if (asked !== undefined) {
    const { question: rest, passages: there } = asked
    const found = subjectTerms(rest).length === 0 ? [] : await rank(rest, there, ENOUGH, signal)
    return { quotes: found.length > 0 ? found : quoteWhole(there), whole: false }
  }
  const short = tokensOf(passages) <= SHORT
  const quotes = await rank(question, passages, short && passages.length === 1 ? SURE : ENOUGH, signal)
  if (quotes.length > 0) return { quotes, whole: false }
  const small = smallSources(passages)
  return { quotes: quoteWhole(small), whole: small.length > 0 }
}

/** The passages of files that are short enough to be quoted whole: better than to say nothing. */
function smallSources(passages: PassagePart[]): PassagePart[] {
  const bySource = Map.groupBy(passages, ({ source }) => source.split(':', 1)[0])
  return [...bySource.values()].flatMap((of) => (tokensOf(of) <= SHORT ? of : []))
}

const tokensOf = (passages: PassagePart[]) => estimateTokens(passages.map(({ text }) => text).join('\n'))

async function rank(question: string, passages: PassagePart[], enough: number, signal: AbortSignal): Promise<Quote[]> {
  const yieldLoop = createYield(signal)
  const matcher = createMatcher(question)
  const matches: Float64Array[] = []
  const titles = new Map<string, Float64Array>()
  for (const { title, text } of passages) {
    const named = titles.get(title) ?? matcher.match(title)
    titles.set(title, named)
    matches.push(matchText(matcher, text).map((weight, term) => Math.max(weight, named[term] ?? 0)))
    await yieldLoop()
  }
  const idf = rarity(matches, matcher.count)
  const best = passages
    .map((passage, index) => ({ passage, score: weigh(matches[index] ?? new Float64Array(), idf) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_PASSAGES)

  const all: Candidate[] = []
  for (const { passage } of best) {
    const units = unitsOf(passage)
    for (const [at, unit] of units.entries()) {
      all.push({ passage, units, at, unit, match: matchText(matcher, unit.text), score: 0, coverage: 0 })
    }
    await yieldLoop()
  }
  const scale = score(all, matcher)
  return pick(all, scale, enough, /[,;、，]|\b(?:and|und|et|y|e|en)\b|和|及/i.test(question))
}

/** As much of the passages as is readable, from their beginning. */
function quoteWhole(passages: PassagePart[]): Quote[] {
  let room = MAX_WHOLE
  return passages.flatMap((passage) => {
    const units = unitsOf(passage)
    const taken = units.filter(({ text }) => {
      room -= text.length
      return room > 0
    })
    return taken.length === 0 ? [] : quoteUnits(passage, taken)
  })
}

const asksForWhole = new RegExp(
  [
    /\bsummari[sz]|\b(?:a|give|write|want|need|short|brief|quick) (?:\w+ )?summary\b|^\W*summary\W*$|overview|tl;?dr|\bgist\b/,
    /\b(?:key|main) (?:points|takeaways|findings|ideas?)\b/,
    /what(?:'s| is| are)? (?:this|the|it|these|that)(?: \w+)? (?:all )?about\W*$|what does (?:this|the|it)(?: \w+)? say\W*$/,
    /what(?:'s| is) in (?:this|the|it)(?: \w+)?\W*$/,
    /zusammenfass|\bfasse?\b.*zusammen|überblick|worum geht/,
    /\brésume[rz]?\b|\brésumé d|\bresum(?:en|ir|a|o)\b|riassu|总结|摘要|概括|概述|要約/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
)

interface Scale {
  idf: Float64Array
  /** What meeting the whole question weighs. */
  whole: number
}

/** Fills in `score` and `coverage`. */
function score(all: Candidate[], matcher: Matcher): Scale {
  const idf = rarity(
    all.map(({ match }) => match),
    matcher.count,
  )
  const present = idf.map((_, term) => (all.some(({ match }) => (match[term] ?? 0) > 0) ? 1 : 0))
  const rarest = Math.max(...idf.filter((_, term) => present[term] === 1))
  // A term that occurs nowhere still counts against every answer.
  const whole = idf.reduce((sum, value, term) => {
    if (present[term]) return sum + value
    return sum + (matcher.paired[term] ? 0.3 : 0.6) * rarest
  }, 0)

  for (const [index, candidate] of all.entries()) {
    const own = weigh(candidate.match, idf)
    if (own === 0) continue
    const around = neighbours(all, index).map(({ match }) => match)
    const help = candidate.match.reduce((sum, weight, term) => {
      const near = Math.max(0, ...around.map((match) => match[term] ?? 0))
      return sum + Math.max(0, near - weight) * (idf[term] ?? 0)
    }, 0)
    candidate.coverage = (own + 0.5 * help) / whole
    candidate.score = (own + 0.35 * help) * (0.5 + 0.5 * candidate.coverage) * (candidate.unit.heading ? 0.55 : 1)
  }
  return { idf, whole }
}

/** What stands beside it in the same passage, and what names it; for a row only what names it. */
function neighbours(all: Candidate[], index: number): Candidate[] {
  const self = all[index]
  if (self === undefined) return []
  const { unit, at, passage } = self
  const beside = unit.layout === 'lines' && unit.names.length > 0 ? [] : [index - 1, index + 1]
  const near = [...beside, ...unit.names.map((name) => index - at + name)]
  return near.flatMap((i) => all[i] ?? []).filter((other) => other !== self && other.passage === passage)
}

/** The best, and up to two more: nearly as good, or for what else a question asks that has `listed` several things. */
function pick(all: Candidate[], { idf, whole }: Scale, enough: number, listed: boolean): Quote[] {
  const ranked = all.filter((candidate) => candidate.score > 0).sort((a, b) => b.score - a.score)
  const first = ranked[0]
  if (first === undefined) return []
  const chosen: { candidate: Candidate; quote: Quote; places: string[]; words: string }[] = []
  const met = new Float64Array(idf.length)
  const gain = ({ match }: Candidate) =>
    weigh(
      match.map((weight, term) => Math.max(0, weight - (met[term] ?? 0))),
      idf,
    ) / whole

  function choose(candidate: Candidate): boolean {
    const quoted = extent(candidate)
    // Rows of one table share their heading.
    const own = quoted.filter((at) => candidate.unit.layout === 'prose' || !candidate.unit.names.includes(at))
    const places = own.map((at) => `${candidate.passage.source} ${at}`)
    const quote = quoteUnits(
      candidate.passage,
      quoted.flatMap((at) => candidate.units[at] ?? []),
    )
    const words = quote.lines.join(' ').toLowerCase()
    if (chosen.some((other) => other.words === words || other.places.some((place) => places.includes(place))))
      return false
    chosen.push({ candidate, quote, places, words })
    for (const [term, weight] of candidate.match.entries()) met[term] = Math.max(met[term] ?? 0, weight)
    return true
  }

  choose(first)
  // A question for several things has its answers in several places.
  while (first.coverage < (listed ? SEVERAL : ENOUGH) && chosen.length < MAX_QUOTES) {
    const more = ranked
      .filter((candidate) => gain(candidate) >= MORE)
      .sort((a, b) => gain(b) * b.score - gain(a) * a.score)
    if (!more.some(choose)) break
  }
  if (first.coverage < enough && weigh(met, idf) / whole < Math.max(enough, SEVERAL)) return []
  for (const candidate of ranked) {
    if (chosen.length === MAX_QUOTES || candidate.score < first.score * NEARLY) break
    if (candidate.coverage >= ENOUGH) choose(candidate)
  }
  return chosen.map(({ quote }) => quote)
}

/** Which units a quote needs to be understood, by their place: with a heading what follows it, with a row its column names. */
function extent({ units, at, unit }: Candidate): number[] {
  const textLength = (of: number[]) => of.reduce((sum, i) => sum + (units[i]?.text.length ?? 0), 0)
  if (unit.layout === 'lines') {
    if (unit.names.length === 0) return range(at - 1, at + 3).filter((of) => units[of]?.layout === 'lines')
    const needsNext = isLabelRow(unit.text) && units[at + 1]?.layout === 'lines'
    return [...unit.names, at, ...(needsNext ? [at + 1] : [])]
  }
  const above = unit.names[0] ?? (/[:：]$/.test(units[at - 1]?.text ?? '') ? at - 1 : at)
  const between = range(above + 1, at - 1)
  // A form's fields stand between it and its heading; sentences do not need theirs.
  const close = between.every((of) => !endsSentence(units[of]?.text ?? '')) && textLength(between) <= MAX_CONTEXT / 2
  const from = close && textLength([above]) < 120 ? above : at
  let to = at
  while (units[to + 1] !== undefined) {
    const open = units[to]?.heading || /[?？:：]$/.test(units[to]?.text ?? '')
    const more = unit.heading && !units[to + 1]?.heading && textLength(range(at, to + 1)) <= MAX_CONTEXT
    if (!open && !more) break
    to += 1
    if (textLength(range(at, to)) > MAX_CONTEXT) break
  }
  return range(from, to)
}

/** `Total income |  | `, whose value is in the next row. */
function isLabelRow(text: string): boolean {
  const cells = text.replace(/^\d+ \|/, '').split('|')
  return cells.length > 1 && cells.filter((cell) => cell.trim() !== '').length === 1
}

const endsSentence = (text: string) => /[.!?。！？]["'”’»)]*$/.test(text)

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}

function quoteUnits(passage: PassagePart, units: Unit[]): Quote {
  const layout = units.some((unit) => unit.layout === 'lines') ? 'lines' : 'prose'
  const lines: string[] = []
  let paragraph: number | undefined
  for (const { text, ...unit } of units) {
    if (unit.layout === 'prose' && unit.paragraph === paragraph) lines.push(`${lines.pop()} ${text}`)
    else lines.push(...text.split('\n'))
    paragraph = unit.paragraph
  }
  return { passage, layout, lines: lines.map(clip) }
}

function clip(text: string): string {
  if (text.length <= MAX_QUOTE) return text
  return `${text.slice(0, MAX_QUOTE).replace(/\s+\S*$/, '')} …`
}

const stops = new Set(stopWords.flatMap(terms))

interface Sentence {
  passage: PassagePart
  unit: Unit
  words: string[]
}

/** In the order of the document: its opening first. Several documents get their openings. */
async function summarize(passages: PassagePart[], signal: AbortSignal): Promise<Quote[]> {
  const yieldLoop = createYield(signal)
  const sentences: Sentence[] = []
  const spread = new Map<string, number>()
  for (const passage of passages) {
    for (const unit of unitsOf(passage)) {
      const words = [...new Set(terms(unit.text))].filter((word) => !stops.has(word))
      for (const word of words) spread.set(word, (spread.get(word) ?? 0) + 1)
      sentences.push({ passage, unit, words })
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
    .map(({ passage, unit }) => ({ passage, layout: unit.layout, lines: unit.text.split('\n') }))
}

function isFull({ unit, words }: Sentence): boolean {
  return unit.layout === 'lines' || (!unit.heading && words.length >= 4 && unit.text.length < 500)
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

/** Long computations in small steps: awaited after each, it lets other work of the process run every few milliseconds. */
function createYield(signal: AbortSignal, everyMs = 8): () => Promise<void> {
  let from = performance.now()
  return async function yieldLoop() {
    if (performance.now() - from < everyMs) return
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    from = performance.now()
  }
}
