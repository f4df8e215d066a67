/** The words of a source that bear a claim, so that they can be marked on its page. Pure; `undefined` where it is not clear. */
import type { Citation } from '../core/reply.ts'
import { sentenceSpans } from '../core/text/sentences.ts'
import { terms } from '../search/terms.ts'
import { findVerbatim } from './verbatim.ts'

/** The share of a claim's weight that its quote must hold. */
const MIN_COVERAGE = 0.4
/** The next sentence is taken in when it adds so much more. */
const MIN_GAIN = 0.2
const MAX_QUOTE = 600
/** A claim of fewer terms is read together with its paragraph. */
const FEW_TERMS = 3

interface Sentence {
  text: string
  from: number
  to: number
  terms: Set<string>
}

interface Scored {
  quote: string
  coverage: number
}

/** The sentence (or two in a row) of `sourceText` that shares most of the claim's telling words, as it stands there. */
export function findQuote(claim: string, sourceText: string): string | undefined {
  return bestQuote(claim, sentencesOf(sourceText), sourceText)?.quote
}

/**
 * Adds a quote to each citation where one can be told. Words that the answer itself quotes win; else it is the sentence
 * before the citation's `[n]` that is looked for.
 */
export function withQuotes(
  answer: string,
  citations: Citation[],
  textAt: (citation: Citation) => string | undefined,
): Citation[] {
  const prose = withoutCode(answer)
  return citations.map((citation) => {
    const source = textAt(citation)
    if (source === undefined || source.trim() === '') return citation
    const quote = quoteFor(claimsOf(prose, citation.n), source)
    return quote === undefined ? citation : { ...citation, quote }
  })
}

/** The statement that a citation stands behind, and the paragraph around it. */
interface Claim {
  sentence: string
  paragraph: string
}

function quoteFor(claims: Claim[], source: string): string | undefined {
  for (const { paragraph, sentence } of claims) {
    const quoted = quotedIn(sentence, source) ?? quotedIn(blockquote(paragraph), source)
    if (quoted !== undefined) return quoted
  }
  const sentences = sentencesOf(source)
  const found = claims.flatMap(({ sentence, paragraph }) => {
    const own = bestQuote(sentence, sentences, source)
    const wider =
      own || new Set(terms(sentence)).size >= FEW_TERMS ? undefined : bestQuote(paragraph, sentences, source)
    return own ?? wider ?? []
  })
  return found.toSorted((a, b) => b.coverage - a.coverage)[0]?.quote
}

function bestQuote(claim: string, sentences: Sentence[], source: string): Scored | undefined {
  const wanted = new Set(terms(claim))
  const weights = new Map([...wanted].map((term) => [term, weigh(term, sentences)]))
  const whole = sum(weights.values())
  const weightOf = (held: Set<string>) => sum([...held].map((term) => weights.get(term) ?? 0))
  let best: { index: number; weight: number; score: number } | undefined
  for (const [index, sentence] of sentences.entries()) {
    const weight = weightOf(sentence.terms)
    // Of two that say as much, the shorter one says it more clearly.
    const score = weight / Math.sqrt(1 + sentence.terms.size / 40)
    if (weight > 0 && score > (best?.score ?? 0)) best = { index, weight, score }
  }
  const first = best && sentences[best.index]
  if (best === undefined || first === undefined) return undefined
  const coverage = best.weight / whole
  const neighbour = [sentences[best.index + 1], sentences[best.index - 1]]
    .flatMap((sentence) =>
      sentence ? [{ sentence, gain: weightOf(sentence.terms.union(first.terms)) / whole - coverage }] : [],
    )
    .toSorted((a, b) => b.gain - a.gain)[0]
  const isWider = neighbour !== undefined && neighbour.gain >= MIN_GAIN
  const total = coverage + (isWider ? neighbour.gain : 0)
  const shared = [...wanted].filter((term) => first.terms.has(term)).length
  if (total < MIN_COVERAGE || (shared < 2 && wanted.size > 1)) return undefined
  const [from, to] = isWider
    ? [Math.min(first.from, neighbour.sentence.from), Math.max(first.to, neighbour.sentence.to)]
    : [first.from, first.to]
  const quote = source.slice(from, to).trim()
  return { quote: quote.length <= MAX_QUOTE ? quote : first.text, coverage: total }
}

