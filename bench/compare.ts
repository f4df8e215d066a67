/** `npm run bench -- --against <checkout>`: the same bench in another checkout and here, one after the other, as one table. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { type Cell, type Result, round, say, type Table } from './report.ts'

/** Runs one bench of another checkout with that checkout's own Node and packages. */
export function runIn(checkout: string, bench: string): Result {
  say(`Measuring ${bench} in ${checkout}`)
  const node = join(checkout, 'node_modules/.bin/node')
  const out = execFileSync(node, ['bench/main.ts', '--json', bench], {
    cwd: checkout,
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { results } = JSON.parse(out) as { results: Result[] }
  const [result] = results
  if (result === undefined) throw new Error(`${bench} gave no result in ${checkout}`)
  return result
}

/** Each figure of both: rows are matched by their words, and among those of the same words by their order; tables by theirs. */
export function compare(before: Result, after: Result): Table {
  const rows = after.tables.flatMap((table, at) => {
    const known = numbered(before.tables[at]?.rows ?? [])
    return [...numbered(table.rows)].flatMap(([name, row]) =>
      Object.entries(row).flatMap(([column, value]) => {
        const old = known.get(name)?.[column]
        if (typeof value !== 'number' || typeof old !== 'number') return []
        const change: Cell = old === 0 ? null : `${value >= old ? '+' : ''}${Math.round((value / old - 1) * 100)} %`
        return [{ figure: `${name} ${column}`.trim(), before: round(old), after: round(value), change }]
      }),
    )
  })
  return { title: `${after.bench}, before and after`, rows }
}

/** Rows by their words; the second of the same words is `… 2`. */
function numbered(rows: readonly Record<string, Cell>[]): Map<string, Record<string, Cell>> {
  const found = new Map<string, Record<string, Cell>>()
  const seen = new Map<string, number>()
  for (const row of rows) {
    const name = Object.values(row)
      .filter((cell) => typeof cell === 'string')
      .join(' ')
    const nth = (seen.get(name) ?? 0) + 1
    seen.set(name, nth)
    found.set(nth === 1 ? name : `${name} ${nth}`.trim(), row)
  }
  return found
}
