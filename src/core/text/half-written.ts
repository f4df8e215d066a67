/**
 * Markdown that is still being written. It may end in half a link, in a table without rows or in an open mark. Platforms that
 * append text use the part that will not change (`settled`). The page redraws the text and closes open marks (`closeOpen`).
 */

export interface SettledOptions {
  /** Hold back the last word and open links too; else only what a table still needs. */
  words: boolean
}

const TABLE_ROW = /^\s*\|/
const MARK = /^[ \t>]*(?:[-+*=]+|\d{1,9}[.)])[ \t]*$/

/** The beginning of a text in progress that more text cannot change. */
export function settled(text: string, { words }: SettledOptions): string {
  const table = tableStart(text)
  if (table !== undefined) return text.slice(0, table)
  if (!words) return text
  const whole = text.slice(0, text.length - (/\S*$/.exec(lastLine(text))?.[0].length ?? 0))
  const line = lastLine(whole)
  // Alone, the mark of an item may be the line below a heading, or text.
  if (MARK.test(line)) return whole.slice(0, whole.length - line.length)
  const open = openBracket(whole)
  return open === undefined ? whole : whole.slice(0, open)
}

/** Where the table begins that the text ends with: it may get more rows. */
function tableStart(text: string): number | undefined {
  const lines = text.split('\n')
  let from = lines.length
  if ((lines.at(-1) ?? '').trim() === '') from -= 1
  let row = from
  while (row > 0 && TABLE_ROW.test(lines[row - 1] ?? '')) row -= 1
  if (row === from) return undefined
  return lines.slice(0, row).reduce((sum, line) => sum + line.length + 1, 0)
}

/** Where a link or a tag of the last line begins that is not closed yet. */
function openBracket(text: string): number | undefined {
  const line = lastLine(text)
  const match = /(?:!?\[[^\]\n]*(?:\]\([^)\n]*)?|<[A-Za-z!@#/][^>\n]*)$/.exec(line)
  return match === null ? undefined : text.length - line.length + match.index
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1)
}

const FENCE = /^ *(?:`{3,}|~{3,})/

/** The last block of a text in progress, with half-written marks closed or held back. Code is not changed. */
export function closeOpen(block: string): string {
  if (FENCE.test(block)) return block
  const text = block
    .replace(/!?\[([^\]\n]*)\]\([^)\s]*$/, '$1')
    .replace(/\[\d{0,3}$/, '')
    .replace(/(?<!\*)\*{1,2}$/, '')
  const prose = text.replace(/`[^`\n]*`/g, '')
  if (count(prose, '`') % 2 === 1 && !prose.includes('``')) return `${text}\``
  return count(prose, '**') % 2 === 1 ? `${text}**` : text
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}
