/** Runs Parley until a signal. A startup error prints one message and exits with code 1. */
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { exitMs } from './closing.ts'

export interface Running {
  app: AsyncDisposable & { fatal: Promise<ParleyError> }
  log: Log
}

export async function runUntilSignal(start: () => Promise<Running>): Promise<void> {
  let running: Running
  // A defect in one turn or platform must not stop the others. Before the log is open, print the message.
  let reportDefect = (reason: unknown) => console.error(errorFields(reason).err.message)
  process.on('unhandledRejection', (reason) => reportDefect(reason))
  try {
    running = await start()
  } catch (error) {
    console.error(error instanceof ParleyError ? error.userMessage : error)
    process.exit(1)
  }
  const { app, log } = running
  reportDefect = (reason) => log.error(errorFields(reason), 'unhandled rejection')

  const signal = new Promise<'SIGINT' | 'SIGTERM'>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name))
  })
  const reason = await Promise.race([signal, app.fatal])
  if (reason instanceof ParleyError) console.error(reason.userMessage)
  else log.info({ signal: reason }, 'stopping')
  // A second signal exits at once; running turns continue at the next start.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130))
  // The deadline for all closing steps together.
  setTimeout(() => {
    log.error({ ms: exitMs }, 'not closed in time; leaving')
    process.exit(1)
  }, exitMs)
  await app[Symbol.asyncDispose]()
  process.exit(reason instanceof ParleyError ? 1 : 0)
}
