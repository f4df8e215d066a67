/**
 * Words as readers compare them. `fold` gives a text small letters without the marks that a reader may leave out, in every
 * script: what equals for a reader equals here, and the result is for comparing, not for showing. `editDistance` counts what
 * differs, `wordRecall` what of one text is in another.
 */

const LETTERS: Record<string, string> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  ς: 'σ',
  ى: 'ي',
  ی: 'ي',
  ة: 'ه',
  ک: 'ك',
  ـ: '',
}
const FOLDED = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g')
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const ASCII = /^[\x00-\x7f]*$/
/** Soft hyphens and zero-width characters stand inside words; they are typesetting. */
const TYPESETTING = /[\u00AD\u200B-\u200F\u2060\uFEFF]/g
/** Only marks that a reader may leave out: Indic vowel signs are letters. */
const MARKS = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]/g

export function withoutTypesetting(text: string): string {
  return text.replace(TYPESETTING, '')
}

/** Small letters, no diacritics, western digits, one width. */
export function fold(text: string): string {
  const lower = text.toLowerCase()
  if (ASCII.test(lower)) return lower
  return (
    withoutTypesetting(lower)
      .normalize('NFKD')
      // What was one sign, such as ᴬ, may be capital letters now.
      .toLowerCase()
      .replace(MARKS, '')
      .normalize('NFC')
      .replace(FOLDED, (letter) => LETTERS[letter] ?? letter)
      .replace(/\p{Nd}/gu, westernDigit)
  )
}

/** Every script's decimal digits lie in a row that begins at zero. */
function westernDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0
  if (code < 0x660) return digit
  let zero = code
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
  return String(code - zero)
}

/** How many letters must be put in, taken out, changed or swapped with the next to come from one word to the other. */
export function editDistance(from: string, to: string): number {
  let [before, row] = [[] as number[], Array.from({ length: to.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (to[j - 1] === from[i - 1] ? 0 : 1)
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (before[j - 2] ?? i + j) + 1 : i + j
      next.push(Math.min(changed, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row.at(-1) ?? 0
}

const UNSPACED = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}`
const WORDS = new RegExp(`[${UNSPACED}]|[[\\p{L}\\p{M}\\p{N}]--[${UNSPACED}]]+`, 'gv')

/** Words in small letters; in scripts without spaces, each sign. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(WORDS) ?? []
}

/** The share of the words of `expected` that `text` has too, each as often. */
export function wordRecall(expected: string, text: string): number {
  const left = new Map<string, number>()
  for (const word of wordsOf(text)) left.set(word, (left.get(word) ?? 0) + 1)
  const wanted = wordsOf(expected)
  const found = wanted.filter((word) => {
    const count = left.get(word) ?? 0
    left.set(word, count - 1)
    return count > 0
  })
  return wanted.length === 0 ? 1 : found.length / wanted.length
}
