/** Decodes text: by its mark, as UTF-8, by what it declares, or by a guess, which the receipt names. */
import iconv from 'iconv-lite'
import { chardet } from 'jschardet'
import type { Problem } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'

export interface Decoded {
  text: string
  /** A label of the Encoding Standard or a name of iconv. */
  encoding: string
  problem?: Problem
}

interface Encoding {
  /** What decodes it: a label of the Encoding Standard, a name of iconv, or one of `shiftedSets`. */
  label: string
  /** The name people use. */
  called: string
}

/** The encodings that are guessed, by the detector's names. Rare ones would only take texts away from these. */
const guessed: Readonly<Record<string, Encoding>> = {
  big5hkscs: { label: 'big5', called: 'Big5' },
  cp437: { label: 'cp437', called: 'CP437' },
  cp850: { label: 'cp850', called: 'CP850' },
  cp852: { label: 'cp852', called: 'CP852' },
  cp855: { label: 'cp855', called: 'CP855' },
  cp857: { label: 'cp857', called: 'CP857' },
  cp866: { label: 'ibm866', called: 'CP866' },
  cp874: { label: 'windows-874', called: 'Windows-874' },
  cp932: { label: 'shift_jis', called: 'Shift-JIS' },
  cp949: { label: 'euc-kr', called: 'EUC-KR' },
  cp1250: { label: 'windows-1250', called: 'Windows-1250' },
  cp1251: { label: 'windows-1251', called: 'Windows-1251' },
  cp1252: { label: 'windows-1252', called: 'Windows-1252' },
  cp1253: { label: 'windows-1253', called: 'Windows-1253' },
  cp1254: { label: 'windows-1254', called: 'Windows-1254' },
  cp1255: { label: 'windows-1255', called: 'Windows-1255' },
  cp1256: { label: 'windows-1256', called: 'Windows-1256' },
  cp1257: { label: 'windows-1257', called: 'Windows-1257' },
  cp1258: { label: 'windows-1258', called: 'Windows-1258' },
  euc_jis_2004: { label: 'euc-jp', called: 'EUC-JP' },
  euc_kr: { label: 'euc-kr', called: 'EUC-KR' },
  gb18030: { label: 'gb18030', called: 'GB18030' },
  'iso8859-1': { label: 'windows-1252', called: 'Windows-1252' },
  'iso8859-2': { label: 'iso-8859-2', called: 'ISO-8859-2' },
  'iso8859-5': { label: 'iso-8859-5', called: 'ISO-8859-5' },
  'iso8859-6': { label: 'iso-8859-6', called: 'ISO-8859-6' },
  'iso8859-7': { label: 'iso-8859-7', called: 'ISO-8859-7' },
  'iso8859-8': { label: 'iso-8859-8', called: 'ISO-8859-8' },
  'iso8859-9': { label: 'windows-1254', called: 'Windows-1254' },
  'iso8859-13': { label: 'iso-8859-13', called: 'ISO-8859-13' },
  'iso8859-15': { label: 'iso-8859-15', called: 'ISO-8859-15' },
  'koi8-r': { label: 'koi8-r', called: 'KOI8-R' },
  'koi8-u': { label: 'koi8-u', called: 'KOI8-U' },
  'mac-roman': { label: 'macintosh', called: 'Mac Roman' },
  shift_jis_2004: { label: 'shift_jis', called: 'Shift-JIS' },
  'tis-620': { label: 'windows-874', called: 'Windows-874' },
}
const guessedNames = Object.keys(guessed)
/** The detector's names of the wide encodings, which it recognizes by their zeros and by the text they give. */
const wideLabels: Readonly<Record<string, string>> = {
  'utf-16-le': 'utf-16le',
  'utf-16-be': 'utf-16be',
  'utf-32-le': 'utf-32le',
  'utf-32-be': 'utf-32be',
}
const wideNames = Object.keys(wideLabels)

/** Whether control characters rule out every text but UTF-16 and UTF-32 without a mark. */
export function looksBinary(sample: Uint8Array): boolean {
  return markedEncoding(sample) === undefined && shiftedEncoding(sample) === undefined && hasControls(sample)
}

/** Whether these first bytes of a file are text in an encoding that `decodeText` knows. */
export function looksLikeText(sample: Uint8Array): boolean {
  if (markedEncoding(sample) !== undefined || shiftedEncoding(sample) !== undefined) return true
  if (hasControls(sample)) return wideEncoding(sample) !== undefined
  return isUtf8(sample) || guess(sample) !== undefined
}

