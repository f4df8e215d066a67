/** Slack as a platform: HTTP or Socket Mode in, the Web API out. */
import type { Log } from '../../src/core/log.ts'
import type { Platform } from '../../src/core/platform.ts'
import type { Quota } from '../../src/core/quota.ts'
import type { Records } from '../../src/core/records.ts'
import { createFiles } from './files.ts'
import { replyChars } from './format.ts'
import { createInstallations } from './installations.ts'
import { createListener } from './listener.ts'
import { createEntrance } from './receiver.ts'
import { platformName, type SlackSettings } from './settings.ts'
import { createTransport } from './transport.ts'

export interface SlackDeps {
  settings: SlackSettings
  records: Records
  quota: Quota
  log: Log
  now?: () => number
}

export function createSlack({ settings, records, quota, log, now }: SlackDeps): Platform {
  const installations = createInstallations({ settings, records, quota, log })
  return {
    name: platformName,
    capabilities: {
      ...{ streaming: 'edit', maxChars: replyChars, minEditMs: 1000, maxMessages: 3 },
      ...{ status: 'both', buttons: true },
    },
    transport: createTransport({ installations, records, log, ...(now && { now }) }),
    files: createFiles({ installations, ...(settings.apiUrl && { apiUrl: settings.apiUrl }) }),
    listen(intake) {
      const entrance = createEntrance({ settings, installations, log })
      return createListener({ entrance, installations, records, log }, intake)
    },
  }
}
