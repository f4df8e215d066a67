/**
 * Where people and programs ask: opens each platform, starts what listens on it, and knows how each connection is. A
 * platform's SDK is loaded only where it is configured. No platform's trouble reaches another or ends Parley: only the port
 * and the database do that. A part of the composition root.
 */
import { authorOf, conversationOf } from '../../adapters/api/normalize.ts'
import { createApi } from '../../adapters/api/platform.ts'
import type { ConsoleStatus } from '../../adapters/console/api.ts'
import { createFiles as createBlobFiles } from '../../adapters/console/files.ts'
import type { AskedStatus } from '../../adapters/console/listener.ts'
import { conversationOf as conversationOfThread } from '../../adapters/console/normalize.ts'
import { createConsole } from '../../adapters/console/platform.ts'
import { createTurnRules } from '../admin/turn-rules.ts'
import type { ActiveKey } from '../core/api-key.ts'
import type { ConnectionPauses, ConnectionReport } from '../core/connection.ts'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Mount } from '../core/http.ts'
import type { Log } from '../core/log.ts'
import type { Author } from '../core/message.ts'
import type { Intake, Listener, Platform } from '../core/platform.ts'
import { sleep } from '../core/retry.ts'
import { spenderOf } from '../core/scope.ts'
import { createEgress } from '../egress/egress.ts'
import { accessTokenSeconds } from '../identity/access-tokens.ts'
import { createLearning } from '../intake/learning.ts'
import { stopTopic } from '../intake/stop.ts'
import { createTurnLimits } from '../intake/turn-limits.ts'
import { createPreviews } from '../media/previews.ts'
import { modelKey } from '../models/complete-model.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { askerOf } from '../search/passages.ts'
import type { PlaceReaders } from '../search/places.ts'
import { createLimits } from '../store/limits.ts'
import { version } from '../version.ts'
import { connectionWording } from '../wording/connections.ts'
import { consoleWording } from '../wording/page.ts'
import { configurationWording } from '../wording/startup.ts'
import { createKeyUsage, createOwnKeys } from './keys.ts'
import { createProgramEmbeddings } from './program-embeddings.ts'
import type { Money, People, Services } from './services.ts'

interface Opening extends Services {
  people: Pick<People, 'directory' | 'linking'>
  places: Pick<PlaceReaders, 'maySee'>
  /** Opened later, because its alerts go through the platforms. */
  money(): Pick<Money, 'budget'>
  /** For tests: how soon a platform is tried again. */
  pauses?: Partial<ConnectionPauses> | undefined
}

