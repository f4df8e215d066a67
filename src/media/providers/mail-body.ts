/** Chooses between the plain and the HTML part of an email by what they say: the plain one may be a stub, or lack marks that change a value. */
import { htmlBlocks } from './html.ts'

/** HTML that shows what plain text cannot: struck-out, raised and lowered text. */
const marks = /<(?:del|s|strike|sup|sub)[\s>]|line-through/i
/** The plain part lacks this share of the words: it is not the same text. */
const muchMissing = 0.3
/** So many words only in the plain part: it is more than a stub. */
const muchMore = 20

export function bodyOf({ text, html }: { text?: string | undefined; html?: string | undefined }): string[] {
  const plain = text === undefined || text.trim() === '' ? [] : text.replaceAll('\r\n', '\n').trimEnd().split('\n')
  const shown = html === undefined ? [] : htmlBlocks(html)
  if (shown.length === 0) return plain
  if (plain.length === 0) return shown
  const [inPlain, inHtml] = [wordsOf(plain), wordsOf(shown)]
  const missing = lacking(inHtml, inPlain)
  const same = missing <= inHtml.size * muchMissing
  if (same) return html !== undefined && marks.test(html) ? shown : plain
  return lacking(inPlain, inHtml) > muchMore ? [...plain, ...shown] : shown
}

/** Words and numbers, without addresses: the parts write these in different ways. */
function wordsOf(lines: readonly string[]): Set<string> {
  const text = lines.join('\n').replace(/https?:\/\/[^\s)>\]]+/gi, ' ')
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu))
}

function lacking(words: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let lacks = 0
  for (const word of words) if (!other.has(word)) lacks += 1
  return lacks
}
