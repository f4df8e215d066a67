/**
 * Loaded into Parley before anything else (`NODE_OPTIONS=--import`): counts what it sends to PostgreSQL, by name. Told by
 * SIGUSR2 it writes the counts so far to the file that BENCH_STATEMENTS names.
 */
import { renameSync, writeFileSync } from 'node:fs'
import pg from 'pg'

const file = process.env.BENCH_STATEMENTS
export const counts: Record<string, number> = {}

function nameOf(statement: unknown): string {
  if (typeof statement === 'string') return shorten(statement)
  if (typeof statement !== 'object' || statement === null) return 'other'
  if ('name' in statement && typeof statement.name === 'string' && statement.name !== '') return statement.name
  return 'text' in statement && typeof statement.text === 'string' ? shorten(statement.text) : 'other'
}

/** BullMQ's statements begin with a comment that says what they are for. */
function shorten(text: string): string {
  const said = text.replaceAll(/\s+/g, ' ').trim().replace(/^-- /, 'queue: ')
  return said.length > 60 ? `${said.slice(0, 59)}…` : said
}

const send = pg.Client.prototype.query as (this: unknown, ...given: unknown[]) => unknown
function counted(this: unknown, ...given: unknown[]): unknown {
  const name = nameOf(given[0])
  counts[name] = (counts[name] ?? 0) + 1
  return send.apply(this, given)
}
pg.Client.prototype.query = counted as typeof pg.Client.prototype.query

if (file !== undefined) {
  process.on('SIGUSR2', () => {
    writeFileSync(`${file}.draft`, JSON.stringify(counts))
    renameSync(`${file}.draft`, file)
  })
}
