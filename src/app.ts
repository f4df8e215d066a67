/** The composition root: with the files of src/app the only one that knows every implementation. Opened in order, closed in reverse. */

import { buffer } from 'node:stream/consumers'
import type { WorkerDeps } from '../workers/deps.ts'
import { createIsolation } from '../workers/isolation.ts'
import { createHandlers } from '../workers/registry.ts'
import { createLearnSweep, createSweep } from '../workers/sweep.ts'
import { createTurnRules } from './admin/turn-rules.ts'
import { openAccounts } from './app/accounts.ts'
import { adminOf, openCommands, rolesOf } from './app/commands.ts'
import { openFileSearch } from './app/embeddings.ts'
import { examineApp, explainRequest } from './app/examine.ts'
import { openMessaging } from './app/messaging.ts'
import { openModels } from './app/models.ts'
import { openMoney } from './app/money.ts'
import { openPageAccounts } from './app/page-accounts.ts'
import { openPeople } from './app/people.ts'
import { type Connections, listenOn, openPlatforms } from './app/platforms.ts'
import { openReaders } from './app/readers.ts'
import type { Running, State } from './app/services.ts'
import { openState } from './app/state.ts'
import { openToolServers } from './app/tool-servers.ts'
import { openTools } from './app/tools.ts'
import { concernsWeb, openWeb } from './app/web.ts'
import { openWebhooks } from './app/webhooks.ts'
import type { Config } from './config.ts'
import type { ConnectionPauses } from './core/connection.ts'
import { errorFields, type ParleyError } from './core/errors.ts'
import type { Log } from './core/log.ts'
import type { Intake, Platform } from './core/platform.ts'
import type { RouteDecision } from './core/route-decision.ts'
import type { EgressOptions } from './egress/guard.ts'
import { setUpAddress, setUpLogHours } from './identity/invitations.ts'
import { passwordProblem } from './identity/passwords.ts'
import { stopForDisabled } from './intake/disabled-people.ts'
import { createInbox } from './intake/inbox.ts'
import { createFilesPosted } from './intake/learning.ts'
import { createAccessGate } from './ops/access.ts'
import { Closing, drainMs, putBackMs } from './ops/closing.ts'
import type { Check } from './ops/doctor.ts'
import { serveHttp } from './ops/http.ts'
import { createOwnRoutes, localAddress } from './ops/routes.ts'
import { createProgress } from './reply/progress.ts'
import { createMeteredTranscriber } from './routing/metered-transcriber.ts'
import { createMemory } from './search/memory.ts'
import { createPlaceReaders } from './search/places.ts'
import { openDatabase } from './store/database.ts'
import { clearRunning, ensureTerminalToken, writeRunning } from './store/home.ts'
import { createPrune } from './store/prune.ts'
import { createTurns } from './store/turns-postgres.ts'
import { joinToolboxes } from './tools/find-tool.ts'
import type { WebLimits } from './web/gather-web.ts'
import { setUpWording } from './wording/sign-in.ts'
import { startWording } from './wording/startup.ts'

export interface App extends AsyncDisposable {
  /** Where the HTTP port answers; `null` when there is none. */
  url: string | null
  /** Where to create the first account, if that is due: there are none, and the page can be reached from outside. */
  setUpNotice(): Promise<string | null>
  doctor(): Promise<Check[]>
  /** How a question would be routed. Throws `model_unknown`, `request_invalid`. */
  explain(request: unknown): Promise<RouteDecision>
  /** Settles when Parley cannot go on; the reason is for the log and the exit code. */
  fatal: Promise<ParleyError>
}

export interface AppOptions {
  log: Log
  /** `examine` opens what `doctor` looks at and neither answers nor listens. */
  mode?: 'run' | 'examine'
  /** For tests: how soon platforms are tried again. */
  pauses?: Partial<ConnectionPauses>
  /** For tests: addresses that count as public. */
  egress?: EgressOptions
  /** For tests: how long searching the web may take on a busy machine. */
  webLimits?: WebLimits
}

const sweepEveryMs = 5000
const embedEveryMs = 10_000
const orphanedAfterMs = 6000
/** Extra file jobs, so that recordings waiting for the transcription server do not block other files. */
const waitingForTranscripts = 8

