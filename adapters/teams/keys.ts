/** Whether the keys that Teams signs events with are readable now. The SDK reads them on its own when an event arrives. */
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { microsoft, type TeamsSettings } from './settings.ts'

export interface SigningKeys {
  /** The keys' host, and their number. Throws `platform_unreachable`. */
  read(signal: AbortSignal): Promise<{ host: string; count: number }>
  /** Whether they were readable within the last seconds. */
  reachable(): Promise<boolean>
}

const Keys = z.object({ keys: z.array(z.unknown()) })
const askMs = 5000
const freshMs = 5000

export function createSigningKeys({ openIdMetadataUrl }: Pick<TeamsSettings, 'openIdMetadataUrl'>): SigningKeys {
  // The SDK derives the URL in the same way.
  const url = (openIdMetadataUrl ?? microsoft.openIdMetadata).replace(/openidconfiguration$/, 'keys')
  let last: { reachable: Promise<boolean>; at: number } | undefined

  async function read(signal: AbortSignal): Promise<{ host: string; count: number }> {
    try {
      const response = await fetch(url, { signal, redirect: 'error' })
      if (!response.ok) throw new Error(`status ${response.status}`)
      return { host: new URL(url).host, count: Keys.parse(await response.json()).keys.length }
    } catch (cause) {
      throw new ParleyError('platform_unreachable', teamsWording.errors.keysUnreachable(url), { cause })
    }
  }

  return {
    read,
    async reachable() {
      if (last === undefined || performance.now() - last.at > freshMs) {
        const asking = read(AbortSignal.timeout(askMs)).then(
          () => true,
          () => false,
        )
        last = { reachable: asking, at: performance.now() }
      }
      return await last.reachable
    },
  }
}
