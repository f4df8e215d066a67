/** Detects the delimiter: the character that gives most rows the same number of columns. */
const candidates = [',', ';', '\t', '|'] as const

export function detectDelimiter(sample: string, usual: ',' | '\t'): string {
  const rows = rowsOf(sample).slice(0, 50)
  let best = { delimiter: usual as string, score: 0 }
  for (const delimiter of [usual, ...candidates.filter((candidate) => candidate !== usual)]) {
    // Tabs are rare inside cells, while commas are common in text.
    const score = scoreOf(rows, delimiter) * (delimiter === '\t' ? 1.25 : 1)
    // The usual one comes first; another must be clearly better.
    if (score > best.score * 1.1) best = { delimiter, score }
  }
  return best.delimiter
}

function scoreOf(rows: string[], delimiter: string): number {
  const counts = rows.map((row) => row.split(delimiter).length - 1).filter((count) => count > 0)
  if (counts.length === 0) return 0
  const tally = new Map<number, number>()
  for (const count of counts) tally.set(count, (tally.get(count) ?? 0) + 1)
  const [columns = 0, agreeing = 0] = [...tally].sort((a, b) => b[1] - a[1])[0] ?? []
  return (agreeing / rows.length) * (1 + Math.log2(1 + columns) / 10)
}

/** Rows without quoted text, and without the last one, which may be cut off. */
function rowsOf(sample: string): string[] {
  const rows = sample
    .replace(/"(?:[^"]|"")*"/g, '')
    .split(/\r\n|\n|\r/)
    .filter((row) => row.trim() !== '')
  return rows.length > 1 ? rows.slice(0, -1) : rows
}
