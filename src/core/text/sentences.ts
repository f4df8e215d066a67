/**
 * Where sentences end, in the languages that people write to Parley in. One rule for all who cut text: quotations and their
 * marks, answers without a model, messages that are too long, passages of the index. In doubt a sentence goes on: a quotation
 * of two sentences is better than half of one.
 */

export interface Span {
  from: number
  to: number
}

/** Quotation marks, brackets, emphasis and citations that belong to the sentence before them. */
const CLOSERS = String.raw`(?:[^\S\n]?»)?["'”’»›)\]」』）》*_]*(?:[^\S\n]?\[\d{1,3}\])*`
/** Signs that need white space after them, and those of scripts that have none. */
const SPACED = '.!?…؟۔।॥።։'
const UNSPACED = '。！？｡'
/** What ends a sentence without any sign: a blank line, or a list item that follows. */
const BREAK = String.raw`\n[^\S\n]*\n|\n(?=[^\S\n]*(?:[-*•]|\d{1,3}[.)])\s)`

const candidates = () => new RegExp(`(?<broken>${BREAK})|(?<sign>[${SPACED}]+|[${UNSPACED}]+)${CLOSERS}`, 'gu')
const BEFORE = new RegExp(`(?<sign>[${SPACED}]+|[${UNSPACED}]+)${CLOSERS}\\s{0,8}$`, 'u')
/** How far before a position its full stop, closing signs and white space may lie. */
const FAR = 40

const words = (list: string) => new Set(list.split(/\s+/).filter((word) => word !== ''))

/** Always followed by something: a name, a noun, an example. Lower case, without their last full stop. */
const leading = words(`
  mr mrs ms dr drs prof mx messrs rev hon gen col capt lt sgt maj gov sen pres st
  hr fr frl dipl ing dipl.-ing hrn
  mme mlle mgr
  sr sra srta dra profa dña ud uds exmo exma
  sig sig.ra sig.na dott dott.ssa avv geom egr spett
  cf cfr vgl vs viz e.g eg i.e ie z.b zb d.h dh u.a o.ä bzw bspw ggf ggfs evtl inkl exkl zzgl insb sog lt betr mio mrd tsd ca circa approx
  p.ej p.ex p.es c.-à-d env v.a i.d.r i.v.m i.s.d u.u z.t
`)
/** Followed by a number or a sign when they are no end: "No. 5", "Art. 5", "Sept. 3", "S. 12". */
const counting = words(`
  no nos nr nrn art arts abs abb tab fig figs sec sect ziff rn rz kap bd bde anl ch chap vol vols p pp s pg para paras
  eq ex app núm num n.º nº pág págs pag pagg cap caps inc.iso lit al alin ss art.º bl aufl jg hs ver v
  jan feb febr mar mär apr jun jul aug sep sept oct okt nov dec dez janv févr avr juil déc ene abr ago dic gen mag giu lug set ott
  fev mai out tel est
`)
/** End a sentence only before a capital: "etc.", "Ltd.". */
const either = words(`
  etc usw ecc u.s.w u.v.m uvm inc ltd co corp bros jr al et.al a.m p.m am pm a.c d.c b.c ff min std sek max str
  approx est dept univ assn ed eds hrsg
`)
/** Before a number with a full stop they make it an ordinal: "am 3. März", "im 2. Quartal". */
const ordinalAfter = words(`
  am im vom zum zur beim ab bis seit der die das den dem des ein eine einen einem einer eines jeder jede jedes jeden und oder
  dieser diese diesem diesen
`)
const MONTH =
  /^(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jan|Feb|Mär|Apr|Jun|Jul|Aug|Sept?|Okt|Nov|Dez)\b/u

