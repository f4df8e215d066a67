/** Pure: the rows of a table in HTML → a table in Markdown. */

/** A cell, and how many columns and rows it takes. */
export interface Cell {
  text: string
  columns: number
  rows: number
}

export const maxRows = 500
const maxColumns = 60

/** Rows keep their empty cells; a merged cell has its text once and is empty in the rest of its place. */
export function table(rows: Cell[][]): string {
  /** For each column, the rows that a merged cell above still takes. */
  const taken: number[] = []
  const grid = rows.map((cells) => {
    const line: string[] = []
    const skip = () => {
      while ((taken[line.length] ?? 0) > 0 && line.length < maxColumns) {
        taken[line.length] = (taken[line.length] ?? 0) - 1
        line.push('')
      }
    }
    for (const { text, columns, rows: down } of cells) {
      skip()
      for (let at = 0; at < columns && line.length < maxColumns; at += 1) {
        taken[line.length] = down - 1
        line.push(at === 0 ? text : '')
      }
    }
    skip()
    return line
  })
  const columns = Math.max(0, ...grid.map(({ length }) => length))
  // One column is a layout, not a table.
  if (columns <= 1) return grid.map(([text = '']) => text).join('\n\n')
  const lines = grid.map((line) => {
    const cells = Array.from({ length: columns }, (_, at) => oneLine(line[at] ?? ''))
    return `| ${cells.join(' | ')} |`
  })
  return [lines[0], `|${' --- |'.repeat(columns)}`, ...lines.slice(1)].join('\n')
}

/** A table in a cell of another. */
export function inCell(rows: Cell[][]): string {
  return rows.map((cells) => cells.map(({ text }) => oneLine(text)).join(', ')).join('; ')
}

/** What stands below each other in a cell is separated by a space; code stays where it is. */
function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/(?<!\\)\|/g, '\\|')
}