/** An encoding that an XML or HTML text declares counts where the bytes allow it. */
export function decodeText(bytes: Uint8Array, name: string): Decoded {
  const certain =
    markedEncoding(bytes) ??
    shiftedEncoding(bytes) ??
    (hasControls(bytes.subarray(0, 4096)) ? wideEncoding(bytes) : unmarkedCjk(bytes))
  if (certain !== undefined) return { text: decodeAs(bytes, certain), encoding: certain }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' }
  } catch {
    // Not UTF-8 throughout: see below.
  }
  const declared = declaredEncoding(bytes)
  const asDeclared = declared === undefined ? undefined : decodeStrictly(bytes, declared)
  if (declared !== undefined && asDeclared !== undefined) return { text: asDeclared, encoding: declared }
  const text = new TextDecoder('utf-8').decode(bytes)
  const broken = count(text, '\uFFFD')
  if (broken * 20 < nonAscii(text)) {
    const userMessage = fileWording.notice.brokenUtf8(name, broken)
    return { text, encoding: 'utf-8', problem: { code: 'text_encoding', userMessage } }
  }
  const { label, called, sure } = guess(bytes) ?? { label: 'windows-1252', called: 'Windows-1252', sure: false }
  const problem = sure
    ? { code: 'text_encoding', userMessage: fileWording.notice.assumedEncoding(name, called) }
    : { code: 'text_encoding_unsure', userMessage: fileWording.notice.guessedEncoding(name, called) }
  return { text: decodeAs(bytes, label), encoding: label, problem }
}

/** The encoding of short bytes that are not UTF-8, such as the names in an archive. */
export function legacyEncodingOf(bytes: Uint8Array): string {
  return guess(bytes)?.label ?? 'windows-1252'
}

/** Decodes with a label of the Encoding Standard or a name of iconv. What is not valid becomes U+FFFD. */
export function decodeAs(bytes: Uint8Array, encoding: string): string {
  const shifted = shiftedSets[encoding]
  if (shifted !== undefined) return new TextDecoder(shifted).decode(unshift(bytes, encoding))
  const decoder = decoderOf(encoding)
  if (decoder !== undefined) return decoder.decode(bytes)
  return iconv.decode(bytes, iconv.encodingExists(encoding) ? encoding : 'windows-1252')
}

/** The text, if all bytes are valid in this encoding; undefined too for an encoding that nothing here decodes. */
function decodeStrictly(bytes: Uint8Array, encoding: string): string | undefined {
  if (decoderOf(encoding) === undefined && shiftedSets[encoding] === undefined && !iconv.encodingExists(encoding)) {
    return undefined
  }
  const text = decodeAs(bytes, encoding)
  return text.includes('\uFFFD') ? undefined : text
}

function decoderOf(encoding: string): TextDecoder | undefined {
  try {
    return new TextDecoder(encoding)
  } catch {
    return undefined
  }
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  const [first, second, third, fourth] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8'
  if (first === 0xff && second === 0xfe) return third === 0 && fourth === 0 ? 'utf-32le' : 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0 && second === 0 && third === 0xfe && fourth === 0xff) return 'utf-32be'
  return undefined
}

/** UTF-16 or UTF-32 without a mark. */
function wideEncoding(bytes: Uint8Array): string | undefined {
  return unmarkedCjk(bytes) ?? detectedWide(bytes)
}

/** Chinese, Japanese and Korean characters, their punctuation and full-width signs, and ASCII. */
const cjkText =
  /^[\t\n\r -~\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e\u2010-\u2026]*(?:[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e][\t\n\r -~\u2010-\u2026]*){4,}$/

/**
 * UTF-16 without a mark and without the zeros of Latin letters, which a detector goes by: a line of Chinese or Japanese. Two bytes of any
 * other text can read as one such character, so they must be everyday ones. Something must also be unusual in a
 * text of bytes: control characters, 0xFF, or pairs that read as different kana. Only kana with a byte beyond ASCII count:
 * `0A` reads as one, too.
 */
