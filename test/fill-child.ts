/** A process that fills a model of embeddings until it is killed: `fill-child.ts <database> <server> <model>`. */
import { silentLog } from '../src/core/log.ts'
import { openDatabase } from '../src/store/database.ts'
import { embeddingsRig } from './embeddings-rig.ts'

const [connectionString = '', url = '', model = ''] = process.argv.slice(2)
const database = openDatabase({ connectionString }, { log: silentLog, connections: 4 })
const { filler } = embeddingsRig(database, { url }, { model })
for (;;) {
  await filler.run(AbortSignal.timeout(600_000))
  await new Promise((resolve) => setTimeout(resolve, 200))
}