export async function createApp(
  config: Config,
  { log, mode = 'run', pauses, egress, webLimits }: AppOptions,
): Promise<App> {
  await using opening = new Closing(log)
  const fatal = Promise.withResolvers<ParleyError>()
  const state = await openState(config, opening, fatal.resolve, log)
  const messaging = await openMessaging(config, state, opening, log)
  const accounts = openAccounts(state.database, messaging.channel, config.admins)
  const problem = passwordProblem()
  if (problem !== null) log.error({}, problem)
  const pageAccounts = await openPageAccounts(config, state, messaging, accounts, opening, log)
  const models = openModels(config, messaging, log)
  const reading = await openReaders(config, log)
  const { reader, transcriber } = reading
  opening.defer('readers', () => reader.close())
  const open: Platform[] = []
  const people = await openPeople({
    config,
    state,
    messaging,
    accounts,
    platforms: () => open,
    models: models.catalogue.models,
    opening,
  })
  const places = createPlaceReaders({
    rows: state.places,
    places: (name) => open.find((each) => each.name === name)?.places,
    log,
  })
  const platforms = await openPlatforms({
    ...{ config, state, messaging, pageAccounts, people, models, reader, places, log, pauses },
    money: () => money,
  })
  open.push(...platforms.all)
  const money = await openMoney({
    database: state.database,
    channel: messaging.channel,
    settings: messaging.settings,
    names: people.names,
    platform: platforms.platform,
    roleOf: rolesOf({ config, pageAccounts }, messaging.settings, people.directory),
    opening,
    log,
  })
  const webhooks = openWebhooks({ config, state, messaging, platforms, money, opening, log, egress })
  const web = openWeb({ config, state, reader, money, log, egress, limits: webLimits })
  const fileSearch = openFileSearch({ config, state, messaging, models, money, log })
  const memory = createMemory({ retriever: fileSearch.retriever, places, otherWords: config.memory.otherWords })

  let url: string | null = null
  let connections: Connections | undefined
  const doctor = () =>
    examineApp({
      ...{ config, state, messaging, models, reading, log, url, mailer: pageAccounts.mailer },
      connections: connections?.report() ?? [],
    })
  const explain = (request: unknown) => explainRequest(request, { config, messaging, models, money })
  const all = {
    config,
    state,
    messaging,
    accounts,
    pageAccounts,
    models,
    reader,
    transcriber,
    platforms,
    people,
    money,
    web,
    webhooks,
    places,
    memory,
    fileSearch,
    doctor,
    explain,
    opening,
    log,
  }
  if (mode === 'run') {
    await applyBudgets(all)
    // A process that listens to platforms logs their failures itself.
    for (const { platform, thrown } of config.role === 'worker' ? platforms.failed : [])
      log.error({ platform, ...errorFields(thrown) }, 'platform cannot be opened')
    if (config.role !== 'gateway') await work(all)
    connections = config.role === 'worker' ? undefined : listenOn(platforms, await openInbox(all), log)
    url = await listen(all, config.role === 'worker' ? config.workerPort : config.port, connections)
    if (connections !== undefined) await receive(all, connections, url)
  }
  const resources = opening.move()
  return {
    url,
    setUpNotice: () => noticeOfSetUp(all, url),
    doctor,
    explain,
    fatal: fatal.promise,
    [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
  }
}

async function applyBudgets({ config, money, log }: Running): Promise<void> {
  const { applied, removed } = await money.budgets.seed(config.budgets)
  if (applied.length + removed.length > 0)
    log.info({ set: applied.length, removed: removed.length }, 'budgets of parley.yaml applied')
}

async function noticeOfSetUp({ config, accounts }: Running, url: string | null): Promise<string | null> {
  const { role, loopback, exposed, publicUrl } = config
  if (url === null || role === 'worker' || (loopback && !exposed) || (await accounts.people.areSetUp())) return null
  const { code } = await accounts.invitations.createSetUpCode(setUpLogHours * 60)
  return setUpWording.due(setUpAddress(publicUrl ?? localAddress(url), code), setUpLogHours)
}

/** Starts the workers of this process. */
async function work(running: Running): Promise<void> {
  const { config, state, messaging, models, reader, transcriber, platforms, money, fileSearch, opening, log } = running
  const { turns, attachments, learned, index, blobs, collector, owner } = state
  const { queue, stops } = messaging
  const { platform } = platforms
  const sweep = createSweep({ turns, queue, log })
  const learnSweep = createLearnSweep({ learned, queue, log })
  const prune = createPrune(state.database)
  if (state.alone) {
    // This is the only process, so any other lease holder is dead.
    await turns.dropForeignLeases(owner)
    await money.budget.takeOver()
    await queue.takeBack()
    await sweep(0)
  }
  for (const { fastest, ...model } of await money.speeds()) messaging.health.remember(model, fastest)
  const roleOf = rolesOf(running, messaging.settings, running.people.directory)
  const deps: WorkerDeps = {
    storage: { turns, attachments, learned, blobs, index, picture: pictureIn(blobs) },
    messaging: {
      queue,
      stops,
      platform,
      progress: createProgress({ platform, store: turns, log }),
      alerts: money.alerts,
    },
    money: {
      budget: money.budget,
      turnLimits: money.turnLimits,
      approvals: money.approvalRequests,
      paying: createMeteredTranscriber({
        budget: money.budget,
        model: () => models.catalogue.about('transcriber', transcriber?.name ?? 'none'),
      }),
    },
    models: { catalogue: models.catalogue, provider: models.provider, health: messaging.health },
    retriever: fileSearch.retriever,
    memory: running.memory,
    tools: joinToolboxes([openTools(running), await openToolServers({ ...running, roleOf })]),
    web: running.web.sources,
    writes: money.writes,
    learning: running.web.learning,
    reader,
    readers: config.turns.readers,
    rules: createTurnRules(messaging.settings),
    limits: config.limits,
    isolation: createIsolation(),
    owner,
    log,
  }
  const handlers = createHandlers(deps, {
    webhooks: running.webhooks.delivery.look,
    async sweep() {
      running.webhooks.delivery.look()
      await sweep(orphanedAfterMs)
      await learnSweep(orphanedAfterMs)
      await money.budget.sweep()
      await state.retain()
      await collector.collect()
      await collector.clear()
      await state.webPages.sweep()
      await state.places.sweep()
      await prune()
    },
    embed: async (signal) => (await fileSearch.filler?.run(signal)) ?? false,
  })
  const media = config.turns.readers * 2 + waitingForTranscripts
  const concurrency = { turn: config.turns.concurrency, media, system: 1 }
  const wanted = Object.entries(concurrency).filter(([name]) => config.queues.some((each) => each === name))
  const processor = await queue.process(handlers, Object.fromEntries(wanted))
  // Running jobs get the full drain time; then they return to the queue.
  opening.defer('running jobs', () => processor.close(drainMs), drainMs + putBackMs)
  await queue.schedule({ name: 'sweep', id: 'sweep', payload: { v: 1 } }, sweepEveryMs)
  if (fileSearch.filler !== undefined)
    await queue.schedule({ name: 'embed', id: 'embed', payload: { v: 1 } }, embedEveryMs)
}

/** The bytes of a picture, or null if it is no longer stored. */
function pictureIn(blobs: State['blobs']): (hash: string) => Promise<Uint8Array | null> {
  return async (hash) => {
    const content = await blobs.open(hash).catch(() => null)
    return content === null ? null : await buffer(content)
  }
}

/** Receives the messages of all platforms. */
async function openInbox(running: Running): Promise<Intake> {
  const { state, messaging, opening, log } = running
  // Separate connections, so that new messages do not wait behind the statements of running turns.
  const door = openDatabase(state.connection, { log, connections: 16 })
  opening.defer('connections of the intake', () => door.close())
  // A saved question arrives as if its author had typed it.
  const commands = openCommands(running, (message) => inbox.receive(message))
  const turns = createTurns(door)
  const { queue, channel } = messaging
  opening.defer('answers to the disabled', await stopForDisabled({ turns, channel, queue, log }))
  const inbox: Intake = createInbox({
    turns,
    feedback: state.feedback,
    queue: messaging.queue,
    channel: messaging.channel,
    commands,
    filesPosted: createFilesPosted({ learned: state.learned, queue, log }),
    placeChanged: running.places.change,
    concernsWeb: concernsWeb(running.web.sources, createTurnRules(messaging.settings)),
    log,
    ...adminOf(running),
  })
  return inbox
}

/** Starts receiving messages from every platform. */
async function receive({ config, opening }: Running, connections: Connections, url: string | null): Promise<void> {
  opening.defer('platforms', () => connections.stop())
  await connections.start()
  if (url === null) return
  await writeRunning(config.home, { url })
  opening.defer('note of the address', () => clearRunning(config.home))
}

/** Opens the HTTP port, if this process has one. */
async function listen(
  { config, state, accounts, pageAccounts, doctor, explain, opening, log }: Running,
  port: number | undefined,
  connections: Connections | undefined,
): Promise<string | null> {
  if (port === undefined) return null
  const ready = async () => {
    try {
      await state.database.pool.query('select 1')
      return null
    } catch (error) {
      log.warn(errorFields(error), 'not ready')
      return startWording.databaseDown
    }
  }
  const { loopback, exposed, publicUrl } = config
  const { token: terminalToken, kept } = await ensureTerminalToken(config.home)
  if (!kept)
    log.warn({ home: config.home }, 'the home cannot hold a private file, so commands cannot reach this Parley')
  const gate = createAccessGate({
    ...{ loopback, exposed, publicUrl, terminalToken },
    cookies: pageAccounts.cookies,
    areSetUp: pageAccounts.people.areSetUp,
    findSession: pageAccounts.sessions.find,
    findKey: state.keys.find,
    async findToken(token) {
      const known = await state.tokens.verify(token)
      const key = known === null ? null : await state.keys.findById(known.keyId)
      return key === null || known === null
        ? null
        : { ...key, scopes: key.scopes.filter((scope) => known.scopes.includes(scope)) }
    },
  })
  const own = createOwnRoutes({
    ready,
    doctor,
    explain,
    letIn: accounts.letIn,
    routes: () => http.routes,
    connections: () => connections?.report() ?? [],
  })
  const mounts = connections?.mounts ?? []
  const http = opening.use(
    'HTTP port',
    await serveHttp({ host: config.host, port, mounts: [own, ...mounts], gate, log }),
  )
  return http.url
}