function unmarkedCjk(bytes: Uint8Array): string | undefined {
  if (bytes.length % 2 !== 0 || bytes.length < 8) return undefined
  const sample = bytes.subarray(0, 4096)
  const controls = hasControls(sample)
  if (!controls && isUtf8(sample)) return undefined
  const fitting = ['utf-16le', 'utf-16be'].filter((encoding) => {
    const text = decodeAs(sample, encoding)
    if (!cjkText.test(text)) return false
    const unusual = controls || sample.includes(0xff) || new Set(text.match(/[\u307f-\u30ff]/g)).size >= 2
    return unusual && isEveryday(text)
  })
  return fitting.length === 1 ? fitting[0] : undefined
}

/** Encodings that put the everyday characters of a language first, with the first bytes of these and their least second byte. */
const everyday = [
  { encoding: 'gb2312', first: [0xb0, 0xd7], second: 0xa1 },
  { encoding: 'big5', first: [0xa4, 0xc6], second: 0x40 },
  { encoding: 'shift_jis', first: [0x81, 0x98], second: 0x40 },
  { encoding: 'euc-kr', first: [0xb0, 0xc8], second: 0xa1 },
] as const

/** Whether more than four fifths of the different characters are everyday ones of one language. Among random ones, about a fifth are. */
function isEveryday(text: string): boolean {
  const letters = [...new Set(text.match(/[\u3041-\u30ff\u4e00-\u9fff\uac00-\ud7a3]/g))]
  if (letters.length < 4) return false
  return everyday.some(({ encoding, first: [from, to], second: least }) => {
    const known = letters.filter((letter) => {
      const [first = 0, second = 0] = iconv.encode(letter, encoding)
      return first >= from && first <= to && second >= least
    })
    return known.length > letters.length * 0.8
  })
}

function detectedWide(bytes: Uint8Array): string | undefined {
  const sample = bytes.subarray(0, 4096)
  if (sample.length < 8) return undefined
  const { encoding } = chardet.detect(sample, {
    includeEncodings: [...wideNames, 'cp1252'],
    compatNames: false,
    preferSuperset: false,
  })
  const label = wideLabels[encoding ?? '']
  // Binary data reads as rare ideographs, with characters between them that no text has.
  return label === undefined || noText.test(decodeAs(sample.subarray(0, sample.length & ~3), label)) ? undefined : label
}

const noText = /[[\p{Cc}--\s]\p{Cn}\p{Co}\p{Cs}]/v

/** By the standards, an XML declaration is at the start and `<meta charset>` within the first kilobyte of HTML. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, 1024)).trimStart()
  if (!head.startsWith('<')) return undefined
  const declared =
    /^<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)/i.exec(head)?.[1] ??
    /<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head)?.[1]
  return declared?.toLowerCase()
}

// ISO-2022 and HZ are pure ASCII bytes: sequences among them switch to another set of characters and back.

/** The encoding of the shifted characters once their high bit is set. */
const shiftedSets: Readonly<Record<string, string>> = {
  'iso-2022-kr': 'euc-kr',
  'iso-2022-cn': 'gb18030',
  'hz-gb-2312': 'gb18030',
}

const [escapeSign, shiftOut, shiftIn] = ['\u001b', '\u000e', '\u000f']

