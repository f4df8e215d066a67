/** Bolt's logger over Parley's. Its debug lines hold whole payloads, so they go nowhere. */
import { type Logger, LogLevel } from '@slack/bolt'
import type { Log } from '../../src/core/log.ts'

export function boltLogger(log: Log): Logger {
  const words = (said: unknown[]) =>
    said
      .map((each) => (each instanceof Error ? each.message : typeof each === 'string' ? each : ''))
      .join(' ')
      .slice(0, 300)
  return {
    debug() {},
    info: (...said: unknown[]) => log.debug({ said: words(said) }, 'slack'),
    warn: (...said: unknown[]) => log.debug({ said: words(said) }, 'slack warns'),
    error: (...said: unknown[]) => log.warn({ said: words(said) }, 'slack fails'),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  }
}
