/** An answer that is too long for messages: its first messages, and the whole of it as a Markdown file. Pure. */
import { createHash } from 'node:crypto'
import type { OutgoingFile } from '../core/command.ts'
import { linked, sourceLines } from '../core/markdown/sources.ts'
import type { Capabilities } from '../core/platform.ts'
import type { Citation } from '../core/reply.ts'
import { answerWording } from '../wording/answers.ts'
import { split } from './split.ts'

export interface AnswerFile extends OutgoingFile {
  /** Of its bytes: tells the next worker after a crash that this file was posted. */
  hash: string
}

const maxNameChars = 60

export function answerFile(text: string, citations: Citation[], question: string): AnswerFile {
  const { lines } = sourceLines(citations, Number.POSITIVE_INFINITY)
  const sources = lines.map((line) => `- [${line.n}] ${linked(line)}`)
  const parts = [text.trimEnd(), ...(sources.length === 0 ? [] : ['## Sources', sources.join('\n')])]
  const data = new TextEncoder().encode(`${parts.join('\n\n')}\n`)
  const hash = createHash('sha256').update(data).digest('hex')
  return { name: fileName(question), mediaType: 'text/markdown', data, hash }
}

/** `what-is-the-notice-period.md`; `answer.md` for a question without words. */
export function fileName(question: string): string {
  const words = question
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
  const cut = words.length <= maxNameChars ? words : words.slice(0, maxNameChars).replace(/-[^-]*$/, '')
  return `${cut.toWellFormed() || 'answer'}.md`
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
