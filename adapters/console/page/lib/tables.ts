/** Finds the Markdown tables that readers write for tables on slides and pages. Pure. */

const ROW = /^\|.*\|$/
const RULE = /^\|(?: *:?-{3,}:? *\|)+$/

/** The first and last line of each table: its heading, its rule, its rows. */
export function tablesIn(lines: readonly string[]): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = []
  for (let at = 0; at + 1 < lines.length; at++) {
    if (!ROW.test(lines[at] ?? '') || !RULE.test(lines[at + 1] ?? '')) continue
    let to = at + 1
    while (ROW.test(lines[to + 1] ?? '')) to++
    found.push({ from: at, to })
    at = to
  }
  return found
}

export function cellsOf(row: string): string[] {
  return row
    .replace(/^\| ?| ?\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))
}
