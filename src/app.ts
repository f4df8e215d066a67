/** The composition root: the only file that knows every implementation. Opened in order, closed in reverse. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { createApi } from '../adapters/api/platform.ts'
import type { ConsoleStatus } from '../adapters/console/api.ts'
import { createFiles as createBlobFiles } from '../adapters/console/files.ts'
import { createConsole } from '../adapters/console/platform.ts'
import { createHandlers } from '../workers/registry.ts'
import { createSweep } from '../workers/turn.ts'
import { catalogueChanges } from './admin/changes.ts'
import { explain } from './admin/commands/why.ts'
import { createCommands } from './admin/commands.ts'
import { chartPng } from './admin/providers/chart-png.ts'
import { standingOf } from './admin/standing.ts'
import { createTurnRules } from './admin/turn-rules.ts'
import { openMoney } from './app/money.ts'
import type { Config } from './config.ts'
import { asParleyError, errorFields, ParleyError } from './core/errors.ts'
import type { Log } from './core/log.ts'
import type { Intake, Platform } from './core/platform.ts'
import { describeDecision, type RouteDecision } from './core/route-decision.ts'
import { createApprovals } from './intake/approvals.ts'
import { createInbox, type InboxDeps } from './intake/inbox.ts'
import { listenForStops, stopTopic } from './intake/stop.ts'
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
import { anthropicUrl, createAnthropicProvider } from './models/providers/anthropic.ts'
import { createExtractiveProvider } from './models/providers/extractive.ts'
import { createPublishedPrices } from './models/providers/genai-prices.ts'
import { createOllamaProvider } from './models/providers/ollama.ts'
import { createOllamaModels } from './models/providers/ollama-local.ts'
import { createOpenAiProvider } from './models/providers/openai.ts'
import { isOpenAi, openAiUrl } from './models/providers/openai-client.ts'
import { createOpenAiResponsesProvider } from './models/providers/openai-responses.ts'
import { resolveModel } from './models/resolve-model.ts'
import { type Check, examine } from './ops/doctor.ts'
import { serveHttp } from './ops/http.ts'
import { imageLimits } from './prompt/images.ts'
import { createBullQueue } from './queue/bullmq.ts'
import { createLocalChannel } from './queue/channel-local.ts'
import { createRelayChannel } from './queue/channel-relay.ts'
import { createProgress } from './reply/progress.ts'
import { DryRun, explainRoute } from './routing/dry-run.ts'
import { createHealth } from './routing/health.ts'
import { shareHealth } from './routing/health-shared.ts'
import { createPaidHearing } from './routing/paid-hearing.ts'
import { createPassageIndex } from './search/providers/postgres.ts'
import { createAttachments } from './store/attachments.ts'
import { createAudit } from './store/audit-postgres.ts'
import { createCommandCalls } from './store/command-calls.ts'
import { createConsoleBoard } from './store/console-board.ts'
import { openDatabase } from './store/database.ts'
import { createFeedback } from './store/feedback.ts'
import { createForget } from './store/forget.ts'
import { clearRunning, writeRunning } from './store/home.ts'
import { createKeys } from './store/keys.ts'
import { startEmbeddedPostgres } from './store/postgres/embedded.ts'
import { migrate } from './store/postgres/migrate.ts'
import { createLocalQuota } from './store/quota-local.ts'
import { createPostgresQuota } from './store/quota-postgres.ts'
import { createRecords } from './store/records-postgres.ts'
import { createSecrets } from './store/secrets.ts'
import { createSettings } from './store/settings-postgres.ts'
import { createTurns } from './store/turns-postgres.ts'
import { createUsage } from './store/usage-postgres.ts'
import { version } from './version.ts'

export interface App extends AsyncDisposable {
  /** Where the HTTP port answers; `null` when there is none. */
  url: string | null
  doctor(): Promise<Check[]>
  /** How a question would be routed. Throws `model_unknown`, `request_invalid`. */
  explain(asked: unknown): Promise<RouteDecision>
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
  const state = await openState(config, opening, fatal.resolve, log)
  const ways = await openWays(config, state, opening, log)
  const models = openModels(config, ways, log)
  const reading = await openReaders(config, state, log)
  const { reader, transcriber } = reading
  opening.defer(() => reader.close())
  const platforms = await openPlatforms({ config, state, ways, models, reader, log })
  const money = await openMoney({
    ...{ database: state.database, channel: ways.channel, settings: ways.settings, platform: platforms.platform },
    ...{ opening, log },
  })

  let url: string | null = null
  const doctor = () => examineApp({ config, state, ways, models, reading, url })
  const explain = (asked: unknown) => explainAsked(asked, { config, ways, models, money })
  const all = { config, state, ways, models, reader, transcriber, platforms, money, doctor, explain, opening, log }
  if (mode === 'run') {
    await applyBudgets(all)
    if (config.role !== 'gateway') await work(all)
    url = config.role === 'worker' ? await listen(all, config.workerPort, []) : await receive(all)
  }
  const resources = opening.move()
  return { url, doctor, explain, fatal: fatal.promise, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

type State = Awaited<ReturnType<typeof openState>>
type Ways = Awaited<ReturnType<typeof openWays>>
type Models = ReturnType<typeof openModels>
type Readers = Awaited<ReturnType<typeof openReaders>>
type Platforms = Awaited<ReturnType<typeof openPlatforms>>
type Money = Awaited<ReturnType<typeof openMoney>>

interface Parts {
  config: Config
  state: State
  ways: Ways
  models: Models
  reader: Readers['reader']
  log: Log
}
interface Running extends Parts {
  transcriber: Readers['transcriber']
  platforms: Platforms
  money: Money
  doctor(): Promise<Check[]>
  explain(asked: unknown): Promise<RouteDecision>
  opening: AsyncDisposableStack
}

/** The database with its stores, and the files. */
async function openState(
  config: Config,
  opening: AsyncDisposableStack,
  onFatal: (error: ParleyError) => void,
  log: Log,
) {
  const { home, databaseUrl } = config
  const embedded =
    databaseUrl === undefined ? opening.use(await startEmbeddedPostgres({ home, log, onFatal })) : undefined
  const connection = embedded?.connection ?? { connectionString: databaseUrl ?? '' }
  await migrate(connection, { log })
  const database = openDatabase(connection, { log })
  opening.defer(() => database.close())
  const alone = embedded !== undefined && config.role === 'all'
  const secrets = createSecrets(config.secret)
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
    feedback: createFeedback(database),
    attachments: createAttachments(database),
    board: createConsoleBoard(database),
    index: createPassageIndex(database.lasting),
    blobs: createBlobs(home),
  }
}

