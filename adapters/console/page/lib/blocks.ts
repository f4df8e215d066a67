/**
 * Splits Markdown into blocks that can be parsed alone, so that a growing answer only parses its last block again. Splitting
 * too late costs time, and splitting too early changes the output. If in doubt, it does not split.
 */
import { formulaCloser } from './formulas.ts'

const FENCE = /^( *)(`{3,}|~{3,})(.*)$/
const LIST_ITEM = /^ {0,3}([-*+]|\d{1,9}[.)])(\s|$)/
/** Footnotes and link definitions reach across blocks. */
const REACHES_ACROSS = /^ {0,3}\[[^\]\n]+\]:\s*\S/m

export function splitBlocks(markdown: string): string[] {
  if (REACHES_ACROSS.test(markdown)) return [markdown]
  const blocks: string[] = []
  let lines: string[] = []
  let fence: string | null = null
  let formula: string | null = null
  let blank = false
  let list = false

  const cut = () => {
    while (lines.at(-1)?.trim() === '') lines.pop()
    if (lines.length > 0) blocks.push(lines.join('\n'))
    lines = []
    list = false
  }

  for (const line of markdown.split('\n')) {
    const mark = FENCE.exec(line)
    if (fence !== null) {
      lines.push(line)
      if (mark !== null && closes(mark, fence)) {
        fence = null
        if (!list) cut()
      }
      blank = false
      continue
    }
    if (formula !== null) {
      lines.push(line)
      if (line.includes(formula)) {
        formula = null
        cut()
      }
      blank = false
      continue
    }
    if (line.trim() === '') {
      blank = true
      lines.push(line)
      continue
    }
    const item = LIST_ITEM.test(line)
    if (blank && !line.startsWith(' ') && !(list && item)) cut()
    if (mark !== null && !(mark[2]?.startsWith('`') && mark[3]?.includes('`'))) {
      if (!list) cut()
      fence = mark[2] ?? null
    }
    formula = list ? null : formulaCloser(line)
    if (formula !== null) cut()
    if (item && lines.length === 0) list = true
    lines.push(line)
    blank = false
  }
  cut()
  return blocks
}

function closes(mark: RegExpExecArray, fence: string): boolean {
  const run = mark[2] ?? ''
  return run[0] === fence[0] && run.length >= fence.length && mark[3]?.trim() === ''
}

/** The levels of heading in use, without those inside code; 1 is the highest. */
export function headingLevels(markdown: string): number[] {
  const prose = markdown.replace(/^ *(`{3,}|~{3,})[\s\S]*?(^ *\1|$(?![\s\S]))/gm, '')
  const found = [...prose.matchAll(/^ {0,3}(#{1,6})\s/gm)].map((match) => match[1]?.length ?? 1)
  if (/^ {0,3}\S.*\n {0,3}=+ *$/m.test(prose)) found.push(1)
  if (/^ {0,3}\S.*\n {0,3}-+ *$/m.test(prose)) found.push(2)
  return [...new Set(found)].sort((a, b) => a - b)
}