/** Where each sentence stands, closing signs included, white space around it left out. */
export function sentenceSpans(text: string): Span[] {
  const spans: Span[] = []
  let from = 0
  const end = (to: number) => {
    const sentence = text.slice(from, to)
    const lead = sentence.length - sentence.trimStart().length
    const size = sentence.trim().length
    if (size > 0) spans.push({ from: from + lead, to: from + lead + size })
    from = to
  }
  for (const match of text.matchAll(candidates())) {
    const to = match.index + match[0].length
    const sign = match.groups?.sign
    if (sign === undefined || isEnd(text, match.index, match.index + sign.length, to, from)) end(to)
  }
  end(text.length)
  return spans
}

/** Whether a sentence has ended before `at`, white space between them left out. Depends on little text around it. */
export function sentenceEndsBefore(text: string, at: number): boolean {
  const start = Math.max(0, at - FAR)
  const match = BEFORE.exec(text.slice(start, at))
  if (match === null) return false
  const sign = match.groups?.sign ?? ''
  const from = start + match.index
  return isEnd(text, from, from + sign.length, from + match[0].trimEnd().length, Math.max(0, from - FAR))
}

/** `from` to `past` is the sign, up to `to` stand closing signs; the sentence begins at `begin`. */
function isEnd(text: string, from: number, past: number, to: number, begin: number): boolean {
  const sign = text[past - 1] ?? ''
  if (UNSPACED.includes(sign)) return true
  const after = text.slice(to, to + 60)
  if (after !== '' && !/^\s/u.test(after)) return false
  const next = /^\s*(?<open>[\p{Ps}\p{Pi}"'¿¡*_]*)(?<word>.[\p{L}\p{M}]*)?/u.exec(after)?.groups?.word ?? ''
  if (next === '' || /^[^\S\n]*\n[^\S\n]*(?:\n|[-*•]\s|\d{1,3}[.)]\s)/.test(after)) return true
  const isSmall = /^\p{Ll}/u.test(next)
  if (sign === '…') return !isSmall
  // “Really?” she asked.
  if (sign !== '.') return !(isSmall && to > past)
  if (past - from > 1) return !isSmall
  return isFullStop(text.slice(Math.max(begin, from - FAR), from), next, isSmall)
}

/** Whether the full stop between `before` and the word `next` is one, or only that of an abbreviation or an ordinal. */
function isFullStop(before: string, next: string, isSmall: boolean): boolean {
  const token = /[\p{L}\p{M}\p{N}.º’'-]+$/u.exec(before)?.[0] ?? ''
  const ahead = before.slice(0, before.length - token.length)
  const word = token.toLowerCase()
  const isCount = /^[\p{Nd}§¶]/u.test(next) || /^(?:[IVXLC]{2,}|[VX])$/.test(next)
  if (/^\p{Nd}+$/u.test(token)) return isNumberEnd(token, ahead, next, isSmall)
  if (leading.has(word)) return false
  if (counting.has(word) && (isCount || isSmall)) return false
  if (either.has(word)) return !isSmall && !isCount
  if (/^\p{L}$/u.test(token)) {
    // "J. Smith", "George W. Bush", "z. B.", "a. the first"; but "So do I. Then".
    return !(isSmall || isCount || next.length === 1 || (/^\p{Lu}$/u.test(token) && token !== 'I'))
  }
  // "U.S. Army", "k.u.k. Armee", "J.-P. Martin"
  if (/^(?:\p{L}\p{M}*\.)+\p{L}$/u.test(token) || /^\p{Lu}\.?-\p{Lu}$/u.test(token)) return false
  return true
}

/** "3. März 2024", "am 2. Tag" and "1. Do this" go on; "It was 42. Then" ends. */
function isNumberEnd(token: string, ahead: string, next: string, isSmall: boolean): boolean {
  if (token.length > 2) return true
  if (ahead.trim() === '') return false
  if (isSmall || MONTH.test(next)) return false
  const previous = /([\p{L}\p{M}]+)\s+$/u.exec(ahead)?.[1]?.toLowerCase() ?? ''
  return !ordinalAfter.has(previous)
}