/** The ways between processes: jobs, live text, stops, and what is heard of on them: settings, which models are well. */
async function openWays(
  config: Config,
  { connection, alone, database }: State,
  opening: AsyncDisposableStack,
  log: Log,
) {
  const server =
    config.redisUrl === undefined
      ? ({ kind: 'postgres', config: connection } as const)
      : ({ kind: 'redis', url: config.redisUrl } as const)
  const queue = await createBullQueue(server, { log })
  opening.defer(() => queue.close())
  const channel = alone ? createLocalChannel() : createRelayChannel(server, { log })
  opening.defer(() => channel.close())
  const stops = await listenForStops(channel)
  opening.defer(() => stops.close())
  const settings = await createSettings({ database, channel, log })
  opening.defer(() => settings.close())
  const health = createHealth()
  opening.defer(await shareHealth(health, channel))
  return { queue, channel, stops, settings, health }
}

/** What reads files, pictures and recordings. */
async function openReaders(config: Config, { blobs }: State, log: Log) {
  const ffmpeg = createFfmpeg({ concurrency: config.turns.readers, ...definite({ path: config.ffmpegPath }) })
  const transcriber = openTranscriber(config, log)
  const files = createReader({
    ...{ limits: config.reading, log, concurrency: config.turns.readers, blobs },
    ...definite({ recognizer: await findRecognizer() }),
  })
  const recordings = { ffmpeg, blobs, limits: config.reading, ...definite({ transcriber }) }
  return { ffmpeg, transcriber, reader: withRecordings(files, recordings) }
}

