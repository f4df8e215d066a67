/**
 * What can be quoted alone, and how well it meets a question. A passage is cut into sentences of prose or lines of tables and
 * code; a text meets a question by which of its terms occur, exactly or as a relative, and how rare they are.
 */

import { fold } from '../core/text/compare.ts'
import { sentenceSpans } from '../core/text/sentences.ts'
import { questionTerms, terms } from '../search/terms.ts'
import type { PassagePart } from './render-passage.ts'

export interface Unit {
  /** As in the source; in prose, line breaks within a sentence are spaces. */
  text: string
  /** Which paragraph of the passage, counted from 0; lines are their own paragraphs. */
  paragraph: number
  /** Rows, code and the head of a mail are quoted as they stand. */
  layout: 'prose' | 'lines'
  /** No sentence: it names what follows. */
  heading: boolean
  /** Which units of the passage name this one: its heading, the row of column names. */
  names: number[]
}

/** Prose longer than this between two ends is cut because a longer quote is not readable. */
const MAX_SENTENCE = 1_200
/** Where the longest line is shorter, lines were broken by who wrote them and not by a page. */
const NARROW = 32

const bullet = /^\s*(?:[-*•▪◦–—·]|\d{1,3}(?:\.\d{1,3})*[.)]?|[a-zA-Z][.)]|\(\w{1,3}\)|#{1,6}|§+|\|)\s/
const codeLine =
  /[{};]\s*(?:\/\/.*)?$|^\s*(?:import|export|const|let|def|class|function|return|public|private|if|for|fn|func|#include)\b.*[({:=]|^\s{2,}\S.*[(=]|=>|^\s*(?:\/\/|\/\*|\*\/)/
const tableRow = /^\s*\|.*\|\s*$/
const tableRule = /^[\s|:-]+$/
const marked = /^\s*#{1,6}\s/
/** `Name: Ann`, and `Name:` with its value on the next line. */
const labelled = /^\s*\p{L}[^:：.!?]{0,40}[:：](?:\s|$)/u
const label = /^\s*\p{L}[^:：.!?]{0,40}[:：]\s*$/u
const mailHead = /^From: .*(?:\n(?:To|Cc|Reply-To|Date|Subject|Attachments): .*)+/
/** What people call what the head of a mail says. */
const mailWords = `mail email message letter send sent sender wrote written author recipient addressed received copy copied cc
  Nachricht gesendet geschickt geschrieben Absender Verfasser Empfänger Kopie Datum Betreff courriel envoyé expéditeur écrit
  auteur destinataire copie correo enviado remitente escrito escribió autor destinatario copia fecha письмо отправлено отправил
  отправитель написал автор получатель копия дата رسالة أرسل المرسل كتب تاريخ المستلم نسخة 送信 差出人 書いた 宛先 日時 邮件 发件
  发送 收件 抄送 日期 写的`

export function unitsOf({ text, at }: Pick<PassagePart, 'text' | 'at'>): Unit[] {
  const lines = text.split(/\r?\n/)
  const filled = lines.filter((line) => line.trim() !== '')
  if (at.kind === 'rows') return filled.map((row, place) => lineUnit(row, place, place === 0 ? [] : [0]))
  if (looksLikeCode(filled)) return filled.map((line, place) => lineUnit(line, place, []))
  // Slides and sheets have no lines that a page broke.
  const join = at.kind !== 'slide'
  const head = mailHead.exec(text)?.[0]
  if (head === undefined) return proseUnits(paragraphs(lines, join))
  const body = lines.slice(head.split('\n').length)
  return [lineUnit(head, -1, []), ...proseUnits(paragraphs(body, join), 1)]
}

function lineUnit(text: string, paragraph: number, names: number[]): Unit {
  return { text: text.trimEnd(), paragraph, layout: 'lines', heading: false, names }
}

function looksLikeCode(filled: string[]): boolean {
  return filled.length >= 2 && filled.filter((line) => codeLine.test(line)).length >= filled.length * 0.4
}

/** Sentences and the rows of tables, with what names them. `first` is the place of the first one. */
function proseUnits(texts: string[], first = 0): Unit[] {
  const units: Unit[] = []
  const onlyMarked = texts.some((text) => marked.test(text))
  let heading: number[] = []
  let columns: number[] = []
  for (const [paragraph, words] of texts.entries()) {
    const isRow = tableRow.test(words)
    if (!isRow) columns = []
    if (isRow && tableRule.test(words)) continue
    if (isRow) {
      const isFirst = columns.length === 0
      const row = { ...lineUnit(words, paragraph, [...heading, ...columns]), heading: isFirst }
      const place = first + units.push(row) - 1
      if (isFirst) columns = [place]
      continue
    }
    for (const text of sentencesOf(words)) {
      const isHeading = onlyMarked ? marked.test(text) : looksLikeHeading(text)
      const place = first + units.push({ text, paragraph, layout: 'prose', heading: isHeading, names: heading }) - 1
      if (isHeading) heading = [place]
    }
  }
  return units
}

/** Short, without an end, and neither an item of a list nor a value. */
function looksLikeHeading(text: string): boolean {
  return text.length < 90 && !/[.!?。！？;；:：”"]$|^[-*•|]|\d[.,]\d\d\b/.test(text) && !labelled.test(text)
}

/** Lines that a page broke are joined again, a label and its value too; lines that stand for themselves stay apart. */
function paragraphs(lines: string[], join: boolean): string[] {
  const full = Math.max(...lines.slice(0, 400).map((line) => line.length))
  const joined: string[] = []
  let previous = ''
  for (const line of lines) {
    const wrapped = join && previous.trim() !== '' && line.trim() !== '' && continues(previous, line, full)
    if (wrapped) joined[joined.length - 1] += ` ${line.trim()}`
    else if (line.trim() !== '') joined.push(line.trim())
    previous = line
  }
  return joined
}

function continues(line: string, next: string, full: number): boolean {
  if (bullet.test(next) || labelled.test(next) || marked.test(line) || /\t|\s{3,}|\|/.test(line.trim())) return false
  if (label.test(line)) return true
  if (/[a-zß-ÿ,–-]$/.test(line.trimEnd()) && /^\s*[a-zß-ÿ]/.test(next)) return true
  return full >= NARROW && line.length > full * 0.6
}

function sentencesOf(paragraph: string): string[] {
  const found: string[] = []
  let open = 0
  for (const { to } of sentenceSpans(paragraph)) {
    const sentence = paragraph.slice(open, to)
    // What has no word in it, such as a number, belongs to what follows.
    if (sentence.length < MAX_SENTENCE && !/\p{L}{2}|\p{Lo}/u.test(sentence)) continue
    for (let at = 0; at < sentence.length; at += MAX_SENTENCE) pushFilled(found, sentence.slice(at, at + MAX_SENTENCE))
    open = to
  }
  pushFilled(found, paragraph.slice(open))
  return found
}

function pushFilled(found: string[], text: string): void {
  const clean = text.trim().replace(/[^\S\n]+/g, ' ')
  if (clean !== '') found.push(clean)
}

/** How well texts meet a question. */
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
/** A word for what the head of a mail says, without standing there. */
const NAMED = 0.8
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

/** How well a text meets a question. The head of a mail also answers to what people call it, a little less than to its own words. */
export function matchText(matcher: Matcher, text: string): Float64Array {
  const own = matcher.match(text)
  if (!mailHead.test(text)) return own
  return matcher.match(mailWords).map((weight, term) => Math.max(own[term] ?? 0, weight * NAMED))
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
