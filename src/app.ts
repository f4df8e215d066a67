/** The composition root: the only file that knows every implementation. Opened in order, closed in reverse. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { ConsoleStatus } from '../adapters/console/api.ts'
import { createConsole } from '../adapters/console/platform.ts'
import { createHandlers } from '../workers/registry.ts'
import { createSweep } from '../workers/turn.ts'
import type { Config } from './config.ts'
import { asParleyError, errorFields, ParleyError } from './core/errors.ts'
import type { Log } from './core/log.ts'
import type { Platform } from './core/platform.ts'
import { createInbox } from './intake/inbox.ts'
import { listenForStops } from './intake/stop.ts'
import { createBlobs, pictureIn } from './media/blobs.ts'
import { createReader } from './media/create-reader.ts'
import { createPreviews } from './media/previews.ts'
import { createFfmpeg } from './media/providers/ffmpeg.ts'
import { createAsrTranscriber } from './media/providers/transcribe-asr.ts'
import { createOpenAiTranscriber } from './media/providers/transcribe-openai.ts'
import { findRecognizer } from './media/recognizer.ts'
import { withRecordings } from './media/recording-reader.ts'
import type { Transcriber } from './media/transcriber.ts'
import { createCatalogue } from './models/catalogue.ts'
import { createExtractiveProvider } from './models/providers/extractive.ts'
import { createOpenAiProvider } from './models/providers/openai.ts'
import { type Check, examine } from './ops/doctor.ts'
import { serveHttp } from './ops/http.ts'
import { createBullQueue } from './queue/bullmq.ts'
import { createLocalChannel } from './queue/channel-local.ts'
import { createRelayChannel } from './queue/channel-relay.ts'
import { createProgress } from './reply/progress.ts'
import { createPassageIndex } from './search/providers/postgres.ts'
import { createAttachments } from './store/attachments.ts'
import { createConsoleBoard } from './store/console-board.ts'
import { openDatabase } from './store/database.ts'
import { clearRunning, writeRunning } from './store/home.ts'
import { startEmbeddedPostgres } from './store/postgres/embedded.ts'
import { migrate } from './store/postgres/migrate.ts'
import { createTurns } from './store/turns-postgres.ts'
import { version } from './version.ts'

export interface App extends AsyncDisposable {
  /** Where the HTTP port answers; `null` for a worker. */
  url: string | null
  doctor(): Promise<Check[]>
  /** Settles when Parley cannot go on; the reason is for the log and the exit code. */
  fatal: Promise<ParleyError>
}

export interface AppOptions {
  log: Log
  /** `examine` opens what `doctor` looks at and neither answers nor listens. */
  mode?: 'run' | 'examine'
}

const sweepEveryMs = 5000
const strandedAfterMs = 6000
const drainMs = 20_000
/** Recordings wait for the transcription server and hold no reader meanwhile: files are read past them. */
const waitingForTranscripts = 8

