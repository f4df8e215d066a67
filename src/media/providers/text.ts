/** Reads plain text: prose, Markdown, source code, JSON, YAML, XML, logs. Positions are lines. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { createPieces } from './pieces.ts'

/** Lines between two progress reports. */
const progressLines = 2_000

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name)
    if (problem !== undefined) sink.problem(problem)
    if (text.trim() === '') throw new ParleyError('file_empty', fileWording.empty.onlyBlankLines(name))
    const of = countLines(text)
    await sink.progress({ done: 0, of, unit: 'line' })
    const pieces = createPieces(sink)
    let number = 0
    let full = false
    for (const line of linesOf(text)) {
      number += 1
      // A blank line ends a paragraph, and a segment that is half full.
      const blank = line.trim() === ''
      if (blank && !(await pieces.yieldLoop())) full = true
      else if (!(await pieces.add(line, number, number))) full = true
      if (full) break
      if (number % progressLines === 0) await sink.progress({ done: number, of, unit: 'line' })
    }
    full = !(await pieces.finish()) || full
    await sink.progress({ done: full ? number : of, of, unit: 'line' })
    if (!full) return {}
    const read = { done: pieces.delivered(), of, characters: limits.characters }
    return { truncated: fileWording.partial.first(name, 'line', read) }
  },
}

function* linesOf(text: string): Generator<string> {
  let from = 0
  while (from < text.length) {
    const feed = text.indexOf('\n', from)
    const end = feed < 0 ? text.length : feed
    yield text.charCodeAt(end - 1) === 13 && end > from ? text.slice(from, end - 1) : text.slice(from, end)
    from = end + 1
  }
}

/** Counts like an editor: a final line feed does not start another line. */
function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return text.endsWith('\n') ? lines - 1 : lines
}
