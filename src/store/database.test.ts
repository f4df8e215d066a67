import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { silentLog } from '../core/log.ts'
import { openDatabase } from './database.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

it('a connection that the server closes while it is checked out ends no process: the next statement on it fails', async () => {
  const { connection } = await server.createDatabase({ empty: true })
  const database = openDatabase(connection, { log: silentLog })
  const client = await database.pool.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  await database.pool.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid])
  // Without a listener the runner reports an uncaught error and fails.
  await expect
    .poll(() =>
      client.query('select 1').then(
        () => 'answered',
        () => 'failed',
      ),
    )
    .toBe('failed')
  client.release(true)
  await database.close()
})
