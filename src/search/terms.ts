/**
 * Text as comparable terms, the same for a question and for what it is asked about: words folded and lightly stemmed,
 * pairs of characters in scripts that put no spaces between words. Linear in the text, whatever it holds.
 */
import { stopWords } from './stop-words.ts'

/** Longer runs (base64, hashes) are cut: nobody asks for them by their end. */
const MAX_TERM = 48

const PAIRED = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}ー`
const runs = new RegExp(
  String.raw`[${PAIRED}]+|\p{Nd}+(?:[.,’']\p{Nd}+)*|[[\p{L}\p{M}\p{No}\p{Nl}]--[${PAIRED}]]+(?:\p{Nd}+(?![.,]\p{Nd}))?`,
  'gv',
)
const asciiRuns = /[0-9]+(?:[.,'][0-9]+)*|[A-Za-z]+(?:[0-9]+(?![.,][0-9]))?/g
const paired = new RegExp(`^[${PAIRED}]`, 'v')
const marks = /[\u0300-\u036f]+/g
const ascii = /^[\0-\x7f]*$/
const letters: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' }

/** The normalised terms of a text, in order, with repetitions. */
export function terms(text: string): string[] {
  const found: string[] = []
  const isAscii = ascii.test(text)
  const known = new Map<string, string>()
  for (const run of (isAscii ? text : fold(text)).match(isAscii ? asciiRuns : runs) ?? []) {
    const seen = known.get(run)
    if (seen !== undefined) {
      found.push(seen)
      continue
    }
    const from = found.length
    if (/^\p{Nd}/u.test(run)) found.push(run.slice(0, MAX_TERM).replace(/[.,’'](?=\d{3}(?!\d))/g, ''))
    else if (!isAscii && paired.test(run)) pushPairs(run, found)
    else pushWord(run, found)
    const term = found[from]
    if (found.length === from + 1 && term !== undefined) known.set(run, term)
  }
  return found
}

/** The terms that a question asks for: stop words are dropped, unless nothing would be left. Without repetitions. */
export function questionTerms(question: string): string[] {
  const all = [...new Set(terms(question))]
  const telling = all.filter((term) => !stopTerms.has(term))
  return telling.length > 0 ? telling : all
}

/** Compatibility forms unified and Latin, Greek and Cyrillic diacritics taken off; letter case is kept. */
function fold(text: string): string {
  if (ascii.test(text)) return text
  return text
    .normalize('NFKD')
    .replace(marks, '')
    .normalize('NFC')
    .replace(/[ßæœøłđðþıÆŒØŁĐÐÞ]/g, (letter) => letters[letter.toLowerCase()] ?? letter)
}

function pushWord(word: string, found: string[]): void {
  const cut = word.length > MAX_TERM ? word.slice(0, MAX_TERM) : word
  // `maxOutputTokens` is found by itself and by each of its words.
  if (/[a-z][A-Z]/.test(cut)) {
    for (const part of cut.split(/(?<=[a-z])(?=[A-Z])/)) found.push(stem(part.toLowerCase()))
  }
  found.push(stem(cut.toLowerCase()))
}

function pushPairs(run: string, found: string[]): void {
  const characters = [...run]
  if (characters.length === 1) found.push(run)
  for (let at = 0; at + 1 < characters.length; at++) found.push(`${characters[at]}${characters[at + 1]}`)
}

/** English endings, lightly: a term only has to meet itself again, in a question and in a text. */
function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word
  let base = word
  if (base.endsWith('ies') && base.length > 4) base = `${base.slice(0, -3)}y`
  else if (/(?:ss|x|ch|sh|zz)es$/.test(base)) base = base.slice(0, -2)
  else if (base.endsWith('s') && !/(?:ss|us|is)$/.test(base)) base = base.slice(0, -1)
  const verb = /^(.*[aeiouy].*)(?:ing|ed)$/.exec(base)?.[1]
  if (verb !== undefined && verb.length > 2) base = verb.replace(/([bdgkmnprt])\1$/, '$1')
  return base.length > 3 && base.endsWith('e') ? base.slice(0, -1) : base
}

const stopTerms = new Set(stopWords.flatMap(terms))
