/**
 * Takes common endings off a folded word. One light stemmer per script rather than one per language: the language of a
 * question is unknown, and the same ending taken off on both sides does no harm where it was part of the word.
 */

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
export function stem(word: string): string {
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
