/**
 * Splits a typed line into words: quotes keep words together, `\` escapes the next character, `--name value` and
 * `--name=value` name an argument. Pure. Curly quotes count too, because chat programs turn straight quotes into them.
 */

import { editDistance } from '../core/text/compare.ts'

export interface Word {
  text: string
  /** In quotes, so it never names an argument. */
  quoted: boolean
  /** Where it starts in the line, to take the rest exactly as typed. */
  at: number
}

const closing: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”', '„': '“', '«': '»' }

export function words(line: string): Word[] {
  const found: Word[] = []
  let at = 0
  while (at < line.length) {
    if (/\s/.test(line[at] ?? '')) {
      at += 1
      continue
    }
    const start = at
    let text = ''
    const quoted = opens(line, at)
    while (at < line.length && !/\s/.test(line[at] ?? '')) {
      const sign = line[at] ?? ''
      const end = opens(line, at) ? endOfQuote(line, at) : -1
      if (end >= 0) {
        text += line.slice(at + 1, end).replaceAll(/\\(["'\\])/g, '$1')
        at = end + 1
      } else if (sign === '\\' && at + 1 < line.length) {
        text += line[at + 1]
        at += 2
      } else {
        text += sign
        at += 1
      }
    }
    found.push({ text, quoted, at: start })
  }
  return found
}

/** The apostrophe of `Anna's` and unclosed quotes are plain characters. */
function opens(line: string, at: number): boolean {
  const sign = line[at] ?? ''
  if (closing[sign] === undefined || endOfQuote(line, at) < 0) return false
  return at === 0 || /[\s=]/.test(line[at - 1] ?? '')
}

function endOfQuote(line: string, at: number): number {
  const close = closing[line[at] ?? '']
  for (let end = at + 1; end < line.length; end += 1) {
    if (line[end] === '\\') end += 1
    else if (line[end] === close && (end + 1 === line.length || /\s/.test(line[end + 1] ?? ''))) return end
  }
  return -1
}

/** Reads a mention: `<@U1|anna>` the person `U1`, `<#C1>` the channel `C1`. */
export function mention(text: string): { kind: 'person' | 'channel'; id: string } | undefined {
  const match = /^<([@#])!?([^|>\s]{1,200})(?:\|[^>]*)?>$/.exec(text)
  if (match?.[2] === undefined) return undefined
  return { kind: match[1] === '@' ? 'person' : 'channel', id: match[2] }
}

/** The closest of `known`, if any is close. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase().slice(0, 100)
  const close = known
    .map((name) => ({ name, distance: editDistance(wanted, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(Math.min(name.length, wanted.length) / 3)))
    .sort((a, b) => a.distance - b.distance)
  return close[0]?.name ?? known.find((name) => wanted.length > 2 && name.toLowerCase().includes(wanted))
}
