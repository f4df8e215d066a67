/** "Read only pages 10 to 20": the pages that a person restricts their question to, in the words of several languages. */

/** 1-based, inclusive. */
export interface PageRange {
  from: number
  to: number
}

const page = String.raw`(?:pages?|pp?\.|pp|seiten?|(?-i:S\.)|p[áa]ginas?|p[áa]gs?\.|pagin[ae]|slides?|folien?|diapositiv[ae]s?)`
const start = String.raw`(?<![\p{L}\p{N}.])`
/** Not the beginning of a longer number, of a date or of a version. */
const number = String.raw`(\d{1,5})(?!\d|[.,/:\-–]\d)`
const article = String.raw`(?:the|zur?|la|las|les)\s+`
const until = String.raw`\s*(?:[-–—]|(?:to|through|thru|until|till|bis|à|a|al|hasta|jusqu['’]à)\s+(?:${article})?)\s*`
/** "Pages 10 to 20 times faster" is about something else. */
const noUnit = String.raw`(?!\s*(?:%|x\b|times|percent|prozent|mal\b|fois|veces|minut|second|sekund|hours?|days?|years?|people))`
/** What may stand between "only" and the page. "Only on page 7" tells where something is; it does not restrict. */
const filler = String.raw`(?:(?:read|use|consider|summari[sz]e|look\s+at|search|from|the|lies|aus|von|die|der|lis|lisez|de|la|les|las|lee|usa)\s+){0,3}`
const only = `(?:only|just|solely|nur|lediglich|ausschließlich|seulement|uniquement|s[óo]lo|solamente|[úu]nicamente|solo|soltanto)`

const ranges = new RegExp(`${start}${page}\\s*(\\d{1,5})${until}(?:${page}\\s*)?${number}${noUnit}`, 'giu')
const singles = [
  new RegExp(`${start}${only}\\s+${filler}${page}\\s*${number}`, 'giu'),
  new RegExp(`${start}${page}\\s*${number}\\s+${only}(?!\\p{L})`, 'giu'),
]
const mentions = new RegExp(`${start}${page}\\s*\\d`, 'giu')
const negated =
  /(?<!\p{L})(?:not|n['’]t|never|except|excluding|all\s+but|skip|ignore|omit|without|after|before|beyond|nicht|kein\p{L}*|ohne|außer|überspring\p{L}*|ignorier\p{L}*|non|pas|sauf|sans|hormis|no|sin|salvo|excepto|menos)(?!\p{L})[^.!?\n]{0,25}$|n['’]t[^.!?\n]{0,25}$/iu
/** Another number follows: more pages than one range can tell. */
const goesOn = /^\s*(?:[,;&+]|and|und|or|oder|et|ou|y|e)\s*\d/iu
/** What is asked reaches beyond the range. */
const beyond = /(?<!\p{L})(?:the\s+rest|elsewhere|übrige[nrs]?|dem\s+rest|le\s+reste|el\s+resto)(?!\p{L})/iu

/** Only what clearly restricts: an explicit range, or one page with "only". Everything else is left to the whole files. */
export function pagesWanted(text: string): PageRange | undefined {
  const found = [...text.matchAll(ranges)]
  if (found.length === 0) found.push(...singles.flatMap((single) => [...text.matchAll(single)].slice(0, 1)).slice(0, 1))
  const [match] = found
  if (match === undefined || found.length > 1 || beyond.test(text)) return undefined
  const before = text.slice(0, match.index)
  const after = text.slice(match.index + match[0].length)
  if (negated.test(before) || goesOn.test(after)) return undefined
  if (`${before}\n${after}`.match(mentions) !== null) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from >= 1 && to >= from ? { from, to } : undefined
}

/** "page 7", "pages 10–20". */
export function describePages({ from, to }: PageRange, word = 'page'): string {
  return from === to ? `${word} ${from}` : `${word}s ${from}–${to}`
}