function openModels(config: Config, { settings }: Ways, log: Log) {
  const { openai, anthropic, ollama, servers } = config.providers
  const openAiProvider = isOpenAi(openai?.baseUrl) ? createOpenAiResponsesProvider : createOpenAiProvider
  const providers = [
    ...(openai ? [openAiProvider({ name: 'openai', ...definite(openai), log })] : []),
    ...(anthropic ? [createAnthropicProvider({ name: 'anthropic', ...definite(anthropic), log })] : []),
    ...(ollama
      ? [createOllamaProvider({ name: 'ollama', ...ollama, contextWindows: windowsOf('ollama', config), log })]
      : []),
    ...servers.map((server) => createOpenAiProvider({ ...server, log })),
    createExtractiveProvider(),
  ]
  const defaultModel = config.models.default === undefined ? {} : { defaultModel: config.models.default }
  const catalogue = createCatalogue({
    ...{ configured: config.models.list, providers, ...defaultModel, log },
    published: createPublishedPrices(),
    changes: catalogueChanges(settings),
    // Where each provider is asked decides which prices hold, and what is own hardware.
    addresses: definite({
      openai: openai && (openai.baseUrl ?? openAiUrl),
      anthropic: anthropic && (anthropic.baseUrl ?? anthropicUrl),
      ollama: ollama?.baseUrl,
      transcriber: config.transcriber?.url,
      ...Object.fromEntries(servers.map(({ name, baseUrl }) => [name, baseUrl])),
    }),
  })
  return {
    catalogue,
    providers,
    /** Models that can be pulled and deleted; absent where nothing keeps any. */
    local: ollama && createOllamaModels({ name: 'ollama', ...ollama, log }),
    provider(name: string) {
      const known = catalogue.provider(name)
      if (known) return known
      throw new ParleyError(
        'model_unknown',
        `No provider called ${name} is configured. Check the models in parley.yaml.`,
      )
    },
    /** Models that write; without any, answers are quotations. */
    writing: async () => (await catalogue.models()).filter((model) => model.provider !== 'extractive'),
  }
}

function windowsOf(provider: string, { models }: Config): Record<string, number> {
  const set = models.list.flatMap((model) =>
    model.provider === provider && model.contextWindow !== undefined ? [[model.id, model.contextWindow] as const] : [],
  )
  return Object.fromEntries(set)
}

/** Its library is loaded where it is wanted. */
async function openDiscord({ config, state, log }: Pick<Parts, 'config' | 'state' | 'log'>): Promise<Platform[]> {
  if (config.discord === undefined) return []
  const { createDiscord } = await import('../adapters/discord/platform.ts')
  const { records, quota } = state
  return [createDiscord({ ...config.discord, records: records('discord'), quota, log })]
}

async function openSlack({ config, state, log }: Pick<Parts, 'config' | 'state' | 'log'>): Promise<Platform[]> {
  if (config.slack === undefined) return []
  const { createSlack } = await import('../adapters/slack/platform.ts')
  const { records, quota } = state
  return [createSlack({ settings: config.slack, records: records('slack'), quota, log })]
}

/** OpenAI's clients ask here. */
function openApi({
  limits,
  state,
  ways,
  models,
  log,
}: Pick<Parts, 'state' | 'ways' | 'models' | 'log'> & { limits: ConsoleStatus['limits'] }): Platform {
  const { keys, blobs, turns } = state
  return createApi({
    ...{ blobs, limits, version, log, files: createBlobFiles(blobs), topics: ways.channel, ended: turns.ended },
    findKey: keys.find,
    models: models.writing,
    async checkModel(name) {
      resolveModel(await models.catalogue.models(), name)
    },
  })
}

/** Its SDK is loaded where it is wanted. */
async function openTeams({
  config,
  state,
  ways,
  log,
}: Pick<Parts, 'config' | 'state' | 'ways' | 'log'>): Promise<Platform[]> {
  if (config.teams === undefined) return []
  const { createTeams } = await import('../adapters/teams/platform.ts')
  const { records, quota, blobs, turns } = state
  const { fileBytes: maxFileBytes } = config.limits
  const stopTurn = async (turnId: string) => {
    await turns.requestStop(turnId)
    ways.channel.publish(stopTopic, { turnId })
  }
  return [
    createTeams({
      settings: config.teams,
      records: records('teams'),
      quota,
      blobs,
      maxFileBytes,
      stopTurn,
      log,
    }),
  ]
}

