/**
 * The logger port. Fields are ids, counts and durations; message text and file contents never go in.
 * pino satisfies it.
 */
export interface Log {
  debug(fields: object, event: string): void
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
