/** Chooses tesseract's languages for a page: those of its script, then the one that its words are in. Pure. */

/** Languages by script, as tesseract names both. Every other language is written in Latin letters. */
const scripts: Record<string, string> = {
  Arabic: 'ara fas urd pus uig snd kur_ara',
  Armenian: 'hye',
  Bengali: 'ben asm',
  Cyrillic: 'rus ukr bul bel srp mkd kaz kir mon tgk tat aze_cyrl uzb_cyrl',
  Devanagari: 'hin mar nep san',
  Ethiopic: 'amh tir',
  Georgian: 'kat kat_old',
  Greek: 'ell grc',
  Gujarati: 'guj',
  Gurmukhi: 'pan',
  Han: 'chi_sim chi_tra',
  Hangul: 'kor',
  Hebrew: 'heb yid',
  Japanese: 'jpn',
  Kannada: 'kan',
  Khmer: 'khm',
  Korean: 'kor',
  Lao: 'lao',
  Malayalam: 'mal',
  Myanmar: 'mya',
  Sinhala: 'sin',
  Tamil: 'tam',
  Telugu: 'tel',
  Thai: 'tha',
  Tibetan: 'bod dzo',
}
const scriptOf = new Map(
  Object.entries(scripts).flatMap(([script, codes]) => codes.split(' ').map((code) => [code, script])),
)

/** Up to this many languages take hardly more time than one. */
export const mostLanguages = 4

/** Those for a script, the most frequent first, with English for the Latin words among them. Empty when none is installed. */
export function languagesOf(script: string, installed: readonly string[]): string[] {
  const known = (scripts[script] ?? '').split(' ')
  // Han is also a part of Japanese.
  if (script === 'Han') known.push('jpn')
  const own =
    scripts[script] === undefined
      ? installed.filter((code) => !scriptOf.has(code))
      : known.filter((code) => installed.includes(code))
  return own.length === 0 || own.includes('eng') || !installed.includes('eng') ? own : [...own, 'eng']
}

/** Frequent words that few other languages have. */
const words: Record<string, string> = {
  ces: 'a je se na že ve pro jako jsou bylo nebo který také podle',
  dan: 'og er det at en af til på ikke med som den har blev eller',
  deu: 'der die und ist nicht das den von mit dem ein eine für auf werden sich zu wird bei',
  eng: 'the of and to is that for with was are this be on not from by which',
  fin: 'ja on ei että se oli mutta kun ovat sekä tai kuin mukaan',
  fra: 'le la les et des est une du que pour dans qui pas sur au avec par',
  hun: 'a az és hogy nem egy van meg is ez volt csak vagy',
  ita: 'il di che la un per non una sono con del della nel gli alla',
  nld: 'de het een van en is dat niet voor met zijn op wordt aan ook',
  nor: 'og er det på ikke som en av til med har være eller fra',
  pol: 'i w na nie się że do jest z przez oraz są dla od jak',
  por: 'o de que não para uma com os em do da mais por como foi ao',
  ron: 'și în de la nu este cu pe din care pentru sau sunt al',
  spa: 'el de que y los en las por con para del una es se más como',
  swe: 'och är att det som på inte en av för med till har eller',
  tur: 've bir bu için ile olarak da de olan daha gibi ne',
  bel: 'і ў не на што з да як гэта для або',
  bul: 'и на в не за да се от е са по като това',
  rus: 'и в не на что с по как это для от или из к',
  srp: 'и у је да се на за од не као су или',
  ukr: 'і в не на що з та до як це для або від',
}
const wordSets = new Map(Object.entries(words).map(([code, list]) => [code, new Set(list.split(' '))]))

/** A text with fewer of these words may be in any language. */
const fewWords = 8
/** How much more often than those of any other language. */
const clearly = 1.3

/** The language of a text among these, if it is clear. */
export function languageOf(text: string, among: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    for (const [code, known] of wordSets) if (known.has(word)) counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  const [first, second] = [...counts].filter(([code]) => among.includes(code)).toSorted(([, a], [, b]) => b - a)
  if (first === undefined || first[1] < fewWords || first[1] < (second?.[1] ?? 0) * clearly) return undefined
  return first[0]
}

const names = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' })
const otherNames: Record<string, string> = { chi_sim: 'zh-Hans', chi_tra: 'zh-Hant', frk: 'de' }

/** "English and German". */
export function languageNames(codes: readonly string[]): string {
  const known = codes.map((code) => names.of(otherNames[code] ?? code.split('_')[0] ?? code) ?? code)
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(new Set(known))
}
