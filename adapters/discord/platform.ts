/** Discord as a platform: one gateway connection where events are taken in, REST alone everywhere else. */
import type { APIUser } from 'discord.js'
import type { Log } from '../../src/core/log.ts'
import { maxTableColumns } from '../../src/core/markdown/table.ts'
import type { Platform } from '../../src/core/platform.ts'
import type { Quota, Records } from '../../src/core/platform-state.ts'
import { createFiles } from './files.ts'
import { fits, maxMarkdown } from './format.ts'
import { createListener, type ListenerDeps } from './listener.ts'
import { platformName } from './normalize.ts'
import { createPlaceFiles } from './place-files.ts'
import { createPlaces } from './places.ts'
import { createRefusals } from './refusals.ts'
import { createApi } from './rest.ts'
import { createThreads } from './threads.ts'
import { createTransport } from './transport.ts'
import { createTyping } from './typing.ts'

export interface DiscordSettings {
  token: string
  /** Instead of https://discord.com/api. */
  apiUrl?: string
  /** Default: as many as Discord recommends. */
  shards?: number
}

export interface DiscordDeps
  extends DiscordSettings,
    Pick<ListenerDeps, 'pauses' | 'throttler' | 'retryMs' | 'saveEveryMs' | 'mostWaiting'> {
  records: Records
  quota: Quota
  log: Log
  now?: () => number
}

/** Four edits in five seconds of the five that Discord allows: the end of an answer has room. */
const minEditMs = 1250
/** A longer answer comes as a file as well. */
const maxMessages = 5

export function createDiscord(deps: DiscordDeps): Platform {
  const { token, apiUrl, records, log, quota, now } = deps
  const api = createApi({ token, quota, apiUrl })
  const me = once(() => api.call<APIUser>('GET', '/users/@me'))
  const myId = async () => (await me()).id
  const threads = createThreads({ api, log })
  const typing = createTyping(api, now)
  const refusals = createRefusals({
    api,
    threads,
    records,
    me: myId,
    log,
    now,
  })
  const transport = createTransport({ api, threads, typing, refusals, log, now })
  const files = createFiles({ api, apiUrl })
  return {
    name: platformName,
    capabilities: {
      streaming: 'edit',
      maxChars: maxMarkdown,
      fits,
      tableColumns: maxTableColumns,
      minEditMs,
      status: 'message',
      buttons: true,
      keepsPrivate: true,
      tellsOwners: true,
      accounts: 'platform',
      maxMessages,
    },
    transport,
    files,
    places: createPlaces({ api, me: myId }),
    placeFiles: createPlaceFiles({ api, me: myId }),
    // A conversation that is no thread of Discord's has an id of Parley's own.
    linkTo: ({ workspaceId, channelId, threadId = '' }) =>
      `https://discord.com/channels/${workspaceId}/${/^\d+$/.test(threadId) ? threadId : channelId}`,
    listen: (intake) => createListener({ ...deps, api, threads, transport, files, me }, intake),
  }
}

/** Asked until it is known. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined
  return () => {
    known ??= ask().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}
