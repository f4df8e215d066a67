/** Teams as a platform: activities arrive at /api/messages on the shared port; any worker sends through the connector's API. */
import type { Log } from '../../src/core/log.ts'
import type { Platform } from '../../src/core/platform.ts'
import type { Quota, Records } from '../../src/core/platform-state.ts'
import { createApi } from './api.ts'
import { createSigningKeys, createTokens } from './auth.ts'
import { type BlobStore, createFiles } from './files.ts'
import { fitsTeams, maxMarkdown } from './format.ts'
import { createGraph } from './graph.ts'
import { createHosts } from './hosts.ts'
import { createIngress } from './ingress.ts'
import { createKnownPlaces } from './known-places.ts'
import { createListener, type ListenerDeps } from './listener.ts'
import { createPeople } from './people.ts'
import { createPlaceFiles } from './place-files.ts'
import { createPlaces } from './places.ts'
import { createSdk } from './sdk.ts'
import { botScopeOf, platformName, type TeamsSettings } from './settings.ts'
import { createTransport, type TransportDeps } from './transport.ts'

export interface TeamsDeps
  extends Pick<TransportDeps, 'everyMs' | 'stopTurn' | 'now'>,
    Pick<ListenerDeps, 'ackMs' | 'onIgnored' | 'pauses'> {
  settings: TeamsSettings
  records: Records
  quota: Quota
  blobs: BlobStore
  /** The limit for a file that is downloaded at once. */
  maxFileBytes: number
  log: Log
}

/** Microsoft asks for at least one second; half a second more keeps long answers within the hourly quota. */
const minEditMs = 1500
/** A longer answer is also offered as a file, in chats that accept files. */
const maxMessages = 4

export function createTeams(deps: TeamsDeps): Platform {
  const { settings, records, quota, blobs, log } = deps
  const hosts = createHosts(settings)
  const tokens = createTokens(settings)
  const keys = createSigningKeys(settings)
  const ingress = createIngress(settings, hosts, keys, log)
  const sdk = createSdk(settings, tokens, ingress.adapter, log)
  const api = createApi({ app: sdk, tokens, hosts, quota, botScope: botScopeOf(settings) })
  const people = createPeople({ api, log })
  const graph = createGraph({ settings, tokens, hosts })
  const known = createKnownPlaces(records)
  const transport = createTransport({ ...deps, api, people, streamMs: settings.streamMs })
  return {
    name: platformName,
    capabilities: {
      streaming: 'edit',
      maxChars: maxMarkdown,
      fits: fitsTeams,
      minEditMs,
      status: 'message',
      buttons: true,
      showsThoughts: true,
      accounts: 'workspace',
      maxMessages,
    },
    transport,
    files: createFiles({ settings, blobs, records, api, tokens, hosts }),
    places: createPlaces({ api, graph, known, log }),
    placeFiles: createPlaceFiles({ settings, api, graph, known }),
    listen: (intake) =>
      createListener({ ...deps, sdk, ingress, api, graph, known, people, transport, tokens, hosts, keys }, intake),
  }
}