async function openPlatforms({ config, state, ways, models, reader, log }: Parts) {
  const { fileBytes, filesPerMessage: files, messageCharacters: textChars } = config.limits
  const limits = { fileBytes, files, textChars }
  const status = async (): Promise<ConsoleStatus> => {
    const names = (await models.writing()).map((model) => model.id)
    return { version, limits, models: names, notice: names.length > 0 ? null : noModelNotice }
  }
  const { board, blobs, attachments } = state
  const previews = createPreviews({ blobs, renderer: reader, latestArtifact: attachments.latestArtifact })
  const all: Platform[] = [
    await createConsole({
      board,
      blobs,
      previews,
      status,
      limits,
      topics: ways.channel,
      loopback: config.loopback,
      log,
    }),
    ...(await openSlack({ config, state, log })),
    ...(await openDiscord({ config, state, log })),
    openApi({ limits, state, ways, models, log }),
    ...(await openTeams({ config, state, ways, log })),
  ]
  return {
    all,
    platform(name: string): Platform {
      const known = all.find((each) => each.name === name)
      if (known) return known
      throw new ParleyError(
        'platform_rejected',
        `The platform ${name} is not configured here. Configure it again, so that its turns can be answered.`,
      )
    },
  }
}

async function applyBudgets({ config, money, log }: Running): Promise<void> {
  const { applied, removed } = await money.budgets.seed(config.budgets)
  if (applied.length + removed.length > 0)
    log.info({ set: applied.length, removed: removed.length }, 'budgets of parley.yaml applied')
}

const noModelNotice =
  'No language model is configured: Parley answers by quoting your files. Set OPENAI_API_KEY, OPENAI_BASE_URL or ANTHROPIC_API_KEY, or run Ollama and set OLLAMA_HOST, for written answers.'

/** Starts the workers of this process. */
async function work(running: Running): Promise<void> {
  const { config, state, ways, models, reader, transcriber, platforms, money, opening, log } = running
  const { turns, attachments, index, blobs, owner } = state
  const { queue, stops } = ways
  const { platform } = platforms
  const sweep = createSweep({ turns, queue, log })
  if (state.alone) {
    // Whoever else holds a lease is dead.
    await turns.dropForeignLeases(owner)
    await sweep(0)
  }
  const handlers = createHandlers({
    ...{ turns, queue, attachments, blobs, reader, index, stops, owner, log, platform },
    ...{ catalogue: models.catalogue, provider: models.provider, limits: config.limits, health: ways.health },
    ...{ rules: createTurnRules(ways.settings), budget: money.budget },
    progress: createProgress({ platform, store: turns, log }),
    content: { artifacts: attachments.artifacts, index, picture: pictureIn(blobs) },
    paying: createPaidHearing({
      budget: money.budget,
      model: () => models.catalogue.about('transcriber', transcriber?.name ?? 'none'),
    }),
    ...{ turnLimits: money.turnLimits, approvals: money.approvalRequests },
    async sweep() {
      await sweep(strandedAfterMs)
      await money.budget.sweep()
    },
  })
  const media = config.turns.readers * 2 + waitingForTranscripts
  const concurrency = { turn: config.turns.concurrency, media, system: 1 }
  const wanted = Object.entries(concurrency).filter(([name]) => config.queues.some((each) => each === name))
  const processor = await queue.process(handlers, Object.fromEntries(wanted))
  opening.defer(() => processor.close(drainMs))
  await queue.schedule({ name: 'sweep', id: 'sweep', payload: { v: 1 } }, sweepEveryMs)
}

/** What admins and people do by command, wherever they type it. */
function openCommands({ config, state, ways, models, platforms, money, log }: Running, ask: Intake['receive']) {
  const { database } = state
  const { settings } = ways
  const usage = createUsage(database)
  const stores = {
    audit: createAudit(database),
    calls: createCommandCalls(database),
    keys: state.keys,
    budgets: money.budgets,
    usage,
    waiting: usage.waiting,
    turns: state.turns,
    forget: createForget(database),
  }
  return createCommands({
    ...{ settings, ...stores, models: () => models.catalogue.models() },
    ...{ provider: models.provider, local: models.local, refreshModels: models.catalogue.refresh },
    ...{ budget: money.budget, health: ways.health, removeBlob: state.blobs.remove },
    ...{ admins: adminsOf(config), ask, draw: chartPng, log },
    tell: async (target, notice, key) => {
      const { transport } = platforms.platform(target.conversation.platform)
      await transport.notify?.(target, notice, { key, signal: AbortSignal.timeout(30_000) })
    },
  })
}

/** Of the whole installation. Whoever reaches the console sits at this machine: it is served on loopback alone. */
function adminsOf({ admins, loopback }: Config): string[] {
  return loopback ? [...admins, 'console/local/local', 'console/local/cli'] : admins
}

