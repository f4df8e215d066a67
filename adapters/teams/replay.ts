/** Replays recorded activities through the real ingress and listener, without contacting Microsoft. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { z } from 'zod'
import type { Json } from '../../src/core/json.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Quota, Records } from '../../src/core/platform-state.ts'
import { createReplayIntake, type Replay } from '../../src/core/replay.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { Activity } from './activity.ts'
import type { BlobStore } from './files.ts'
import { createTeams } from './platform.ts'
import { defaultStreamMs, messagesPath } from './settings.ts'

const Recorded = z.looseObject({ ...Activity.shape, channelId: z.literal('msteams').optional() })

const unlimited: Quota = { take: async () => 0, hold: async () => undefined }
const noRecords: Records = {
  get: async () => undefined,
  put: async () => undefined,
  claim: async () => true,
  remove: async () => undefined,
  assign: async () => undefined,
  list: async () => [],
  removeOlder: async () => undefined,
}
const noBlobs: BlobStore = {
  put: () => Promise.reject(new Error('a replay downloads nothing')),
  has: async () => false,
  open: () => {
    throw new Error('a replay downloads nothing')
  },
}

export const replay: Replay = {
  recognises: (value) => Recorded.safeParse(value).success,

  async replay(record: Json, context, serve) {
    const { intake, taken } = createReplayIntake()
    let ignored = teamsWording.ignored.nothing
    // All look-ups (people, files) go to a local server that answers 404.
    const nowhere = createServer((_request, response) => response.writeHead(404).end('{}'))
    nowhere.listen(0, '127.0.0.1')
    await once(nowhere, 'listening')
    const address = nowhere.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const platform = createTeams({
      settings: {
        tenants: [],
        unchecked: true,
        fileHosts: [],
        streamMs: defaultStreamMs,
        serviceUrl: url,
        graphUrl: `${url}/graph`,
        loginUrl: url,
      },
      records: noRecords,
      quota: unlimited,
      blobs: noBlobs,
      maxFileBytes: 0,
      log: silentLog,
      stopTurn: async () => undefined,
      onIgnored: (why) => {
        ignored = why
      },
    })
    const listener = platform.listen(intake)
    try {
      await listener.start()
      await using http = await serve(listener.mounts)
      const response = await fetch(`${http.url}${messagesPath}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        // Download URLs point to Microsoft; they are replaced as well.
        body: JSON.stringify({ ...withBot(Recorded.parse(record), context), serviceUrl: url }).replaceAll(
          /"downloadUrl":"[^"]*"/g,
          JSON.stringify({ downloadUrl: `${url}/none` }).slice(1, -1),
        ),
      })
      await response.body?.cancel()
      if (response.status >= 500) throw new Error(`the ingress answered ${response.status}`)
      return taken[0] ?? { kind: 'ignored', summary: ignored }
    } finally {
      await listener.stop()
      nowhere.closeAllConnections()
      nowhere.close()
    }
  },
}

/** Recordings may name the bot once, beside the activities. */
function withBot(activity: z.infer<typeof Recorded>, { botUserId, botId, appId }: Readonly<Record<string, Json>>) {
  const id = botUserId ?? botId ?? (appId === undefined ? undefined : `28:${String(appId)}`)
  return activity.recipient || typeof id !== 'string' ? activity : { ...activity, recipient: { id } }
}
