/**
 * Formulas as models write them, `\(…\)`, `\[…\]` and `$$…$$`, kept to the letter: Markdown would take their backslashes and read
 * emphasis and lists into them. Pure.
 */

const CLOSERS: Record<string, string> = { '\\(': '\\)', '\\[': '\\]', $$: '$$' }
const OPENING_LINE = /^ {0,3}(\$\$|\\\[)/

/** What ends the formula that begins with `line` and goes on after it; `null`: no formula does. */
export function formulaCloser(line: string): string | null {
  const opener = OPENING_LINE.exec(line)?.[1] ?? ''
  const closer = CLOSERS[opener]
  return closer === undefined || line.includes(closer, line.indexOf(opener) + opener.length) ? null : closer
}

/** Whether a block of Markdown is a formula on lines of its own. */
export function isFormulaBlock(block: string): boolean {
  const end = block.indexOf('\n')
  return end > 0 && formulaCloser(block.slice(0, end)) !== null
}

/** Code comes first: what it holds stays code. */
const CODE_OR_FORMULA =
  /(?<code>(?<run>(?<!`)`+)(?!`)[\s\S]*?(?<!`)\k<run>(?!`))|(?<!\\)(?<formula>\\\((?:(?!\n\s*\n)[\s\S])+?(?:\\\)|$)|\\\[(?:(?!\n\s*\n)[\s\S])+?(?:\\\]|$)|\$\$[^$]+?(?:\$\$|$))/g

/** Each formula within other text becomes code with its signs. `open`: the text is being written, and may end in a formula. */
export function formulasAsCode(markdown: string, open: boolean): string {
  if (!/\\[([]|\$\$/.test(markdown) || /^ *~~~/m.test(markdown)) return markdown
  return markdown.replaceAll(CODE_OR_FORMULA, (whole, ...rest) => {
    const { formula } = rest.at(-1) as { formula?: string }
    if (formula === undefined || !isFormula(formula, open)) return whole
    const fence = '`'.repeat(Math.max(0, ...[...formula.matchAll(/`+/g)].map(([run]) => run.length)) + 1)
    return `${fence}${formula.replaceAll(/\s*\n\s*/g, ' ')}${fence}`
  })
}

/** Text in code that is a formula of `formulasAsCode`. */
export const isFormulaCode = (text: string) => /^(?:\\[([]|\$\$)/.test(text)

function isFormula(text: string, open: boolean): boolean {
  const closed = text.length >= 4 && text.endsWith(CLOSERS[text.slice(0, 2)] ?? '')
  if (!closed && !open) return false
  const inner = text.slice(2, closed ? -2 : undefined)
  // Brackets are escaped also in names of files, and in `\[1\]` that is not a citation.
  return text.startsWith('\\[') ? /\\[a-z]|[=^]/i.test(inner) : inner.trim() !== ''
}
