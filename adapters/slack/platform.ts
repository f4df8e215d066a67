/** Slack as a platform: HTTP or Socket Mode in, the Web API out. */
import { type ConnectionPauses, keepConnected, probed } from '../../src/core/connection.ts'
import type { Log } from '../../src/core/log.ts'
import type { Platform } from '../../src/core/platform.ts'
import type { Quota, Records } from '../../src/core/platform-state.ts'
import { createFiles } from './files.ts'
import { replyChars } from './format.ts'
import { createIngress } from './ingress.ts'
import { createInstallations } from './installations.ts'
import { createListener } from './listener.ts'
import { createPeople } from './people.ts'
import { createPlaces } from './places.ts'
import { createPlaceFiles } from './posted.ts'
import { platformName, type SlackSettings } from './settings.ts'
import { createTransport } from './transport.ts'

export interface SlackDeps {
  settings: SlackSettings
  records: Records
  quota: Quota
  log: Log
  pauses?: Partial<ConnectionPauses> | undefined
  now?: () => number
}

/** How often tokens that expire are looked at; they are renewed hours before. */
const renewEveryMs = 600_000

export function createSlack({ settings, records, quota, log, now, pauses }: SlackDeps): Platform {
  const installations = createInstallations({ settings, records, quota, log, now: now ? now : undefined })
  const people = createPeople(records)
  return {
    name: platformName,
    capabilities: {
      streaming: 'edit',
      maxChars: replyChars,
      minEditMs: 1000,
      maxMessages: 3,
      status: 'both',
      buttons: true,
      keepsPrivate: true,
      tellsOwners: true,
      accounts: 'workspace',
    },
    transport: createTransport({ installations, records, log, now: now ? now : undefined }),
    files: createFiles({ installations, apiUrl: settings.apiUrl ? settings.apiUrl : undefined }),
    places: createPlaces({ installations, people }),
    placeFiles: createPlaceFiles({ installations, people }),
    linkTo: ({ workspaceId, channelId }) => `https://slack.com/app_redirect?team=${workspaceId}&channel=${channelId}`,
    listen(intake) {
      const ingress = createIngress({ settings, installations, log, pauses })
      const kept = (name: string, open: ReturnType<typeof probed>) =>
        keepConnected({ platform: platformName, name, open, log, pauses })
      const connections = [
        ...(settings.botToken === undefined ? [] : [kept('bot token', probed(installations.verify, pauses))]),
        ...(settings.oauth === undefined
          ? []
          : [kept('installed tokens', probed(installations.renew, { probeEveryMs: renewEveryMs, ...pauses }))]),
      ]
      return createListener({ ingress, installations, people, records, log, connections }, intake)
    },
  }
}
