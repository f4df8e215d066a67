/** pino behind the log port: JSON lines, or readable ones in a terminal. Secrets are redacted should one ever get in. */
import { pino } from 'pino'
import pretty from 'pino-pretty'
import type { Log } from '../core/log.ts'

export function createLogger({ level, readable }: { level: string; readable: boolean }): Log {
  const options = {
    level,
    base: null,
    redact: {
      paths: ['apiKey', 'token', 'password', 'authorization', '*.apiKey', '*.token', '*.password', '*.authorization'],
      censor: '[secret]',
    },
  }
  if (!readable) return pino(options, pino.destination({ dest: 2, sync: true }))
  return pino(options, pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
}
