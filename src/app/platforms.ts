/** Where people and programs ask. A platform's SDK is loaded only where it is configured. A part of the composition root. */
import { createApi } from '../../adapters/api/platform.ts'
import type { ConsoleStatus } from '../../adapters/console/api.ts'
import { createFiles as createBlobFiles } from '../../adapters/console/files.ts'
import { createConsole } from '../../adapters/console/platform.ts'
import { ParleyError } from '../core/errors.ts'
import type { Platform } from '../core/platform.ts'
import { stopTopic } from '../intake/stop.ts'
import { createPreviews } from '../media/previews.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { version } from '../version.ts'
import type { Parts } from './parts.ts'

const noModelNotice =
  'No language model is configured: Parley answers by quoting your files. Set OPENAI_API_KEY, OPENAI_BASE_URL or ANTHROPIC_API_KEY, or run Ollama and set OLLAMA_HOST, for written answers.'

async function openDiscord({ config, state, log }: Pick<Parts, 'config' | 'state' | 'log'>): Promise<Platform[]> {
  if (config.discord === undefined) return []
  const { createDiscord } = await import('../../adapters/discord/platform.ts')
  const { records, quota } = state
  return [createDiscord({ ...config.discord, records: records('discord'), quota, log })]
}

async function openSlack({ config, state, log }: Pick<Parts, 'config' | 'state' | 'log'>): Promise<Platform[]> {
  if (config.slack === undefined) return []
  const { createSlack } = await import('../../adapters/slack/platform.ts')
  const { records, quota } = state
  return [createSlack({ settings: config.slack, records: records('slack'), quota, log })]
}

/** OpenAI's clients ask here. */
function openApi({
  limits,
  state,
  ways,
  models,
}: Pick<Parts, 'state' | 'ways' | 'models'> & { limits: ConsoleStatus['limits'] }): Platform {
  const { blobs, turns } = state
  return createApi({
    ...{ blobs, limits, version, files: createBlobFiles(blobs), topics: ways.channel, ended: turns.ended },
    models: models.writing,
    async checkModel(name) {
      resolveModel(await models.catalogue.models(), name)
    },
  })
}

async function openTeams({
  config,
  state,
  ways,
  log,
}: Pick<Parts, 'config' | 'state' | 'ways' | 'log'>): Promise<Platform[]> {
  if (config.teams === undefined) return []
  const { createTeams } = await import('../../adapters/teams/platform.ts')
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

export async function openPlatforms({ config, state, ways, models, reader, log }: Parts) {
  const { fileBytes, filesPerMessage: files, messageCharacters: textChars } = config.limits
  const limits = { fileBytes, files, textChars }
  const status = async (): Promise<ConsoleStatus> => {
    const names = (await models.writing()).map((model) => model.id)
    return { version, limits, models: names, notice: names.length > 0 ? null : noModelNotice }
  }
  const { board, blobs, attachments, forget } = state
  const previews = createPreviews({ blobs, renderer: reader, latestArtifact: attachments.latestArtifact })
  const all: Platform[] = [
    await createConsole({
      board,
      blobs,
      forget: async (conversation) => void (await forget.forget(conversation, '')),
      previews,
      status,
      limits,
      topics: ways.channel,
      log,
    }),
    ...(await openSlack({ config, state, log })),
    ...(await openDiscord({ config, state, log })),
    openApi({ limits, state, ways, models }),
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
