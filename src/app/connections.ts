/**
 * Starts what listens on each platform, all at once, and knows how each connection is. A part of the composition root. No
 * platform's trouble reaches another or ends Parley: only the port and the database do that.
 */
import type { ConnectionReport } from '../core/connection.ts'
import { asParleyError, errorFields } from '../core/errors.ts'
import type { Mount } from '../core/http.ts'
import type { Log } from '../core/log.ts'
import type { Intake, Listener, Platform } from '../core/platform.ts'
import { sleep } from '../core/retry.ts'
import { connectionWording } from '../wording/connections.ts'

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
