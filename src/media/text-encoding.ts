/** Decodes text: detects the encoding, and reports a problem where it is uncertain. */
import type { Problem } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'

/** Whether these first bytes of a file are text in an encoding that `decodeText` knows. */
export function looksLikeText(sample: Uint8Array): boolean {
  if (byteOrderMark(sample) !== undefined) return true
  if (wideEncoding(sample) !== undefined) return true
  let odd = 0
  for (const byte of sample) {
    if (byte === 0) return false
    // Tab, line feed, vertical tab, form feed, return and escape (colored logs) occur in text; other control characters rarely do.
    if (byte < 32 && (byte < 9 || byte > 13) && byte !== 27) odd += 1
  }
  if (odd > sample.length / 500) return false
  return isUtf8(sample) || highBytes(sample) < sample.length * 0.4 || legacyEncodingOf(sample) !== 'windows-1252'
}

export interface Decoded {
  text: string
  encoding: string
  problem?: Problem
}

/** `declared` is an encoding that the text itself names, as an HTML page does; it counts where the bytes allow it. */
export function decodeText(bytes: Uint8Array, name: string, declared?: string): Decoded {
  const marked = byteOrderMark(bytes) ?? wideEncoding(bytes.subarray(0, 4096))
  if (marked !== undefined) return { text: decoderOf(marked).decode(bytes), encoding: marked }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' }
  } catch {
    // Not UTF-8 throughout: see below.
  }
  const asDeclared = declared === undefined ? undefined : tryDeclared(bytes, declared)
  if (asDeclared !== undefined) return asDeclared
  const text = new TextDecoder('utf-8').decode(bytes)
  const broken = count(text, '\uFFFD')
  if (broken * 20 < nonAscii(text)) {
    const userMessage = fileWording.notice.brokenUtf8(name, broken)
    return { text, encoding: 'utf-8', problem: { code: 'text_encoding', userMessage } }
  }
  const encoding = legacyEncodingOf(bytes.subarray(0, 256 * 1024))
  const userMessage = fileWording.notice.assumedEncoding(name, encodingName(encoding))
  return { text: decoderOf(encoding).decode(bytes), encoding, problem: { code: 'text_encoding', userMessage } }
}

function tryDeclared(bytes: Uint8Array, declared: string): Decoded | undefined {
  try {
    return { text: new TextDecoder(declared, { fatal: true }).decode(bytes), encoding: declared.toLowerCase() }
  } catch {
    return undefined
  }
}

function decoderOf(encoding: string): TextDecoder {
  return new TextDecoder(encoding)
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

/** UTF-16 without a mark: in Latin scripts every other byte is zero, and only those. */
function wideEncoding(sample: Uint8Array): string | undefined {
  if (sample.length < 8) return undefined
  let even = 0
  let odd = 0
  for (let i = 0; i < sample.length; i += 1) {
    if (sample[i] !== 0) continue
    if (i % 2 === 0) even += 1
    else odd += 1
  }
  const half = sample.length / 2
  if (odd > half * 0.6 && even < half * 0.02) return 'utf-16le'
  if (even > half * 0.6 && odd < half * 0.02) return 'utf-16be'
  return undefined
}

/** A sample may end inside a character, which is fine. */
function isUtf8(sample: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true })
    return true
  } catch {
    return false
  }
}

function highBytes(sample: Uint8Array): number {
  let high = 0
  for (const byte of sample) if (byte > 127) high += 1
  return high
}

function nonAscii(text: string): number {
  let found = 0
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) found += 1
  return found
}

function count(text: string, part: string): number {
  let found = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found += 1
  return found
}

// Legacy encodings are guessed: each candidate is tried, and the result that looks most like written text is taken. Bytes alone
// cannot prove it, so the reader says what was assumed.

interface Candidate {
  encoding: string
  called: string
  /** The letters and signs that texts in it are made of. */
  script: RegExp
}

/** East Asian ones first: few bytes in a row are valid in them by chance. */
const wide: readonly Candidate[] = [
  { encoding: 'shift_jis', called: 'Shift-JIS', script: /[\p{Script=Hiragana}\p{Script=Katakana}ー、。]/gu },
  { encoding: 'euc-jp', called: 'EUC-JP', script: /[\p{Script=Hiragana}\p{Script=Katakana}ー、。]/gu },
  { encoding: 'euc-kr', called: 'EUC-KR', script: /\p{Script=Hangul}/gu },
  {
    encoding: 'gb18030',
    called: 'GB18030',
    script:
      /[的一是不了在人有我他这个中大上来到时国地要出就分对成会可主年动同工也能下过子说产种面而方后多定行学法所民得经日号称合计月数名价格单量电话公司编备注、，。]/gu,
  },
  {
    encoding: 'big5',
    called: 'Big5',
    script:
      /[的一是不了在人有我他這個中大上來到時國地要出就分對成會可主年動同工也能下過子說產種面而方後多定行學法所民得經日號稱合計月數名價格單量電話公司編備註、，。]/gu,
  },
]

