/**
 * Text to the terms that search compares, for any language without being told which: case, width, diacritics and common
 * endings are taken off, scripts without spaces become overlapping pairs, identifiers are kept whole and in parts.
 * Index and question go through the same function, so what matters is that equal things become equal, not that stems are
 * words. Time is linear in the text, whatever it holds.
 */
import { fold, withoutTypesetting } from '../core/text/compare.ts'

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
  for (const match of normalise(text).matchAll(TOKEN)) {
    const { cjk, unspaced, section, word } = match.groups ?? {}
    if (cjk !== undefined) pushPairs(found, cjk)
    else if (unspaced !== undefined) pushUnspaced(found, unspaced)
    else if (section !== undefined) found.push(`§${fold(section)}`, fold(section))
    else if (word !== undefined) {
      for (const term of termsOfWord(word)) found.push(term)
    }
  }
  return found
}

/** Words of texts before this one: most words of a text are few ones. */
const known = new Map<string, readonly string[]>()
const mostKnown = 20_000

function termsOfWord(word: string): readonly string[] {
  const before = known.get(word)
  if (before !== undefined) return before
  const given: string[] = []
  pushWord(given, word)
  if (word.length > MAX_TERM) return given
  if (known.size >= mostKnown) known.clear()
  known.set(word, given)
  return given
}

/**
 * The terms of a question, each once. Words that only carry grammar are left out, by the language that the question seems
 * to be in (`war` is a verb in German and a subject in English), unless the question holds nothing else.
 */
export function questionTerms(question: string): string[] {
  const telling = subjectTerms(question)
  return telling.length > 0 ? telling : [...new Set(terms(question))]
}