/**
 * How telling a term is on this page: rare ones say where, those of every sentence say nothing. One that the page does
 * not hold at all counts less, because answers use words of their own; numbers count more, because they do not.
 */
function weigh(term: string, sentences: Sentence[]): number {
  const having = sentences.filter((sentence) => sentence.terms.has(term)).length
  const factor = /\d/.test(term) ? 1.5 : 1
  if (having === 0) return factor * 0.35 * Math.log(1 + sentences.length)
  return factor * Math.log(1 + (sentences.length - having + 0.5) / (having + 0.5))
}

function sentencesOf(text: string): Sentence[] {
  return sentenceSpans(text)
    .map(({ from, to }) => {
      const sentence = text.slice(from, to)
      return { text: sentence.trim().slice(0, MAX_QUOTE), from, to, terms: new Set(terms(sentence)) }
    })
    .filter((sentence) => sentence.terms.size > 0)
}

const QUOTED = /["“„«「『]([^"“”„«»「」『』\n]{4,400})["”“»」』]/g

/** Signs that an answer puts around a quotation. */
const EDGES = /^[.…\s]+|[.…,;\s]+$/g

/** What stands between quotation marks and also in the source, as it stands there; the longest. */
function quotedIn(text: string, source: string): string | undefined {
  return Array.from(text.matchAll(QUOTED), ([, words = '']) => words.trim())
    .filter((words) => words.length >= 12 || terms(words).length >= 3)
    .toSorted((a, b) => b.length - a.length)
    .map((words) => findVerbatim(words, source) ?? findVerbatim(words.replace(EDGES, ''), source))
    .find((found) => found !== undefined)
}

/** A block quote, as if it stood between quotation marks, line by line and as a whole. */
function blockquote(paragraph: string): string {
  const lines = paragraph.split('\n').flatMap((line) => /^\s*>\s?(.*)$/.exec(line)?.[1] ?? [])
  return [lines.join(' '), ...lines]
    .map(
      (line) =>
        `"${plainWords(line)
          .replace(/["“”„«»]/g, '')
          .slice(0, 400)
          .trim()}"`,
    )
    .join('\n')
}

/** For each `[n]`: the sentence before or around it, without marks. */
function claimsOf(prose: string, n: number): Claim[] {
  const claims: Claim[] = []
  for (const paragraph of prose.split(/\n\s*\n/)) {
    for (let at = paragraph.indexOf(`[${n}]`); at >= 0; at = paragraph.indexOf(`[${n}]`, at + 1)) {
      claims.push({ sentence: plainWords(sentenceAround(paragraph, at)), paragraph })
    }
  }
  return claims
}

/** The statement that a marker at the end of this text stands behind, without marks: of its sentence what follows an earlier marker. */
export function claimBefore(text: string): string {
  const paragraph =
    withoutCode(text)
      .split(/\n\s*\n/)
      .at(-1) ?? ''
  const sentence = sentenceAround(paragraph, paragraph.length)
  const own = sentence.replace(/^[\s\S]*\[\d+\](?=[\s\S]*[\p{L}\p{N}])/u, '')
  return plainWords(own.replace(/^\s*(?:[-*+]|\d+[.)])\s/, ''))
}

function sentenceAround(paragraph: string, at: number): string {
  const lineFrom = paragraph.lastIndexOf('\n', at) + 1
  const lineTo = paragraph.indexOf('\n', at)
  const line = paragraph.slice(lineFrom, lineTo < 0 ? undefined : lineTo)
  if (line.includes('|')) return line
  // Markers stand before or after the full stop: one right behind it belongs to the sentence it ends.
  const before = paragraph
    .slice(0, at)
    .replace(/(?:\s*\[\d+\])+\s*$/, '')
    .trimEnd()
  const start = sentenceSpans(before).at(-1)?.from ?? 0
  return paragraph.slice(Math.max(start, isListLine(line) ? lineFrom : 0), at)
}

function isListLine(line: string): boolean {
  return /^\s*(?:[-*+]|\d+[.)])\s/.test(line)
}

function plainWords(markdown: string): string {
  return markdown
    .replace(/\[\d+\]/g, ' ')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[*_`#|>]+/g, ' ')
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^[ \t>]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^[ \t>]*\1[ \t]*$|(?![\s\S]))/gm, '')
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