const single: readonly (Candidate & { frequent: string })[] = [
  {
    encoding: 'windows-1252',
    called: 'Windows-1252',
    script: /[äöüÄÖÜßàâçéèêëîïôùûÉÈÇáíóúñãõåæøÅÆØ€–—„“”‘’…°§µ²³½£«»¿¡·®©]/gu,
    frequent: 'äöüßéèàçñáíóåæøãõêôÄÖÜ’–“”€°',
  },
  {
    encoding: 'windows-1251',
    called: 'Windows-1251',
    script: /[\p{Script=Cyrillic}«»№–—„“”’…]/gu,
    frequent: 'оеаинтсрвлкмдпуі',
  },
  { encoding: 'koi8-r', called: 'KOI8-R', script: /[а-яА-ЯёЁ]/gu, frequent: 'оеаинтсрвлкмдпу' },
  {
    encoding: 'windows-1253',
    called: 'Windows-1253',
    script: /[\p{Script=Greek}«»–—…]/gu,
    frequent: 'αάοόιίεέτνσςηήυύρπκ',
  },
  {
    encoding: 'windows-1255',
    called: 'Windows-1255',
    script: /[\p{Script=Hebrew}–—₪]/gu,
    frequent: 'יוהלארתבשמנד',
  },
  {
    encoding: 'windows-1256',
    called: 'Windows-1256',
    script: /[\p{Script=Arabic}،؛؟–—]/gu,
    frequent: 'اليمونرتبةعد',
  },
  {
    encoding: 'windows-1250',
    called: 'Windows-1250',
    script: /[ąćęłńóśźżĄĆĘŁŃŚŹŻěščřžýáíéúůďťňĚŠČŘŽÝÁÍÉÚŮĎŤŇőűŐŰăâîşţöüä–—„”“’…]/gu,
    frequent: 'ąęłóżśćńáíéěščřžýůőöüäăşţ',
  },
]

const called = new Map([...wide, ...single].map(({ encoding, called: name }) => [encoding, name]))

/** The name people use for an encoding. */
function encodingName(encoding: string): string {
  return called.get(encoding) ?? encoding
}

/** For bytes that are not UTF-8. `windows-1252` when nothing speaks for another. */
export function legacyEncodingOf(bytes: Uint8Array): string {
  const sample = bytes.subarray(0, 64 * 1024)
  const scored = wide
    .map((candidate) => ({ ...candidate, score: scoreWide(sample, candidate) }))
    .filter(({ score }) => score > 0.12)
    .sort((a, b) => b.score - a.score)
  if (scored[0] !== undefined) return scored[0].encoding
  let best = { encoding: 'windows-1252', score: 0 }
  for (const candidate of single) {
    const score = scoreSingle(sample, candidate)
    // The usual one is asked first: another must be clearly better.
    if (score > best.score * 1.05 + 0.02) best = { encoding: candidate.encoding, score }
  }
  return best.encoding
}

/** Which share of what is not ASCII is of the script; 0 when the bytes are not valid, but for a cut at the sample's end. */
function scoreWide(bytes: Uint8Array, { encoding, script }: Candidate): number {
  const text = decodeStrictly(bytes, encoding)
  if (text === undefined) return 0
  const foreign = matchesIn(text, /[^\p{ASCII}]/gu)
  if (foreign === 0 || /[\u0080-\u009f\p{Private_Use}]/u.test(text)) return 0
  // Half-width katakana and rare ideographs are what other encodings look like when they are read as these.
  const odd = matchesIn(
    text,
    /[\uff61-\uff9f\u{20000}-\u{3ffff}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Bopomofo}\u2500-\u257f]/gu,
  )
  if (encoding === 'shift_jis') return odd > foreign * 0.2 ? 0 : Math.max(0, commonInShiftJis(bytes) - 0.5)
  const ideographs = matchesIn(text, /\p{Script=Han}/gu)
  if (odd > foreign * 0.2 || matchesIn(text, script) + ideographs < foreign * 0.5) return 0
  return (matchesIn(text, script) - odd) / foreign
}

/** Of one byte a character everything is valid: frequent letters count most, capitals within words count against it. */
function scoreSingle(bytes: Uint8Array, { encoding, script, frequent }: (typeof single)[number]): number {
  const text = new TextDecoder(encoding).decode(bytes)
  const foreign = text.match(/[^\p{ASCII}]/gu) ?? []
  if (foreign.length === 0) return 0
  const usual = foreign.filter((letter) => frequent.includes(letter)).length
  const controls = matchesIn(text, /[\u0080-\u009f\ufffd]/gu)
  const strange = matchesIn(text, /\p{Ll}\p{Lu}/gu) + matchesIn(text, /(?<=[a-z])[^\p{ASCII}\p{L}’'\s–—-](?=[a-z])/gu)
  // Letters of different alphabets do not occur in one word.
  const mixed = matchesIn(text, /[a-zA-Z][\p{L}--\p{Script=Latin}]|[\p{L}--\p{Script=Latin}][a-zA-Z]/gv)
  const own = matchesIn(foreign.join(''), script)
  return (own * 0.4 + usual * 0.6 - 3 * controls - strange - mixed) / foreign.length
}

/** Which share of the two-byte characters are kana, signs or the kanji that schools teach first. */
function commonInShiftJis(bytes: Uint8Array): number {
  let characters = 0
  let common = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const lead = bytes[at] ?? 0
    if (lead < 0x81 || (lead > 0x9f && lead < 0xe0)) continue
    at += 1
    characters += 1
    if (lead <= 0x83 || (lead >= 0x88 && lead <= 0x97)) common += 1
  }
  return characters < 2 ? 0 : common / characters
}

function decodeStrictly(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}

function matchesIn(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
