/** Files that come with an answer: the whole of it where it is too long for messages, and tables that are too wide. Pure. */
import { createHash } from 'node:crypto'
import type { OutgoingFile } from '../core/command.ts'
import { sourceList } from '../core/markdown/sources.ts'
import { wideTables } from '../core/markdown/table.ts'
import type { Capabilities } from '../core/platform.ts'
import type { Citation } from '../core/reply.ts'
import { csvCell } from '../core/text/csv.ts'
import { answerWording } from '../wording/answers.ts'
import { split } from './split.ts'

export interface AnswerFile extends OutgoingFile {
  /** Of its bytes: tells the next worker after a crash that this file was posted. */
  hash: string
}

const maxNameChars = 60

export function answerFile(text: string, citations: Citation[], question: string): AnswerFile {
  const sources = sourceList(citations, Number.POSITIVE_INFINITY)
  const parts = [text.trimEnd(), ...(sources === '' ? [] : ['## Sources', sources])]
  return fileOf(`${fileName(question)}.md`, 'text/markdown', `${parts.join('\n\n')}\n`)
}

/** A shorter table is read as a list. */
const leastRows = 3

/** All tables of an answer that no code block of this width can show, below each other; `undefined` without one. */
export function tableFile(text: string, question: string, maxColumns: number): AnswerFile | undefined {
  const wide = wideTables(text, maxColumns).filter((rows) => rows.length > leastRows)
  if (wide.length === 0) return undefined
  const csv = wide.map((rows) => rows.map((row) => row.map(csvCell).join(',')).join('\r\n'))
  // Spreadsheets read UTF-8 where it begins with this mark.
  return fileOf(`${fileName(question)}.csv`, 'text/csv', `\uFEFF${csv.join('\r\n\r\n')}\r\n`)
}

function fileOf(name: string, mediaType: string, text: string): AnswerFile {
  const data = new TextEncoder().encode(text)
  return { name, mediaType, data, hash: createHash('sha256').update(data).digest('hex') }
}

/** `what-is-the-notice-period`; `answer` for a question without words. */
export function fileName(question: string): string {
  const words = question
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
  const cut = words.length <= maxNameChars ? words : words.slice(0, maxNameChars).replace(/-[^-]*$/, '')
  return cut.toWellFormed() || 'answer'
}

/** The first `most` of an answer's messages; the last of them says where the rest is. */
export function shortened(
  texts: string[],
  most: number,
  { maxChars, fits }: Pick<Capabilities, 'maxChars' | 'fits'>,
  file: { name: string },
): string[] {
  const note = answerWording.continuedInFile(file.name)
  const noted = (text: string) => `${text}\n\n${note}`
  const [last = ''] = split(texts[most - 1] ?? '', maxChars - note.length - 2, fits && ((text) => fits(noted(text))))
  return [...texts.slice(0, most - 1), noted(last)]
}
