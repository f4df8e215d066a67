/**
 * Which words of the passages answer a question best, without a model: passages by the rare terms they share with it, then
 * sentences by terms, by neighbors that hold the rest, and by whether they have the kind of thing asked for. Without a
 * question: how each document opens, and the sentences that share most with the rest.
 */

import { stopWords, terms } from '../search/terms.ts'
import type { PassagePart } from './render-passage.ts'
import { createMatcher, type Matcher, rarity, type Unit, type Units, unitsOf, weigh } from './units.ts'

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
/** The share of the question, by the rarity of its terms, that a quote has to meet: one unknown word of two may miss. */
const ENOUGH = 0.36
/** Where no single quote covers enough of the question, the share that several must cover together. */
const SEVERAL = 0.5
/** The share that another quote has to add. */
const MORE = 0.12
const NEARLY = 0.62

interface Candidate extends Units {
  passage: PassagePart
  at: number
  unit: Unit
  match: Float64Array
  score: number
  coverage: number
}

/** Best first, at most three; none when nothing fits. A question for the whole, or none, gets what is central. */
export async function chooseQuotes(question: string, passages: PassagePart[], signal: AbortSignal): Promise<Quote[]> {
  if (question.trim() === '' || asksForWhole.test(question)) return await summarize(passages, signal)
  const yieldLoop = createYield(signal)
  const matcher = createMatcher(question)
  const matches: Float64Array[] = []
  const titles = new Map<string, Float64Array>()
  for (const { title, text } of passages) {
    const named = titles.get(title) ?? matcher.match(title)
    titles.set(title, named)
    matches.push(matcher.match(text).map((weight, term) => Math.max(weight, named[term] ?? 0)))
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
    const cut = unitsOf(passage.text, passage.at.kind === 'rows')
    for (const [at, unit] of cut.units.entries()) {
      all.push({ ...cut, passage, at, unit, match: matcher.match(unit.text), score: 0, coverage: 0 })
    }
    await yieldLoop()
  }
  const scale = score(all, matcher, question)
  return pick(all, scale, /[,;、，]|\b(?:and|und|et|y|e|en)\b|和|及/i.test(question))
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

/** What a question of this form wants to find in its answer. */
const kinds: { asks: RegExp; wants: RegExp }[] = [
  {
    asks: /\bhow (?:many|much|long|often|large|big|high|fast|old|far)\b|\bwie ?(?:viele?|lange|oft|hoch|gross|groß|schnell|weit)\b|combien|cuánt|quant[oie]\b|多少|几|多长|多久|多大|いくつ|いくら|\bwhat (?:\w+ ){0,2}(?:percentage|amount|price|number|rate|cost|limit|total|deadline|fee|salary|temperature|size)\b/i,
    wants:
      /\p{Nd}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty|ninety|hundred|thousand)\b|\b(?:eine?[mnr]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf|dreißig)\b|[一二三四五六七八九十百千万两]/iu,
  },
  {
    asks: /\bwhen\b|\bwhat (?:date|day|year|time)\b|\bwann\b|quand\b|cuándo|quando\b|何时|什么时候|哪年|哪天|いつ/i,
    wants:
      /\b(?:19|20)\d\d\b|\d[:./-]\d|\d+ ?(?:days?|weeks?|months?|years?|hours?|am|pm|Uhr|Tagen?|Wochen|Monaten?)\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)[a-z]*\.? ?\d|\d\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)|\d ?[年月日]|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day/i,
  },
  {
    asks: /\bhow (?:much|expensive)\b.*|\b(?:cost|price|fee|salary|kostet|kosten|preis)\b|多少钱|费用|价格/i,
    wants: /[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|dollars?|euros?)\b|元/i,
  },
  {
    asks: /^\W*who\b|\bwho (?:is|was|are|has|wrote|signed)\b|\bwer\b|\bqui\b|quién|\bchi\b|谁|だれ|誰/i,
    wants: /\p{Lu}\p{Ll}+ (?:\p{Lu}\. ?)?\p{Lu}\p{Ll}+|@/u,
  },
  {
    asks: /\bwhy\b|\bwarum\b|pourquoi|por qué|perché|为什么|なぜ/i,
    wants: /\bbecause|due to|reason|since|caused?\b|\bweil\b|wegen|grund|parce|porque|因为|由于|原因/i,
  },
]

interface Scale {
  idf: Float64Array
  /** What meeting the whole question weighs. */
  whole: number
}

