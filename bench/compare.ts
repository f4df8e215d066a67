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

/** Each figure of both: rows are matched by their words, tables by their order. */
export function compare(before: Result, after: Result): Table {
  const rows = after.tables.flatMap((table, at) =>
    table.rows.flatMap((row, line) => {
      const name = nameOf(row)
      const known = before.tables[at]?.rows.find((each) => nameOf(each) === name) ?? before.tables[at]?.rows[line]
      return Object.entries(row).flatMap(([column, value]) => {
        const old = known?.[column]
        if (typeof value !== 'number' || typeof old !== 'number') return []
        const change: Cell = old === 0 ? null : `${value >= old ? '+' : ''}${Math.round((value / old - 1) * 100)} %`
        return [{ figure: `${name} ${column}`.trim(), before: round(old), after: round(value), change }]
      })
    }),
  )
  return { title: `${after.bench}, before and after`, rows }
}

function nameOf(row: Record<string, Cell>): string {
  return Object.values(row)
    .filter((cell) => typeof cell === 'string')
    .join(' ')
}
