/** The time zone in which days, weeks and months begin: set by command, or else by the configuration. */
import type { Spender } from '../core/scope.ts'
import type { Settings } from '../store/settings.ts'
import { effectiveFor } from './commands/models.ts'

export interface ZoneDeps {
  settings: Settings
  /** The time zone of the configuration. IANA. */
  timeZone: string
}

export async function timeZoneFor({ settings, timeZone }: ZoneDeps, spender: Spender): Promise<string> {
  return (await effectiveFor(settings, spender)).timezone ?? timeZone
}