/** The same without an exception: none for a question that only has words of grammar. */
export function subjectTerms(question: string): string[] {
  const all = [...new Set(terms(question))]
  const hits = stopTerms.map((stops) => all.filter((term) => stops.has(term)).length)
  const most = Math.max(1, ...hits)
  return all.filter((term) => !stopTerms.some((stops, i) => hits[i] === most && stops.has(term)))
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

// Common endings are taken off a folded word. One light stemmer per script rather than one per language: the language of a
// question is unknown, and the same ending taken off on both sides does no harm where it was part of the word.

/** Endings by the least number of letters that must stay before them, longest first. */
const latin: [ending: string, stays: number][] = [
  ['ingly', 4],
  ['edly', 4],
  ['ern', 4],
  ['ing', 3],
  ['em', 4],
  ['en', 4],
  ['er', 4],
  ['es', 3],
  ['ed', 3],
  ['is', 4],
  ['ly', 4],
  ['s', 3],
  ['e', 3],
  ['a', 4],
  ['o', 4],
]

// Written as folding leaves them: й is и there.
const cyrillic: [ending: string, stays: number][] = [
  'иями ями ами ого его ому ему ыми ими иеи ах ях ов ев еи ои ии ыи ая яя ое ее ые ие ым им ом ем ам ям ую юю ия ию',
  'а я о е ы и у ю ь',
].flatMap((endings) => endings.split(' ').map((ending): [string, number] => [ending, 3]))

const arabicPrefixes = ['وال', 'بال', 'كال', 'فال', 'لل', 'ال', 'و']
const arabicSuffixes = ['ها', 'ان', 'ات', 'ون', 'ين', 'يه', 'ه', 'ي']

/** `word` is lower case and without diacritics. What holds digits or signs comes back as it is. */
function stem(word: string): string {
  if (/^[a-z]+$/.test(word)) return stemLatin(word)
  if (/^[а-я]+$/.test(word)) return strip(word, cyrillic)
  if (/^[\u0621-\u064a]+$/.test(word)) return stemArabic(word)
  return word
}

function stemLatin(word: string): string {
  let stemmed = word
  // Endings pile up (`order-ed`, `letter-ing-s`); each round shortens the word, so it ends.
  for (let before = ''; before !== stemmed; ) {
    before = stemmed
    if (!/(?:ss|us|eed)$/.test(stemmed)) stemmed = strip(stemmed, latin)
    if (!/[aeiouy]/.test(stemmed)) stemmed = before
    stemmed = stemmed.replace(/([b-df-hj-np-tv-z])\1$/, '$1')
  }
  return stemmed.length > 3 ? stemmed.replace(/(?:ie|y)$/, 'i') : stemmed
}

function strip(word: string, endings: [ending: string, stays: number][]): string {
  for (const [ending, stays] of endings) {
    if (word.length - ending.length >= stays && word.endsWith(ending)) return word.slice(0, -ending.length)
  }
  return word
}

function stemArabic(word: string): string {
  const prefix = arabicPrefixes.find((candidate) => word.startsWith(candidate) && word.length - candidate.length >= 3)
  const bare = prefix === undefined ? word : word.slice(prefix.length)
  const suffix = arabicSuffixes.find((candidate) => bare.endsWith(candidate) && bare.length - candidate.length >= 3)
  return suffix === undefined ? bare : bare.slice(0, -suffix.length)
}

/** Words that carry grammar and no subject, by language: left out of questions, never out of what is searched. */
export const stopWords: string[] = [
  // English
  `a about according all also am an and any are as at be been being between both but by can could did do does doing each
  for from give had has have having he her here hers him his how i if in into is it its just list me more most much many
  my no nor not of on only or other our out over own please say says said she should show so some such tell than that the
  their theirs them then there these they this those through to today too under until up us very was we were what when where
  which while who whom whose why will with would you your yours document file page summarise summarize`,
  // German
  `aber alle allem allen aller alles als also am an ander andere auch auf aus bei beim bin bis bist bitte da damit dann
  das dass dein deine dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein
  eine einem einen einer eines er es etwas euch euer für gegen gib hab habe haben hat hatte hatten heute hier hinter ich ihm
  ihn ihnen ihr ihre im in ist ja jede jedem jeden jeder jedes jetzt kann kein keine können laut man mehr mein meine mich
  mir mit muss müssen nach nicht noch nun nur ob oder ohne sag sehr sein seine sich sie sind so soll sollen über um und
  uns unser unter viel viele vom von vor wann war waren warum was weil welche welchem welchen welcher welches wenn wer
  werde werden wie wieder will wir wird wo wurde wurden zu zum zur zwischen`,
  // French
  `au aux avec ce ces cette ceux chez comme comment dans de des du elle elles en est et eux il ils je la le les leur lui
  ma mais mes moi mon même ne nos notre nous on ou où par pas pour quand que quel quelle quelles quels qui quoi sa sans
  ses son sont sur ta te tes toi ton tu un une vos votre vous`,
  // Spanish
  `a al como cómo con cual cuales cuál cuando cuanto cuánto cuanta cuantos cuantas de del dónde donde el en entre es está
  están esta este estas estos hay la las lo los más me mi muy no nos o para pero por porque que qué quién se según si sin
  sobre son su sus también tiene un una unas uno unos y ya`,
  // Portuguese
  `a as ao aos com como da das de do dos e é em foi mais na nas no nos não o os ou para pela pelo por qual quais quando
  quanto que quem se seu sua são um uma umas uns`,
  // Italian
  `a al alla che chi come con cosa da dei del della delle di dove e è era gli i il in la le lo nel nella non o per quale
  quali quando quanto sono su tra fra un una uno`,
  // Dutch
  'de het een en van in is dat die te op voor met zijn aan er om ook als bij door wat wie hoe waar welke wordt werd',
  // Russian
  `и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет
  о из ему теперь когда даже ну ли если или ни быть был него до вас нибудь для мы тебя их чем была сам чтоб без будто где
  кто какой какая какие какое сколько это этот эта эти`,
  // Arabic
  'في من على إلى عن أن إن ما ماذا هل كم كيف متى أين هو هي هذا هذه ذلك تلك التي الذي الذين مع أو و لا لم لن قد كان كانت كل',
  // Chinese and Japanese, by the pairs they become
  '什么 多少 哪个 哪些 怎么 如何 为什么 是什么 请问 是多 吗 的 了 是 什麼 哪個 怎麼 為什麼 請問',
  'です ですか ます ますか ました のは とは 何ですか 何 いくら いくらですか どこ いつ ください 教えて',
]

const stopTerms = stopWords.map((words) => new Set(terms(words)))