/** Fills in `score` and `coverage`. */
function score(all: Candidate[], matcher: Matcher, question: string): Scale {
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
  const wanted = kinds.filter(({ asks }) => asks.test(question)).map(({ wants }) => wants)

  for (const [index, candidate] of all.entries()) {
    const own = weigh(candidate.match, idf)
    if (own === 0) continue
    const around = neighbours(all, index).map(({ match }) => match)
    const help = candidate.match.reduce((sum, weight, term) => {
      const near = Math.max(0, ...around.map((match) => match[term] ?? 0))
      return sum + Math.max(0, near - weight) * (idf[term] ?? 0)
    }, 0)
    const { text, heading } = candidate.unit
    candidate.coverage = (own + 0.5 * help) / whole
    const fits = wanted.reduce((factor, wants) => factor * (wants.test(text) ? 1.35 : 0.8), 1)
    const shape = (heading ? 0.55 : 1) * (/[?？]$/.test(text) ? 0.85 : 1) * (text.length < 25 ? 0.85 : 1)
    const length = 1 + 0.2 * Math.max(0, Math.log(text.length / 250))
    candidate.score = ((own + 0.45 * help) * (0.5 + 0.5 * candidate.coverage) * fits * shape) / length
  }
  return { idf, whole }
}

/** What stands beside it in the same passage; for a row of a table, the row that names its columns. */
function neighbours(all: Candidate[], index: number): Candidate[] {
  const self = all[index]
  if (self === undefined) return []
  const near = self.passage.at.kind === 'rows' ? [index - self.at] : [index - 1, index + 1]
  return near.flatMap((i) => all[i] ?? []).filter((other) => other !== self && other.passage === self.passage)
}

/** The best, and up to two more: nearly as good, or for what else a question asks that has `listed` several things. */
function pick(all: Candidate[], { idf, whole }: Scale, listed: boolean): Quote[] {
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
    const { from, to } = extent(candidate)
    const places = Array.from({ length: to - from + 1 }, (_, i) => `${candidate.passage.source} ${from + i}`)
    const quote = quoteOf(candidate, from, to)
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
  if (first.coverage < ENOUGH && weigh(met, idf) / whole < SEVERAL) return []
  for (const candidate of ranked) {
    if (chosen.length === MAX_QUOTES || candidate.score < first.score * NEARLY) break
    if (candidate.coverage >= ENOUGH) choose(candidate)
  }
  return chosen.map(({ quote }) => quote)
}

/** A quote takes in what it needs to be understood: the answer after a question, the heading before a short line. */
function extent({ layout, units, at, unit }: Candidate): { from: number; to: number } {
  if (layout === 'lines') return { from: at, to: at }
  const next = units[at + 1]
  const previous = units[at - 1]
  const needsNext = unit.heading || /[?？:：]$/.test(unit.text)
  const to = needsNext && next !== undefined && !(next.heading && !unit.heading) ? at + 1 : at
  const from =
    previous !== undefined && (previous.heading || /[:：]$/.test(previous.text)) && previous.text.length < 120
      ? at - 1
      : at
  return { from, to }
}

function quoteOf(candidate: Candidate, from: number, to: number): Quote {
  const { passage, layout, units, at } = candidate
  if (layout === 'lines') return { passage, layout, lines: linesAround(passage, units, at) }
  const lines: string[] = []
  let paragraph = -1
  for (const unit of units.slice(from, to + 1)) {
    if (unit.paragraph === paragraph) lines.push(`${lines.pop()} ${unit.text}`)
    else lines.push(unit.text)
    paragraph = unit.paragraph
  }
  return { passage, layout, lines: lines.map(clip) }
}

/** A row with the names of its columns; a line of code with the lines around it. */
function linesAround(passage: PassagePart, units: Unit[], at: number): string[] {
  const line = units[at]?.text ?? ''
  if (passage.at.kind !== 'rows') return units.slice(Math.max(0, at - 1), at + 4).map((unit) => clip(unit.text))
  const head = units[0]?.text
  return head === undefined || at === 0 || /\d/.test(head) ? [clip(line)] : [clip(head), clip(line)]
}

function clip(text: string): string {
  if (text.length <= MAX_QUOTE) return text
  return `${text.slice(0, MAX_QUOTE).replace(/\s+\S*$/, '')} …`
}

const stops = new Set(stopWords.flatMap(terms))

interface Sentence {
  passage: PassagePart
  layout: 'prose' | 'lines'
  unit: Unit
  words: string[]
}

/** In the order of the document: its opening first. Several documents get their openings. */
async function summarize(passages: PassagePart[], signal: AbortSignal): Promise<Quote[]> {
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
