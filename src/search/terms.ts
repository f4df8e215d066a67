/**
 * Text to the terms that search compares, for any language without being told which: case, width, diacritics and common
 * endings are taken off, scripts without spaces become overlapping pairs, identifiers are kept whole and in parts.
 * Index and question go through the same function, so what matters is that equal things become equal, not that stems are
 * words. Time is linear in the text, whatever it holds.
 */
import { fold, withoutTypesetting } from '../core/text/compare.ts'
import { stem } from './stem.ts'
import { stopWords } from './stop-words.ts'

/** A run without an end (base64, a hash of hashes) is one short term: nobody asks for more of it than its beginning. */
const MAX_TERM = 64
/** Longest identifier (address, path, key) that is kept whole besides its parts. */
const MAX_COMPOUND = 128
/** Dictionaries of scripts without spaces are consulted in slices, so that a run of any length stays linear. */
const SLICE = 512

const CJK = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々〆`
const UNSPACED = String.raw`\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`
const WORD = String.raw`[[\p{L}\p{M}\p{N}]--[${CJK}${UNSPACED}]]`

// cjk | unspaced | section sign | word with joined parts; `c++` and `c#` keep their sign
const TOKEN = new RegExp(
  `(?<cjk>[${CJK}]+)|(?<unspaced>[${UNSPACED}\\p{M}]+)|(?<!§)§{1,2}\\s?(?<section>\\p{Nd}+\\p{L}?)(?!${WORD})|` +
    `(?<word>${WORD}+(?:[\\-._@\\/:+&'’,]${WORD}+)*(?:\\+\\+|#(?!${WORD}))?)`,
  'gv',
)
const PART = /[\p{L}\p{M}\p{N}]+/gu
const HUMP = /(?<=\p{Ll})(?=\p{Lu})/u
const NUMBER = /^\d+(?:[.,'’]\d+)*$/

const unspacedWords = new Intl.Segmenter('th', { granularity: 'word' })

/** The terms of a text in reading order; an identifier gives itself and then its parts. */
export function terms(text: string): string[] {
  const found: string[] = []
  const known = new Map<string, string[]>()
  for (const match of normalise(text).matchAll(TOKEN)) {
    const { cjk, unspaced, section, word } = match.groups ?? {}
    if (cjk !== undefined) pushPairs(found, cjk)
    else if (unspaced !== undefined) pushUnspaced(found, unspaced)
    else if (section !== undefined) found.push(`§${fold(section)}`, fold(section))
    else if (word !== undefined) {
      let given = known.get(word)
      if (given === undefined) {
        given = []
        pushWord(given, word)
        known.set(word, given)
      }
      for (const term of given) found.push(term)
    }
  }
  return found
}

/**
 * The terms of a question, each once. Words that only carry grammar are left out, by the language that the question seems
 * to be in (`war` is a verb in German and a subject in English), unless the question holds nothing else.
 */
export function questionTerms(question: string): string[] {
  const all = [...new Set(terms(question))]
  const hits = stopTerms.map((stops) => all.filter((term) => stops.has(term)).length)
  const most = Math.max(1, ...hits)
  const telling = all.filter((term) => !stopTerms.some((stops, i) => hits[i] === most && stops.has(term)))
  return telling.length > 0 ? telling : all
}

function normalise(text: string): string {
  return withoutTypesetting(text).normalize('NFKC')
}

function pushWord(found: string[], word: string): void {
  const folded = fold(word)
  if (NUMBER.test(folded)) {
    pushNumber(found, folded)
    return
  }
  const parts = word.match(PART) ?? []
  if (parts.length === 1 && folded === fold(parts[0] ?? '')) {
    pushPart(found, word)
    return
  }
  const joined = elision(folded)
  if (joined !== undefined) {
    found.push(stem(joined))
    return
  }
  if (folded.length <= MAX_COMPOUND) found.push(folded.replaceAll(',', '').replaceAll('’', "'"))
  for (const part of parts) pushPart(found, part)
}

/** `company's` is about the company, `l'entreprise` about the entreprise. */
function elision(folded: string): string | undefined {
  const match = /^(\p{L}+)['’](\p{L}+)$/u.exec(folded)
  if (!match) return undefined
  const [, left = '', right = ''] = match
  return right.length <= 2 ? left : left.length <= 2 ? right : undefined
}

function pushPart(found: string[], part: string): void {
  const folded = fold(part).slice(0, MAX_TERM)
  if (folded === '') return
  found.push(stem(folded))
  if (part.length > MAX_TERM || !HUMP.test(part)) return
  for (const hump of part.split(HUMP)) if (hump.length > 1) found.push(stem(fold(hump)))
}

/** `1,299.00`, `1.299,00`, `1'299` and `1299` are one number; `2.14.3` and `15.03.2024` stay whole and in parts. */
function pushNumber(found: string[], digits: string): void {
  const groups = digits.split(/[.,'’]/)
  const last = groups.at(-1) ?? ''
  const separators = digits.replace(/\d/g, '')
  const grouped = groups.slice(1, -1).every((group) => group.length === 3) && (groups[0] ?? '').length <= 3
  const uniform = new Set(separators).size <= 1
  if (groups.length === 1) found.push(digits.slice(0, MAX_TERM))
  else if (groups.length === 2 && last.length !== 3) found.push(decimal(groups[0] ?? '', last))
  else if (grouped && uniform && last.length === 3) found.push(groups.join(''))
  else if (grouped && !uniform && new Set(separators.slice(0, -1)).size === 1)
    found.push(decimal(groups.slice(0, -1).join(''), last))
  else {
    if (digits.length <= MAX_COMPOUND) found.push(digits)
    for (const group of groups) found.push(group.slice(0, MAX_TERM))
  }
}

function decimal(whole: string, fraction: string): string {
  const significant = fraction.replace(/0+$/, '')
  return (significant === '' ? whole : `${whole}.${significant}`).slice(0, MAX_TERM)
}

function pushPairs(found: string[], run: string): void {
  const characters = Array.from(fold(run))
  if (characters.length === 1) found.push(characters[0] ?? '')
  for (let i = 1; i < characters.length; i++) found.push(`${characters[i - 1]}${characters[i]}`)
}

function pushUnspaced(found: string[], run: string): void {
  for (let at = 0; at < run.length; at += SLICE) {
    for (const { segment, isWordLike } of unspacedWords.segment(run.slice(at, at + SLICE))) {
      if (isWordLike) found.push(fold(segment).slice(0, MAX_TERM))
    }
  }
}

const stopTerms = stopWords.map((words) => new Set(terms(words)))
