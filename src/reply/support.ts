/**
 * Whether a source can bear a claim, told without a model. A source is only ruled out where that is plain: the claim's numbers are not in it
 * although it speaks of such numbers, words that the claim quotes are not in it, or it shares nothing at all with the claim. Numbers
 * survive paraphrase and translation; words are compared within one language only. In doubt the answer is yes. Pure.
 */
import { fold } from '../core/text/compare.ts'
import { stopWords, subjectTerms, terms } from '../search/terms.ts'
import { findVerbatim } from './verbatim.ts'

export interface Evidence {
  /** The cited place and what stands around it. */
  near: KnownText
  /** All that may be known of it: the rest of the source as far as it was given, its title, the question. */
  all: KnownText
}

/** A text of which each thing is looked for once, and only when it is asked for. */
export interface KnownText {
  text: string
  folded(): string
  figures(): readonly Figure[]
  terms(): ReadonlySet<string>
  language(): number | undefined
}

export function knownText(text: string): KnownText {
  const folded = once(() => fold(text))
  return {
    text,
    folded,
    figures: once(() => figuresIn(folded()).filter(({ digits }) => digits !== '')),
    terms: once(() => new Set(terms(text))),
    language: once(() => languageOf(text)),
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Several texts as one. */
export function joined(texts: readonly KnownText[]): KnownText {
  const [first, ...others] = texts
  if (first !== undefined && others.length === 0) return first
  return {
    text: texts.map(({ text }) => text).join('\n'),
    folded: once(() => texts.map((text) => text.folded()).join('\n')),
    figures: once(() => texts.flatMap((text) => text.figures())),
    terms: once(() => new Set(texts.flatMap((text) => [...text.terms()]))),
    language: once(() => {
      const known = [...new Set(texts.map((text) => text.language()))]
      return known.length === 1 ? known[0] : undefined
    }),
  }
}

/** `claim`: a sentence without marks. */
export function supports(evidence: Evidence, claim: string): boolean {
  if (evidence.near.text.trim().length < leastText) return true
  const claimed = knownText(claim)
  return !missesNumbers(claimed, evidence) && !misquotes(claimed, evidence) && !isForeign(claimed, evidence)
}

/** A shorter text says too little about what it does not say. */
const leastText = 20

interface Figure {
  /** The digits that count: `1.5`, `1,500,000` and `15` are `15`. So it does not matter how a language groups them. */
  digits: string
  value: number
  /** `%`, a currency, or the word behind the number; empty where there is none. */
  unit: string
  /** Small numbers are often words, and years come from the context. */
  isTelling: boolean
}

const currencies: Record<string, string> = {
  $: '$',
  usd: '$',
  dollar: '$',
  dollars: '$',
  '€': '€',
  eur: '€',
  euro: '€',
  euros: '€',
  '£': '£',
  gbp: '£',
  pound: '£',
  pounds: '£',
  '¥': '¥',
  yen: '¥',
  yuan: '¥',
  円: '¥',
  元: '¥',
  '₹': '₹',
  '₽': '₽',
}
const percent = /^(?:%|percent\w*|per|prozent\w*|pour|pct|por|porcento|procent\w*|процент\p{L}*|パーセ?)$/u
const magnitude =
  'hundred|thousand|million|billion|trillion|tausend|millionen|milliarde|milliarden|mio|mrd|mille|millions|milliard|milliards|mil|millon|millones|milhao|milhoes|mln|mld|bn|тысяч\\p{L}*|миллион\\p{L}*|миллиард\\p{L}*|万|億|亿|萬'
const figure = new RegExp(
  String.raw`(?<![a-zа-яα-ω\d][._/]?)(?<sign>[$€£¥₹₽]|usd|eur|gbp)?\s?` +
    String.raw`(?<number>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,'’،٬٫]\d+)*)` +
    String.raw`\s?-?(?:(?:${magnitude})(?![a-z])\.?\s?)?(?<unit>[%$€£¥₹₽]|[\p{Script=Han}\p{Script=Katakana}]{1,2}|[a-zа-яα-ω]+)?`,
  'gu',
)

/** What stands before the number of a page or section, in Latin letters. */
const ofPlace =
  /(?:page|pages|p\.|pp\.|seite|seiten|s\.|section|sections|§|chapter|kapitel|abschnitt|figure|fig\.|table|tabelle|abb\.|slide|folie|row|rows|line|lines|zeile|step|no\.|nr\.|#|第)\s?$/

const clocks = /^(?:uhr|am|pm|hrs?|час\p{L}*)$/u

/** Numbers as they stand in folded text; parts of names, numbers of pages and sections, and times of day are none. */
function figuresIn(folded: string): Figure[] {
  return Array.from(folded.matchAll(figure), (match) => {
    const { sign, number = '', unit: word = '' } = match.groups ?? {}
    const from = match.index + match[0].indexOf(number)
    const isTime = folded[from - 1] === ':' || folded[from + number.length] === ':' || clocks.test(word)
    if (isTime || ofPlace.test(folded.slice(Math.max(0, from - 12), from))) return []
    const parts = number.split(/[.,]/)
    // A date, a version: no number has so many fractions.
    const isList = parts.length > 2 && parts.slice(1, -1).some((part) => part.length !== 3)
    if (isList) return parts.map((part) => figureOf(part, ''))
    return [figureOf(number, unitOf(sign ?? word))]
  }).flat()
}

function figureOf(number: string, unit: string): Figure {
  const digits = number.replace(/\D/g, '').replace(/^0+/, '').replace(/0+$/, '')
  const value = numberOf(number)
  const isYear = /^(?:1[0-9]|20|21|2[45])\d\d$/.test(number) && !isMeasure(unit)
  const isTelling = !isYear && (isMeasure(unit) || value >= 13 || value % 1 !== 0)
  return { digits, value, unit, isTelling: digits !== '' && isTelling }
}

const isMeasure = (unit: string) => unit === '%' || currencySigns.has(unit)
const currencySigns = new Set(Object.values(currencies))

function unitOf(word: string): string {
  const known = currencies[word]
  if (known !== undefined) return known
  if (percent.test(word)) return '%'
  if (word.length < 2 || subjectTerms(word).length === 0) return /^\p{Script=Han}$/u.test(word) ? word : ''
  return terms(word)[0] ?? ''
}

/** One kind of sign before groups of three digits divides thousands; otherwise the last one begins the fraction. */
function numberOf(number: string): number {
  const plain = number.replace(/[ \u00a0\u202f'’،٬]/g, '').replace('٫', '.')
  const groups = plain.split(/[.,]/)
  const last = groups.at(-1) ?? ''
  const signs = new Set(plain.replace(/\d/g, ''))
  if (groups.length === 1) return Number(plain)
  if (signs.size === 1 && (groups.length > 2 || last.length === 3)) return Number(groups.join(''))
  return Number(`${groups.slice(0, -1).join('')}.${last}`)
}

/** Words for numbers, which may say what the claim says in digits: English, German, French, Spanish, other Latin ones, Russian. */
const countWords = [
  'one two three four five six seven eight nine ten eleven twelve second third fourth fifth sixth seventh eighth ninth tenth',
  '\\w+teen \\w+teenth \\w+tieth twenty thirty forty fifty sixty seventy eighty ninety hundreds? thousands? millions? dozens?',
  'half halves thirds? quarters? twice double\\w* triple\\w*',
  'zwei drei vier funf sechs sieben acht neun zehn elf zwolf \\w*zehn \\w*zig \\w*hundert\\w* \\w*tausend\\w* halb\\w* halfte drittel',
  'viertel doppelt\\w* dutzend\\w*',
  'deux trois quatre cinq sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante cent',
  'cents mille moitie tiers quart',
  'dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce veint\\w* treinta cuarenta cincuenta sesenta setenta',
  'ochenta noventa cien\\w* \\w*cientos mil mitad tercio cuarto doble',
  'due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta cento mezzo meta dois duas quatro oito dez vinte metade',
  'twee drie vijf zes zeven negen tien twintig honderd helft',
  'дв\\p{L}{1,8} три тре\\p{L}* четыр\\p{L}* пят\\p{L}* шест\\p{L}* сем\\p{L}* вос\\p{L}* девят\\p{L}* десят\\p{L}* сорок\\p{L}* сто',
  'сот\\p{L}* тысяч\\p{L}* полов\\p{L}* дюжин\\p{L}*',
]
const numberWord = String.raw`(?<!\p{L})(?:${countWords.join(' ').replaceAll(' ', '|')})(?!\p{L})|[一二三四五六七八九十百千两半]`
const hasNumberWord = new RegExp(numberWord, 'u')
/** Scripts whose words for numbers are known here. */
const countable = /[a-zа-я\p{Script=Han}]/u
const others =
  /[\p{Script=Arabic}\p{Script=Thai}\p{Script=Devanagari}\p{Script=Hangul}\p{Script=Hebrew}\p{Script=Greek}\p{Script=Hiragana}]/u

/** The most numbers of one kind of which it is asked whether the claim was calculated from them. */
const mostCalculated = 5

function missesNumbers(claim: KnownText, { near, all }: Evidence): boolean {
  const telling = claim.figures().filter(({ isTelling }) => isTelling)
  const isIn = (text: KnownText) => (one: Figure) => text.figures().some((other) => isSame(one, other))
  const missing = telling.filter((one) => !isIn(near)(one)).filter((one) => !isIn(all)(one))
  if (missing.length === 0) return false
  const given = near.figures()
  const wrong = missing.some((one) => {
    const alike = given.filter(({ unit }) => one.unit !== '' && unit === one.unit)
    if (alike.length === 0 || alike.length > mostCalculated || isCalculated(one, alike)) return false
    return !isCounted(one.unit, near.folded())
  })
  if (wrong) return true
  // None of the claim's numbers is there in any form.
  const folded = near.folded()
  if (hasNumberWord.test(folded) || !countable.test(folded) || others.test(folded)) return false
  if (given.length > mostCalculated || claim.figures().some(isIn(all))) return false
  return missing.every((one) => !isOrdinal(one) && !isCalculated(one, given))
}

/** Days of a month, centuries and chapters are written in many ways. */
const isOrdinal = ({ value, unit }: Figure) => value <= 31 && value % 1 === 0 && !isMeasure(unit)

/** Whether the text counts the same by a word: "twelve percent". */
function isCounted(unit: string, folded: string): boolean {
  return Array.from(folded.matchAll(new RegExp(numberWord, 'gu'))).some(({ index, 0: word }) => {
    const next = folded.slice(index + word.length, index + word.length + 30)
    const words = next.match(/[\p{L}%$€£¥₹₽]+/gu) ?? []
    return next.startsWith(unit) || words.slice(0, 2).some((each) => unitOf(each) === unit)
  })
}

/** The same number, or one that was rounded to it. A power of ten between them may be a word: million, percent, 万. */
function isSame(claimed: Figure, known: Figure): boolean {
  if (Math.abs(claimed.value - known.value) === buddhistYears) return true
  // The seventies.
  if (claimed.value < 100 && known.value > 1_000 && known.value % 100 === claimed.value) return true
  const power = Math.round(Math.log10(claimed.value / known.value))
  if (Math.abs(power) === 1 || Math.abs(power) > mostPower) return false
  return claimed.digits === known.digits || isRounded(claimed, known.digits, known.value * 10 ** power)
}

const mostPower = 12
/** How far a rounded number may be from the exact one. */
const mostRounding = 0.1

function isRounded({ digits, value }: Figure, exact: string, exactValue: number): boolean {
  if (exact.length <= digits.length || Math.abs(value / exactValue - 1) > mostRounding) return false
  return (
    String(Math.round(Number(`${exact.slice(0, digits.length)}.${exact.slice(digits.length)}`))).replace(/0+$/, '') ===
    digits
  )
}

/** Between the Gregorian and the Thai year. */
const buddhistYears = 543

function isCalculated(claimed: Figure, from: readonly Figure[]): boolean {
  const values = from.map(({ value }) => value)
  const sum = values.reduce((all, value) => all + value, 0)
  const alone = values.flatMap((value) => [100 - value, value * 2, value / 2, 1 / value])
  const pairs = values.flatMap((a, at) =>
    values.flatMap((b, other) => (at === other ? [] : [a + b, a - b, a * b, a / b, (a - b) / b])),
  )
  return [sum, sum / Math.max(1, values.length), ...alone, ...pairs].some((found) => {
    if (!Number.isFinite(found) || found === 0) return false
    const value = Math.abs(found)
    const digits = value.toPrecision(12).replace(/e.*$/, '').replace(/\D/g, '').replace(/^0+/, '').replace(/0+$/, '')
    return isSame(claimed, { digits, value, unit: '', isTelling: true })
  })
}

const quoted = /["“„«「『]([^"“”„«»「」『』\n]{12,400})["”“»」』]/g
/** The share of a quotation's words that a source in the same language must have. */
const leastQuoted = 0.5

/** The claim quotes words that the source, in the same language, does not have. */
function misquotes(claim: KnownText, { near, all }: Evidence): boolean {
  const quotes = Array.from(claim.text.matchAll(quoted), ([, words = '']) => words).filter(
    (words) => terms(words).length >= 4,
  )
  if (quotes.length === 0 || !isSameLanguage(claim, near)) return false
  return quotes.every(
    (words) =>
      findVerbatim(words, near.text) === undefined &&
      shareIn(terms(words), near.terms()) < leastQuoted &&
      shareIn(terms(words), all.terms()) < leastQuoted,
  )
}

/** So many words of a claim's subject, of which a source in its language must have one. */
const leastWords = 5

/** Nothing of what the claim is about is in the source, which is in the same language. */
function isForeign(claim: KnownText, { near, all }: Evidence): boolean {
  const words = subjectTerms(claim.text).filter((term) => term.length > 2)
  if (words.length < leastWords || shareIn(words, near.terms()) > 0 || !isSameLanguage(claim, near)) return false
  return shareIn(words, all.terms()) === 0
}

function shareIn(words: readonly string[], known: ReadonlySet<string>): number {
  return words.filter((word) => known.has(word)).length / Math.max(1, words.length)
}

const languages = stopWords.map((words) => new Set(fold(words).split(/\s+/)))
/** The share of words of grammar in a text of a language that is known here: they are a third and more of most texts. */
const leastGrammar = 0.15
/** So many characters show which language it is. */
const enough = 4_000

/** Both have words of grammar of one language, and of no other language more. */
function isSameLanguage(one: KnownText, other: KnownText): boolean {
  return one.language() !== undefined && one.language() === other.language()
}

function languageOf(text: string): number | undefined {
  const words = fold(text.slice(0, enough)).match(/\p{L}+/gu) ?? []
  const counts = languages.map((stops) => words.filter((word) => stops.has(word)).length)
  const most = Math.max(...counts)
  const leaders = counts.filter((count) => count === most).length
  const isPlain = most >= Math.max(3, leastGrammar * words.length)
  return isPlain && leaders === 1 ? counts.indexOf(most) : undefined
}
