/**
 * pino behind the log port: JSON lines, or readable ones in a terminal. The configured secrets are blotted out of every line:
 * what a server says in its errors is not in Parley's hands, and some repeat the key that they refuse.
 */
import { pino } from 'pino'
import pretty from 'pino-pretty'
import type { Log } from '../core/log.ts'

export interface LoggerOptions {
  level: string
  readable: boolean
  /** Values that no line may hold. */
  secrets: readonly string[]
}

export function createLogger({ level, readable, secrets }: LoggerOptions): Log {
  const options = {
    level,
    base: null,
    redact: {
      paths: ['apiKey', 'token', 'password', 'authorization', '*.apiKey', '*.token', '*.password', '*.authorization'],
      censor: '[secret]',
    },
  }
  const sink = readable
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
    : pino.destination({ dest: 2, sync: true })
  return pino(options, { write: (line: string) => void sink.write(withoutSecrets(line, secrets)) })
}

/** Secrets have no characters that JSON would escape, or none but those that `JSON.stringify` escapes here, too. */
export function withoutSecrets(line: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => {
    const written = JSON.stringify(secret).slice(1, -1)
    return text.includes(written) ? text.replaceAll(written, '[secret]') : text
  }, line)
}
