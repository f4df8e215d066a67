/** Bolt's logger over Parley's. Its debug lines hold whole payloads, so they go nowhere. */
import { type Logger, LogLevel } from '@slack/bolt'
import type { Log } from '../../src/core/log.ts'

export function boltLogger(log: Log): Logger {
  const words = (slackMessage: unknown[]) =>
    slackMessage
      .map((each) => (each instanceof Error ? each.message : typeof each === 'string' ? each : ''))
      .join(' ')
      .slice(0, 300)
  return {
    debug() {},
    info: (...slackMessage: unknown[]) => log.debug({ said: words(slackMessage) }, 'slack'),
    warn: (...slackMessage: unknown[]) => log.debug({ said: words(slackMessage) }, 'slack warns'),
    error: (...slackMessage: unknown[]) => log.warn({ said: words(slackMessage) }, 'slack fails'),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  }
}
