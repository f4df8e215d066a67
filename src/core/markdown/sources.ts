/** What the `[n]` of a message stand for, for platforms where a number cannot be opened. */
import { describePosition } from '../artifact.ts'
import type { Citation } from '../reply.ts'

export interface SourceLine {
  n: number
  /** "report.pdf, p. 3". Plain words, to be escaped. */
  place: string
}

export interface SourceLines {
  lines: SourceLine[]
  /** How many more there are. */
  left: number
}

/** As many as fit into `maxChars`, lines and their `[n] ` counted; a name is cut at 80 characters. */
export function sourceLines(citations: Citation[], maxChars = 1000): SourceLines {
  const lines: SourceLine[] = []
  let chars = 0
  for (const { n, title, at } of citations) {
    const line = { n, place: `${cut(title)}, ${cut(describePosition(at))}` }
    chars += `[${n}] ${line.place}\n`.length
    if (chars > maxChars) break
    lines.push(line)
  }
  return { lines, left: citations.length - lines.length }
}

function cut(words: string): string {
  const flat = words.replaceAll(/\s+/g, ' ').trim()
  return flat.length <= 80 ? flat : `${flat.slice(0, 79).toWellFormed()}…`
}
