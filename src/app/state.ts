/** The database with its stores, and the files. A part of the composition root. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import {
  countOnConsole,
  createConsoleBoard,
  forgetFileOnConsole,
  forgetOnConsole,
} from '../../adapters/console/board-postgres.ts'
import { retentionOnConsole } from '../../adapters/console/retention-postgres.ts'
import { createBlobs, createCollector } from '../blobs/blobs.ts'
import { createLocalBlobs } from '../blobs/local.ts'
import type { Config } from '../config.ts'
import type { ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { createAccessTokens } from '../identity/providers/access-tokens.ts'
import type { Closing } from '../ops/closing.ts'
import { createEmbeddingRows, createVectorIndex } from '../search/providers/embeddings-postgres.ts'
import { createPlaceRows } from '../search/providers/places-postgres.ts'
import { createPassageIndex } from '../search/providers/postgres.ts'
import { createAttachments } from '../store/attachments.ts'
import { createBlobReferences } from '../store/blob-references.ts'
import { createCollections } from '../store/collections.ts'
import { openDatabase } from '../store/database.ts'
import { createFeedback } from '../store/feedback.ts'
import { createForget } from '../store/forget.ts'
import { createKeys } from '../store/keys.ts'
import { createLearnedSources } from '../store/learned-sources.ts'
import { startEmbeddedPostgres } from '../store/postgres/embedded.ts'
import { migrate } from '../store/postgres/migrate.ts'
import { createLocalQuota, createPostgresQuota } from '../store/quota.ts'
import { createRecords } from '../store/records-postgres.ts'
import { createRetention } from '../store/retention.ts'
import { createSecrets } from '../store/secrets.ts'
import { createToolServers } from '../store/tool-servers.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { createWebPages } from '../store/web-pages.ts'
import { createWebhooks } from '../store/webhooks.ts'

/** PostgreSQL writes what it has in memory, then drops its connections. */
const stopDatabaseMs = 15_000

export async function openState(config: Config, opening: Closing, onFatal: (error: ParleyError) => void, log: Log) {
  const { home, databaseUrl } = config
  const embedded =
    databaseUrl === undefined
      ? opening.use('built-in database', await startEmbeddedPostgres({ home, log, onFatal }), stopDatabaseMs)
      : undefined
  const connection = embedded?.connection ?? { connectionString: databaseUrl ?? '' }
  await migrate(connection, { log })
  const database = openDatabase(connection, { log })
  opening.defer('database connections', () => database.close())
  const alone = embedded !== undefined && config.role === 'all'
  const secrets = createSecrets(config.secret)
  const storage = createLocalBlobs(home)
  const references = createBlobReferences(database)
  const collector = createCollector(storage, references)
  const forget = createForget({
    database,
    collect: collector.collect,
    log,
    more: forgetOnConsole,
    countMore: [countOnConsole],
    moreOfFile: forgetFileOnConsole,
  })
  return {
    connection,
    database,
    /** This process alone uses the database. */
    alone,
    secrets,
    /** What a platform's adapter is given: its own records, and the pace that all processes keep together. */
    records: (platform: string) => createRecords(database, secrets, platform),
    quota: alone ? createLocalQuota() : createPostgresQuota(database),
    embedded: embedded !== undefined,
    /** Names this process in leases. */
    owner: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    turns: createTurns(database),
    keys: createKeys(database),
    tokens: createAccessTokens({
      records: createRecords(database, secrets, 'parley'),
      issuer: config.publicUrl ?? 'urn:parley',
    }),
    feedback: createFeedback(database),
    attachments: createAttachments(database),
    learned: createLearnedSources(database),
    collections: createCollections(database),
    toolServers: createToolServers(database),
    board: createConsoleBoard(database.query),
    index: createPassageIndex(database.lasting),
    embeddingRows: createEmbeddingRows(database.lasting),
    vectors: createVectorIndex(database.lasting),
    places: createPlaceRows(database.lasting),
    blobs: createBlobs(storage, references),
    collector,
    webPages: createWebPages(database),
    webhooks: createWebhooks(database, secrets),
    forget,
    /** Deletes what is older than the configured days. */
    retain: createRetention({ database, days: config.retention, moreOfOne: retentionOnConsole }),
  }
}
