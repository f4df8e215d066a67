/** Finding by words keeps the contract of retrievers. */

import { startTestDatabase } from '../../../test/database.ts'
import { knowBlobs } from '../../../test/fixtures/blobs.ts'
import { shareFiles } from '../../../test/share-files.ts'
import { silentLog } from '../../core/log.ts'
import { openDatabase } from '../../store/database.ts'
import { retrieverContract } from '../retriever.contract.ts'
import { createPassageIndex } from './postgres.ts'

retrieverContract('lexical, on PostgreSQL', async () => {
  const server = await startTestDatabase()
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog, connections: 4 })
  const index = createPassageIndex(database.lasting)
  return {
    retriever: index,
    async share(conversation, artifact) {
      await knowBlobs(database.pool, artifact.contentHash)
      await index.add(artifact)
      await shareFiles(database, [artifact], { channelId: conversation.split('/').at(-1) ?? '' })
    },
    async hold() {
      const client = await database.pool.connect()
      await client.query('begin')
      await client.query('lock table passage in access exclusive mode')
      return {
        async [Symbol.asyncDispose]() {
          await client.query('rollback')
          client.release()
        },
      }
    },
    async working() {
      const { rows } = await database.pool.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where state = 'active' and query like '%with visible as materialized%' and pid <> pg_backend_pid()`,
      )
      return rows[0]?.count ?? -1
    },
    async [Symbol.asyncDispose]() {
      await database.close()
      await server.dispose()
    },
  }
})
