/** Table rows as Markdown: each row is one line, and the first one names the columns. */

export interface MarkdownTable {
  /** The lines of the next row; none for a row without content. */
  row(cells: readonly string[]): string[]
}

export function createMarkdownTable(): MarkdownTable {
  let rows = 0
  return {
    row(cells) {
      const texts = cells.map(cellText)
      if (texts.every((cell) => cell === '')) return []
      rows += 1
      const line = `| ${texts.join(' | ')} |`
      return rows === 1 ? [line, `|${' --- |'.repeat(texts.length)}`] : [line]
    },
  }
}

/** One line, with bars escaped. */
export function cellText(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
}

/** A table inside a cell: cells separated by commas, rows by semicolons. */
export function nestedTable(rows: readonly (readonly string[])[]): string {
  return rows
    .map((cells) =>
      cells
        .map((cell) => cell.trim())
        .filter(Boolean)
        .join(', '),
    )
    .filter(Boolean)
    .join('; ')
}
