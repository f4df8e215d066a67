/** What the `[n]` of a message stand for, for platforms where a number cannot be opened. */
import { describePosition } from '../artifact.ts'
import type { Citation } from '../reply.ts'
import { addressOf, describeCited } from '../source.ts'
import { plainName } from '../text/plain-name.ts'
import { escapeMarkdown } from './escape.ts'
import { safeUrl } from './parse.ts'
import { rewrite } from './rewrite.ts'

export interface SourceLine {
  n: number
  /** "report.pdf, p. 3". Plain words, to be escaped. */
  place: string
  /** What of `place` differs within one source: "p. 3". */
  at: string
  /** The web address that opens the place, for sources that have one. */
  url: string | undefined
}

export interface SourceLines {
  lines: SourceLine[]
  /** How many more there are. */
  left: number
}

/** Where in a file, by whom, where and when it was shared. */
const longestPlace = 160

/** As many as fit into `maxChars`, lines and their `[n] ` counted; a name is cut at 80 characters. */
export function sourceLines(citations: Citation[], maxChars = 1000): SourceLines {
  const lines: SourceLine[] = []
  let chars = 0
  for (const citation of citations) {
    const { n, source, at } = citation
    const place = `${plainName(source.title, 80)}, ${plainName(describeCited({ source, at }), longestPlace)}`
    const line = { n, place, at: plainName(describePosition(at, source.title), 80), url: addressOf(citation) }
    chars += `[${n}] ${line.place}\n`.length
    if (chars > maxChars) break
    lines.push(line)
  }
  return { lines, left: citations.length - lines.length }
}

/** A line's place in Markdown: a link where the source has an address. */
export function linked({ place, url }: Pick<SourceLine, 'place' | 'url'>): string {
  const words = escapeMarkdown(place)
  return url === undefined ? words : `[${words}](<${url.replaceAll(/[<>\s]/g, encodeURIComponent)}>)`
}

/** The sources below a text that is shown without a platform's own form of them: a Markdown list, empty without sources. */
export function sourceList(citations: Citation[], maxChars?: number): string {
  const { lines } = sourceLines(citations, maxChars)
  return lines.map((line) => `- [${line.n}] ${linked(line)}`).join('\n')
}

/** Makes each `[n]` of the text that has an address a link to it; not in code, and not within another link. */
export function withLinkedNumbers(markdown: string, urlOf: (n: number) => string | undefined): string {
  return rewrite(markdown, (node, source) => {
    if (node.type === 'link' || node.type === 'linkReference') return source
    if (node.type !== 'text') return undefined
    return source.replaceAll(/\[(\d+)\]/g, (mark, n: string) => {
      const url = urlOf(Number(n))
      const safe = url === undefined ? undefined : safeUrl(url)
      return safe === undefined ? mark : `[${mark}](${safe})`
    })
  })
}
