/** Retrievals that are held up, and how many the server is working on: for the contract of retrievers on PostgreSQL. */
import type { Database } from '../src/store/database.ts'

/** Every search that starts from now on waits until this is disposed of. */
export async function holdPassages({ pool }: Pick<Database, 'pool'>): Promise<AsyncDisposable> {
  const client = await pool.connect()
  await client.query('begin')
  await client.query('lock table passage in access exclusive mode')
  return {
    async [Symbol.asyncDispose]() {
      await client.query('rollback')
      client.release()
    },
  }
}

export async function runningSearches({ pool }: Pick<Database, 'pool'>): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and state = 'active' and query like '%shared as materialized%' and pid <> pg_backend_pid()`,
  )
  return rows[0]?.count ?? -1
}
