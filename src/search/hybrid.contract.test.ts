/** Finding by words and by meaning keeps the contract of retrievers, also while the server for embeddings is away. */
import { startTestDatabase } from '../../test/database.ts'
import { embeddingsRig } from '../../test/embeddings-rig.ts'
import { holdPassages, runningSearches } from '../../test/held-passages.ts'
import { startEmbeddings } from '../../test/servers/embeddings.ts'
import { silentLog } from '../core/log.ts'
import { openDatabase } from '../store/database.ts'
import { retrieverContract } from './retriever.contract.ts'

for (const away of [false, true])
  retrieverContract(away ? 'hybrid, without its server' : 'hybrid', async () => {
    const server = await startTestDatabase()
    const embeddings = await startEmbeddings('openai')
    const database = openDatabase((await server.createDatabase()).connection, { log: silentLog, connections: 8 })
    const rig = embeddingsRig(database, embeddings)
    await rig.fill()
    if (away) await embeddings.close()
    return {
      retriever: rig.retriever,
      async share(conversation, artifact) {
        await rig.share(conversation.split('/').at(-1) ?? '', artifact)
        if (!away) await rig.fill()
      },
      hold: () => holdPassages(database),
      // Both of its statements are one retrieval.
      working: async () => Math.min(1, await runningSearches(database)),
      async [Symbol.asyncDispose]() {
        await database.close()
        await embeddings.close()
        await server.dispose()
      },
    }
  })