function shiftedEncoding(bytes: Uint8Array): string | undefined {
  const sample = bytes.subarray(0, 64 * 1024)
  if (sample.some((byte) => byte > 127)) return undefined
  const text = latin1(sample)
  const sequences = text.split(escapeSign).slice(1)
  if (text.includes(shiftOut)) {
    if (sequences.some((each) => each.startsWith('$)C'))) return 'iso-2022-kr'
    if (sequences.some((each) => each.startsWith('$)A'))) return 'iso-2022-cn'
  }
  // In color codes of terminals, the character after the escape is a bracket.
  if (sequences.some((each) => /^(?:\$[@B]|\$\([D@OPQ]|\(I)[!-~]/.test(each))) return 'iso-2022-jp'
  return /~\{(?:[!-w][!-~]){2,}~\}/.test(text) ? 'hz-gb-2312' : undefined
}

/** Sets the high bit of the shifted characters and removes the sequences around them. */
function unshift(bytes: Uint8Array, encoding: string): Uint8Array {
  const text = latin1(bytes)
  const high = (part: string) => part.replace(/[!-~]/g, (each) => String.fromCharCode(each.charCodeAt(0) | 0x80))
  const shift = (from: string, to: string) => {
    const [start = '', ...runs] = text.split(from)
    return [start, ...runs.map((run) => run.split(to)).map(([part = '', ...rest]) => high(part) + rest.join(''))].join(
      '',
    )
  }
  const plain =
    encoding === 'hz-gb-2312'
      ? shift('~{', '~}')
          .replace(/~\r?\n/g, '')
          .replaceAll('~~', '~')
      : shift(shiftOut, shiftIn)
          .split(escapeSign)
          .map((part, at) => (at === 0 ? part : part.replace(/^\$[)*+][A-Z]/, '')))
          .join('')
  return Buffer.from(plain, 'latin1')
}

// Other encodings are guessed from how often letters follow each other in each language.

/** The detector sees this much: it takes about a millisecond a kilobyte. */
const evidenceBytes = 16 * 1024
/** With fewer characters beyond ASCII, another encoding must be clearly less likely. */
const fewCharacters = 12
const closeRival = { few: 0.67, usual: 0.98 }
/** Encodings that differ in fewer of the characters read almost the same: Windows-1252 and ISO-8859-15, for example. */
const smallDifference = 0.1

/** Weights for encodings that are shared more or less often than others. They decide when a text has only a few characters beyond ASCII. */
const usual: Readonly<Record<string, number>> = { 'windows-1252': 1.05, macintosh: 0.9 }
/**
 * English with the quotation marks, dashes and currency signs of Windows. A sign between two letters does not count, because its byte is a
 * letter in other encodings.
 */
const onlySigns = /^(?:[\p{ASCII}’]|(?<![a-z])[‘“”–—…•€™£§°©®«»]|[‘“”–—…•€™£§°©®«»](?![a-z]))*$/iu

/** `sure` is false when another encoding fits nearly as well and reads differently. Undefined: not text. */
function guess(bytes: Uint8Array): (Encoding & { sure: boolean }) | undefined {
  const evidence = evidenceOf(bytes)
  const western = { label: 'windows-1252', called: 'Windows-1252' }
  if (onlySigns.test(decodeAs(evidence, western.label))) return { ...western, sure: true }
  const few = evidence.reduce((sum, byte) => sum + (byte > 127 ? 1 : 0), 0) < fewCharacters
  const found = chardet
    .detectAll(evidence, {
      includeEncodings: guessedNames,
      compatNames: false,
      preferSuperset: false,
      ignoreThreshold: true,
    })
    .flatMap(({ encoding, confidence }) => {
      const known = guessed[encoding ?? '']
      if (known === undefined) return []
      const weight = few ? (usual[known.label] ?? 1) : 1
      return [{ ...known, confidence: confidence * weight, text: decodeAs(evidence, known.label) }]
    })
    .toSorted((one, other) => other.confidence - one.confidence)
  const best = found[0]
  if (best === undefined) return undefined
  const least = best.confidence * (few ? closeRival.few : closeRival.usual)
  const rival = found.find(
    ({ text, confidence }) => confidence >= least && difference(text, best.text) > smallDifference,
  )
  return { label: best.label, called: best.called, sure: rival === undefined }
}

/** From shortly before the first byte beyond ASCII. */
function evidenceOf(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte > 127)
  const from = first < evidenceBytes / 2 ? 0 : first - 1024
  return bytes.subarray(from, from + evidenceBytes)
}

/** The share of characters beyond ASCII that two readings of the same bytes do not have in common. */
function difference(one: string, other: string): number {
  if (one.length !== other.length) return 1
  let foreign = 0
  let different = 0
  for (let at = 0; at < one.length; at += 1) {
    if (one.charCodeAt(at) < 128) continue
    foreign += 1
    if (one.charCodeAt(at) !== other.charCodeAt(at)) different += 1
  }
  return foreign === 0 ? 0 : different / foreign
}

/**
 * Tab, line feed, vertical tab, form feed, return and escape (colored logs) occur in text, and DOS ends one with 0x1A; other controls rarely
 * occur.
 */
function hasControls(sample: Uint8Array): boolean {
  const end = sample.findLastIndex((byte) => byte !== 0x1a) + 1
  let odd = 0
  for (const byte of sample.subarray(0, end)) {
    if (byte === 0) return true
    if (byte < 32 && (byte < 9 || byte > 13) && byte !== 27) odd += 1
  }
  return odd > sample.length / 500
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

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