function adminOf({
  config,
  ways,
  state,
  money,
  log,
}: Running): Pick<InboxDeps, 'settings' | 'roleOf' | 'why' | 'approvals'> {
  const { turns } = state
  const { settings, queue } = ways
  const { approvals, notices } = money
  const admins = adminsOf(config)
  const roleOf: InboxDeps['roleOf'] = async (author, conversation) =>
    (await standingOf({ author, conversation }, { settings, admins })).role
  return {
    settings,
    roleOf,
    approvals: createApprovals({ approvals, notices, turns, queue, roleOf, log }),
    why: (turnId, by) => explain({ turns, usage: createUsage(state.database) }, turnId, by),
  }
}

/** Takes messages in, from every platform. */
async function receive(running: Running): Promise<string | null> {
  const { config, state, ways, platforms, opening, log } = running
  // A saved question comes in as if its person had typed it.
  const commands = openCommands(running, (message) => inbox.receive(message))
  const inbox: Intake = createInbox({
    ...{ turns: state.turns, feedback: state.feedback, queue: ways.queue, channel: ways.channel, commands, log },
    ...adminOf(running),
  })
  const listeners = platforms.all.map((platform) => platform.listen(inbox))
  const url = await listen(
    running,
    config.port,
    listeners.flatMap((listener) => listener.mounts),
  )
  for (const listener of listeners) {
    await listener.start()
    opening.defer(() => listener.stop())
  }
  if (url !== null) {
    await writeRunning(config.home, { url })
    opening.defer(() => clearRunning(config.home))
  }
  return url
}

/** Opens the HTTP port, if there is to be one. */
async function listen(
  { config, state, doctor, explain, opening, log }: Running,
  port: number | undefined,
  mounts: ReturnType<Platform['listen']>['mounts'],
): Promise<string | null> {
  if (port === undefined) return null
  const ready = async () => {
    try {
      await state.database.pool.query('select 1')
      return null
    } catch (error) {
      log.warn(errorFields(error), 'not ready')
      return 'The database does not answer. Parley goes on when it is back.'
    }
  }
  const http = opening.use(await serveHttp({ host: config.host, port, mounts, ready, doctor, explain, log }))
  return http.url
}

async function explainAsked(
  asked: unknown,
  { config, ways, models, money }: Pick<Running, 'config' | 'ways' | 'models' | 'money'>,
): Promise<RouteDecision> {
  const dryRun = DryRun.safeParse(asked)
  if (!dryRun.success) throw new ParleyError('request_invalid', 'That is no question to be routed.')
  const { catalogue } = models
  const rules = createTurnRules(ways.settings)
  const limits = { promptTokens: config.limits.promptTokens, mostImages: imageLimits.count }
  return await explainRoute({ catalogue, rules, health: ways.health, budget: money.budget, ...limits }, dryRun.data)
}

interface Examined extends Pick<Parts, 'config' | 'state' | 'ways' | 'models'> {
  reading: Readers
  url: string | null
}

function examineApp({ config, state, ways, models, reading, url }: Examined) {
  const { ffmpeg, transcriber } = reading
  return examine({
    async database() {
      const { rows } = await state.database.pool.query<{ version: string; turns: string; failed: string }>(
        `select current_setting('server_version') as version, count(*) as turns,
           count(*) filter (where state = 'failed') as failed from turn`,
      )
      const kind = state.embedded ? 'built in' : 'DATABASE_URL'
      return `PostgreSQL ${rows[0]?.version} (${kind}), ${rows[0]?.turns} turns, ${rows[0]?.failed} of them failed`
    },
    queue: ways.queue,
    async models() {
      const answers = models.providers.map((provider) =>
        provider.models(AbortSignal.timeout(10_000)).catch(asParleyError),
      )
      const problems = (await Promise.all(answers)).flatMap((answer) =>
        answer instanceof ParleyError ? [answer.tell] : [],
      )
      return { problems, names: (await models.writing()).map((model) => `${model.id} (${model.provider})`) }
    },
    ffmpeg: ffmpeg.version,
    ffmpegIsSet: config.ffmpegPath !== undefined,
    transcriber: transcriber === undefined ? null : () => transcriber.check(AbortSignal.timeout(10_000)),
    consoleUrl: url,
  })
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
