/** Reads the visible text of HTML: headings, paragraphs, lists, tables and links as Markdown. Positions are lines. */
import { Parser } from 'htmlparser2'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { createHtmlText, type HtmlBlock } from './html-text.ts'
import { createPieces } from './pieces.ts'

const chunkCharacters = 64 * 1024

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name, declaredEncoding(bytes))
    if (problem !== undefined) sink.problem(problem)
    const lines = lineCounter(text)
    await sink.progress({ done: 0, of: lines.total, unit: 'line' })
    const pieces = createPieces(sink)
    const page = createHtmlText()
    const parser = new Parser(page.handler, { decodeEntities: true, lowerCaseTags: true })
    page.locate = () => parser.startIndex
    let full = false
    let found = false
    const deliver = async (blocks: HtmlBlock[]) => {
      for (const { text: block, heading, start, end } of blocks) {
        found = true
        if (heading && !(await pieces.yieldLoop())) full = true
        else if (!(await pieces.add(block, lines.at(start), lines.at(end)))) full = true
        if (full) return
      }
    }
    for (let at = 0; at < text.length && !full; at += chunkCharacters) {
      parser.write(text.slice(at, at + chunkCharacters))
      await deliver(page.take())
      await sink.progress({ done: lines.reached(), of: lines.total, unit: 'line' })
    }
    parser.end()
    if (!full) await deliver(page.finish())
    full = !(await pieces.finish()) || full
    if (!found) throw new ParleyError('file_empty', fileWording.empty.noTextInPage(name))
    await sink.progress({ done: full ? lines.reached() : lines.total, of: lines.total, unit: 'line' })
    if (!full) return {}
    return { truncated: fileWording.partial.upTo(name, `line ${pieces.delivered()}`, limits.characters) }
  },
}

/** By the standard, `<meta charset>` is within the first kilobyte. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString('latin1')
  return (
    /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]+encoding\s*=\s*["']([\w-]+)/i.exec(head)?.[1]
  )
}

/** Line numbers of increasing offsets, counted once over the text. */
function lineCounter(text: string) {
  let offset = 0
  let line = 1
  let total = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) total += 1
  return {
    total,
    reached: () => line,
    at(wanted: number): number {
      for (let feed = text.indexOf('\n', offset); feed >= 0 && feed < wanted; feed = text.indexOf('\n', offset)) {
        line += 1
        offset = feed + 1
      }
      return line
    },
  }
}
