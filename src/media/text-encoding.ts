/** Decodes text: detects the encoding, and reports a problem where it is uncertain. */
import type { Problem } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { encodingName, legacyEncodingOf } from './legacy-encoding.ts'

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