export async function createApp(config: Config, { log, mode = 'run' }: AppOptions): Promise<App> {
  await using opening = new AsyncDisposableStack()
  const fatal = Promise.withResolvers<ParleyError>()
  /** Names this process in leases; everything else that is in them belongs to others. */
  const owner = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`

  // State
  const embedded =
    config.databaseUrl === undefined
      ? opening.use(await startEmbeddedPostgres({ home: config.home, log, onFatal: fatal.resolve }))
      : undefined
  const connection = embedded?.connection ?? { connectionString: config.databaseUrl ?? '' }
  await migrate(connection, { log })
  const database = openDatabase(connection, { log })
  opening.defer(() => database.close())
  const turns = createTurns(database)
  const attachments = createAttachments(database)
  const board = createConsoleBoard(database)
  const index = createPassageIndex(database.pool)
  const blobs = createBlobs(config.home)

  // Ways between processes
  const queueConnection =
    config.redisUrl === undefined
      ? ({ kind: 'postgres', config: connection } as const)
      : ({ kind: 'redis', url: config.redisUrl } as const)
  const queue = await createBullQueue(queueConnection, { log })
  opening.defer(() => queue.close())
  const channel = config.role === 'all' ? createLocalChannel() : await createRelayChannel(queueConnection, { log })
  opening.defer(() => channel.close())
  const stops = await listenForStops(channel)
  opening.defer(() => stops.close())

  // What reads and what answers
  const ffmpeg = createFfmpeg({ concurrency: config.turns.readers, ...definite({ path: config.ffmpegPath }) })
  const transcriber = openTranscriber(config, log)
  const files = createReader({
    ...{ limits: config.reading, log, concurrency: config.turns.readers, blobs },
    ...definite({ recognizer: await findRecognizer() }),
  })
  const recordings = { ffmpeg, blobs, limits: config.reading, ...definite({ transcriber }) }
  const reader = withRecordings(files, recordings)
  opening.defer(() => reader.close())
  const { openai, ollama } = config.providers
  const providers = new Map(
    [
      ...(openai ? [createOpenAiProvider({ name: 'openai', ...definite(openai), log })] : []),
      ...(ollama
        ? [createOpenAiProvider({ name: 'ollama', baseUrl: `${ollama.baseUrl.replace(/\/$/, '')}/v1`, log })]
        : []),
      createExtractiveProvider(),
    ].map((provider) => [provider.name, provider]),
  )
  const catalogue = createCatalogue({
    configured: config.models.list,
    providers: [...providers.values()],
    ...(config.models.default === undefined ? {} : { defaultModel: config.models.default }),
    log,
  })

  // Platforms
  const status = async (): Promise<ConsoleStatus> => {
    const models = (await catalogue.models())
      .filter((model) => model.provider !== 'extractive')
      .map((model) => model.id)
    const notice =
      models.length > 0
        ? null
        : 'No language model is configured: Parley answers by quoting your files. Set OPENAI_API_KEY or OPENAI_BASE_URL, or run Ollama and set OLLAMA_HOST, for written answers.'
    return {
      version,
      models,
      notice,
      limits: {
        fileBytes: config.limits.fileBytes,
        files: config.limits.filesPerMessage,
        textChars: config.limits.messageCharacters,
      },
    }
  }
  const previews = createPreviews({ blobs, renderer: reader, latestArtifact: attachments.latestArtifact })
  const platforms = new Map<string, Platform>()
  const consolePlatform = await createConsole({
    board,
    topics: channel,
    blobs,
    previews,
    status,
    limits: (await status()).limits,
    loopback: config.loopback,
    log,
  })
  platforms.set(consolePlatform.name, consolePlatform)
  const platform = (name: string): Platform => {
    const known = platforms.get(name)
    if (known === undefined)
      throw new ParleyError(
        'platform_rejected',
        `The platform ${name} is not configured here. Configure it again, so that its turns can be answered.`,
      )
    return known
  }

  const doctor = () =>
    examine({
      async database() {
        const { rows } = await database.pool.query<{ version: string; turns: string; failed: string }>(
          `select current_setting('server_version') as version, count(*) as turns, count(*) filter (where state = 'failed') as failed from turn`,
        )
        const row = rows[0]
        return `PostgreSQL ${row?.version} (${embedded ? 'built in' : 'DATABASE_URL'}), ${row?.turns} turns, ${row?.failed} of them failed`
      },
      queue,
      async models() {
        const asked = await Promise.all(
          [...providers.values()].map((provider) => provider.models(AbortSignal.timeout(10_000)).catch(asParleyError)),
        )
        const known = (await catalogue.models()).filter((model) => model.provider !== 'extractive')
        return {
          names: known.map((model) => `${model.id} (${model.provider})`),
          problems: asked.flatMap((answer) => (answer instanceof ParleyError ? [answer.tell] : [])),
        }
      },
      ffmpeg: ffmpeg.version,
      ffmpegIsSet: config.ffmpegPath !== undefined,
      transcriber: transcriber === undefined ? null : () => transcriber.check(AbortSignal.timeout(10_000)),
      consoleUrl: url,
    })

  let url: string | null = null
  if (mode === 'run' && config.role !== 'gateway') await work()
  if (mode === 'run' && config.role !== 'worker') url = await listen()

  async function work(): Promise<void> {
    const sweep = createSweep({ turns, queue, log })
    if (embedded && config.role === 'all') {
      // This process owns the home alone: whoever else holds a lease is dead.
      await turns.dropForeignLeases(owner)
      await sweep(0)
    }
    const provider = (name: string) => {
      const known = providers.get(name)
      if (known === undefined)
        throw new ParleyError(
          'model_unknown',
          `No provider called ${name} is configured. Check the models in parley.yaml.`,
        )
      return known
    }
    const progress = createProgress({ platform, store: turns, log })
    const content = { artifacts: attachments.artifacts, index, picture: pictureIn(blobs) }
    const handlers = createHandlers({
      ...{
        turns,
        queue,
        attachments,
        blobs,
        reader,
        index,
        platform,
        progress,
        stops,
        catalogue,
        provider,
        content,
        owner,
        log,
      },
      limits: config.limits,
      sweep: () => sweep(strandedAfterMs),
    })
    const concurrency = {
      turn: config.turns.concurrency,
      media: config.turns.readers * 2 + waitingForTranscripts,
      system: 1,
    }
    const wanted = Object.fromEntries(
      Object.entries(concurrency).filter(([name]) => config.queues.some((each) => each === name)),
    )
    const processor = await queue.process(handlers, wanted)
    opening.defer(() => processor.close(drainMs))
    await queue.schedule({ name: 'sweep', id: 'sweep', payload: { v: 1 } }, sweepEveryMs)
  }

  async function listen(): Promise<string> {
    const inbox = createInbox({ turns, queue, channel, log })
    const listeners = [...platforms.values()].map((each) => each.listen(inbox))
    const ready = async () => {
      try {
        await database.pool.query('select 1')
        return null
      } catch (error) {
        log.warn(errorFields(error), 'not ready')
        return 'The database does not answer. Parley goes on when it is back.'
      }
    }
    const http = opening.use(
      await serveHttp({
        host: config.host,
        port: config.port,
        mounts: listeners.flatMap((each) => each.mounts),
        ready,
        doctor,
        log,
      }),
    )
    for (const listener of listeners) {
      await listener.start()
      opening.defer(() => listener.stop())
    }
    await writeRunning(config.home, { url: http.url })
    opening.defer(() => clearRunning(config.home))
    return http.url
  }

  const resources = opening.move()
  return {
    url,
    fatal: fatal.promise,
    doctor,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function openTranscriber({ transcriber }: Config, log: Log): Transcriber | undefined {
  if (transcriber === undefined) return undefined
  if (transcriber.dialect === 'asr') return createAsrTranscriber(transcriber)
  const { url, ...rest } = transcriber
  return createOpenAiTranscriber({ baseUrl: url, ...rest, log })
}

/** Without the keys whose value is not set. */
function definite<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never
}
