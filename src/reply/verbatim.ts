/** Finds quoted words in a source although line breaks, spaces, hyphenation and typographic signs differ. */

const ALIKE: Record<string, string> = {
  '‘': "'",
  '’': "'",
  '‚': "'",
  '“': '"',
  '”': '"',
  '„': '"',
  '–': '-',
  '—': '-',
  '‐': '-',
  '‑': '-',
  '−': '-',
}

/** The words as in `source`; `undefined` when it does not contain them. */
export function findVerbatim(words: string, source: string): string | undefined {
  const wanted = squeeze(words).text
  if (wanted === '') return undefined
  const { text, places } = squeeze(source)
  const at = text.indexOf(wanted)
  const from = places[at]
  const last = places[at + wanted.length - 1]
  return at < 0 || from === undefined || last === undefined ? undefined : source.slice(from, last + 1)
}

/** Without white space and in lower case, with the place of each unit in the original. */
function squeeze(original: string): { text: string; places: number[] } {
  let text = ''
  const places: number[] = []
  for (let at = 0; at < original.length; at++) {
    const sign = original[at] ?? ''
    if (/[\s\u00ad\u200b-\u200f\ufeff]/.test(sign)) continue
    // A word that was divided at the end of a line.
    if (sign === '-' && /^-[ \t]*\n\s*\p{Ll}/u.test(original.slice(at, at + 40))) continue
    const lower = ALIKE[sign] ?? sign.toLowerCase()
    for (let i = 0; i < lower.length; i++) places.push(at)
    text += lower
  }
  return { text, places }
}
