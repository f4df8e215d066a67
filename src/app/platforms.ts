/** Where people and programs ask. A platform's SDK is loaded only where it is configured. A part of the composition root. */

import { createApi } from '../../adapters/api/platform.ts'
import type { ConsoleStatus } from '../../adapters/console/api.ts'
import { createFiles as createBlobFiles } from '../../adapters/console/files.ts'
import { createConsole } from '../../adapters/console/platform.ts'
import type { ConnectionPauses } from '../core/connection.ts'
import { ParleyError } from '../core/errors.ts'
import type { Platform } from '../core/platform.ts'
import { stopTopic } from '../intake/stop.ts'
import { createPreviews } from '../media/previews.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { version } from '../version.ts'
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
