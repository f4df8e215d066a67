/**
 * Where people and programs ask: opens each platform, starts what listens on it, and knows how each connection is. A
 * platform's SDK is loaded only where it is configured. No platform's trouble reaches another or ends Parley: only the port
 * and the database do that. A part of the composition root.
 */
import { createApi } from '../../adapters/api/platform.ts'
import type { ConsoleStatus } from '../../adapters/console/api.ts'
import { createFiles as createBlobFiles } from '../../adapters/console/files.ts'
import { createConsole } from '../../adapters/console/platform.ts'
import type { ConnectionPauses, ConnectionReport } from '../core/connection.ts'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Mount } from '../core/http.ts'
import type { Log } from '../core/log.ts'
import type { Intake, Listener, Platform } from '../core/platform.ts'
import { sleep } from '../core/retry.ts'
import { stopTopic } from '../intake/stop.ts'
import { createPreviews } from '../media/previews.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { version } from '../version.ts'
import { connectionWording } from '../wording/connections.ts'
import { consoleWording } from '../wording/page.ts'
import { configurationWording } from '../wording/startup.ts'
import type { Services } from './services.ts'

interface Opening extends Services {
  /** For tests: how soon a platform is tried again. */
  pauses?: Partial<ConnectionPauses> | undefined
}

/** THE table of platforms: each opens its own, `undefined` where it is not configured. */
const rows: Record<string, (opening: Opening) => Promise<Platform | undefined>> = {
  async console({ config, state, messaging, models, reader, log }) {
    const { board, blobs, attachments, forget } = state
    const limits = limitsOf(config)
    const status = async (): Promise<ConsoleStatus> => {
      const names = (await models.writing()).map((model) => model.id)
      return { version, limits, models: names, notice: names.length > 0 ? null : consoleWording.noModel }
    }
    const previews = createPreviews({ blobs, renderer: reader, latestArtifact: attachments.latestArtifact })
    return await createConsole({
      board,
      blobs,
      forget: async (conversation) => void (await forget.forget(conversation, '')),
      previews,
      status,
      limits,
      topics: messaging.channel,
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
  async api({ config, state: { blobs, turns }, messaging, models }) {
    return createApi({
      blobs,
      limits: limitsOf(config),
      version,
      files: createBlobFiles(blobs),
      topics: messaging.channel,
      ended: turns.ended,
      models: models.writing,
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
