/** Finding by words keeps the contract of retrievers. */

import { startTestDatabase } from '../../../test/database.ts'
import { knowBlobs } from '../../../test/fixtures/blobs.ts'
import { holdPassages, runningSearches } from '../../../test/held-passages.ts'
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
    hold: () => holdPassages(database),
    working: () => runningSearches(database),
    async [Symbol.asyncDispose]() {
      await database.close()
      await server.dispose()
    },
  }
})