/** THE table of platforms: each opens its own, `undefined` where it is not configured. */
const rows: Record<string, (opening: Opening) => Promise<Platform | undefined>> = {
  async console({ config, state, messaging, pageAccounts, people, models, reader, places, log }) {
    const { board, blobs, attachments, forget } = state
    const limits = limitsOf(config)
    const rules = createTurnRules(messaging.settings)
    const webIn = async (author: Author, threadId: string): Promise<ConsoleStatus['web']> => {
      if (config.search === undefined) return null
      const conversation = conversationOfThread(threadId)
      const { policy } = await rules(spenderOf(conversation, await people.directory.know(author, conversation)))
      return policy.web === 'off' ? 'off' : policy.localOnly ? 'noSearch' : 'open'
    }
    const status = async ({ manages, author, threadId }: AskedStatus): Promise<ConsoleStatus> => {
      const [writing, web] = await Promise.all([models.writing(), webIn(author, threadId)])
      const names = writing.map((model) => model.id)
      const notice = manages ? consoleWording.noModel : consoleWording.noModelYet
      return { version, limits, models: names, notice: names.length > 0 ? null : notice, web }
    }
    const previews = createPreviews({ blobs, renderer: reader, latestArtifact: attachments.latestArtifact })
    return await createConsole({
      board,
      blobs,
      forget: async (conversation) => void (await forget.forget(conversation, '')),
      previews,
      async maySee(author, contentHash, signal) {
        const conversation = conversationOfThread('-')
        const person = await people.directory.know(author, conversation)
        return await places.maySee(askerOf(conversation, person, 'person'), contentHash, signal)
      },
      status,
      limits,
      topics: messaging.channel,
      accounts: pageAccounts,
      recordReading: pageAccounts.recordReading,
      collections: createLearning({ collections: state.collections, queue: messaging.queue, log }),
      linking: people.linking,
      ownKeys: createOwnKeys({ config, state, messaging }),
      log,
    })
  },

  async slack({ config, state: { records, quota }, log, pauses }) {
    if (config.slack === undefined) return undefined
    const { createSlack } = await import('../../adapters/slack/platform.ts')
    return createSlack({ settings: config.slack, records: records('slack'), quota, log, pauses })
  },

  async discord({ config, state: { records, quota }, log, pauses }) {
    if (config.discord === undefined) return undefined
    const { createDiscord } = await import('../../adapters/discord/platform.ts')
    return createDiscord({ ...config.discord, records: records('discord'), quota, log, pauses })
  },

  /** OpenAI's clients ask here. */
  async api({ config, state, messaging, models, people, money, log }) {
    const { blobs, turns, keys, database, tokens } = state
    const spenderOfKey = async (key: ActiveKey) => {
      const conversation = conversationOf('-', key)
      return spenderOf(conversation, await people.directory.know(authorOf(key), conversation), key.id)
    }
    const rules = createTurnRules(messaging.settings)
    const turnLimits = createTurnLimits({ settings: messaging.settings, limits: createLimits(database) })
    return createApi({
      blobs,
      limits: limitsOf(config),
      version,
      files: createBlobFiles(blobs),
      topics: messaging.channel,
      ended: turns.ended,
      async models(key) {
        const { policy } = await rules(await spenderOfKey(key))
        return (await models.writing()).filter(
          (model) =>
            model.enabled &&
            !policy.disabled.includes(modelKey(model)) &&
            (policy.allowed?.includes(modelKey(model)) ?? true) &&
            (model.local || !policy.localOnly),
        )
      },
      fetchPicture: (url, options) => egress.fetch(url, { ...options, type: /^image\// }),
      digestOf: turns.digestOf,
      rate: async (key) => await turnLimits.left(await spenderOfKey(key)),
      isActive: (key) => keys.isActive(key.id),
      tokens: { seconds: accessTokenSeconds, issue: tokens.issue, publicKeys: tokens.publicKeys },
      usageOf: createKeyUsage({ config, state, messaging }),
      origins: config.api.origins,
      embeddings: createProgramEmbeddings({ config, messaging, models, log }, money, spenderOfKey),
      transcriber: transcriberName(config),
      async checkModel(name) {
        resolveModel(await models.catalogue.models(), name)
      },
    })
  },

  async teams({ config, state: { records, quota, blobs, turns }, messaging, log, pauses }) {
    if (config.teams === undefined) return undefined
    const { createTeams } = await import('../../adapters/teams/platform.ts')
    return createTeams({
      settings: config.teams,
      records: records('teams'),
      quota,
      blobs,
      log,
      pauses,
      maxFileBytes: config.limits.fileBytes,
      async stopTurn(turnId) {
        await turns.requestStop(turnId)
        messaging.channel.publish(stopTopic, { turnId })
      },
    })
  },
}

const egress = createEgress()

/** Not every server has a name for its model. */
function transcriberName({ transcriber }: Services['config']): string | undefined {
  return transcriber?.dialect === 'openai' ? transcriber.model : transcriber?.dialect
}

function limitsOf({ limits }: Services['config']): ConsoleStatus['limits'] {
  return { fileBytes: limits.fileBytes, files: limits.filesPerMessage, textChars: limits.messageCharacters }
}

export async function openPlatforms(opening: Opening) {
  const all: Platform[] = []
  /** Those whose own code failed, such as an SDK that cannot be loaded: the others do their work. */
  const failed: { platform: string; thrown: unknown }[] = []
  for (const [platform, open] of Object.entries(rows)) {
    try {
      const opened = await open(opening)
      if (opened !== undefined) all.push(opened)
    } catch (thrown) {
      failed.push({ platform, thrown })
    }
  }
  return {
    all,
    failed,
    platform(name: string): Platform {
      const known = all.find((each) => each.name === name)
      if (known) return known
      throw new ParleyError('platform_rejected', configurationWording.platformMissing(name))
    },
  }
}

/** A platform's connection, as health and doctor report it. */
export interface PlatformConnection extends ConnectionReport {
  platform: string
}

export interface Connections {
  mounts: Mount[]
  /** Returns when each platform has connected or failed once; a platform that hangs is not waited for. Never rejects. */
  start(): Promise<void>
  stop(): Promise<void>
  report(): PlatformConnection[]
}

/** How long Parley waits before it says that it is ready; what has not connected by then goes on connecting. */
const firstTriesMs = 5000

interface Opened {
  all: readonly Platform[]
  failed: readonly { platform: string; thrown: unknown }[]
}

export function listenOn(platforms: Opened, intake: Intake, log: Log): Connections {
  const listening: { platform: string; listener: Listener }[] = []
  /** Platforms whose own code failed. Only a restart or an update fixes this. */
  const failed = new Map<string, PlatformConnection>()

  function fail(platform: string, thrown: unknown): void {
    log.error({ platform, ...errorFields(thrown) }, 'platform did not start')
    const { userMessage } = asParleyError(thrown, connectionWording.defect)
    failed.set(platform, { platform, name: 'start', state: { is: 'off', since: new Date(), userMessage } })
  }

  for (const { platform, thrown } of platforms.failed) fail(platform, thrown)
  for (const platform of platforms.all) {
    try {
      listening.push({ platform: platform.name, listener: platform.listen(intake) })
    } catch (thrown) {
      fail(platform.name, thrown)
    }
  }

  return {
    mounts: listening.flatMap(({ listener }) => listener.mounts),
    async start() {
      const starts = listening.map(({ platform, listener }) =>
        listener.start().catch((thrown: unknown) => fail(platform, thrown)),
      )
      const waiting = new AbortController()
      await Promise.race([Promise.all(starts), sleep(firstTriesMs, waiting.signal).catch(() => undefined)])
      waiting.abort()
    },
    async stop() {
      const stops = listening.map(({ platform, listener }) =>
        listener
          .stop()
          .catch((thrown: unknown) => log.warn({ platform, ...errorFields(thrown) }, 'platform did not stop')),
      )
      await Promise.all(stops)
    },
    report() {
      const reports = listening.flatMap(({ platform, listener }) =>
        listener.connections().map((each) => ({ platform, ...each })),
      )
      return [...reports, ...failed.values()]
    },
  }
}
