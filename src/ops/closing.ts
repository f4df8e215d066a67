/**
 * How Parley stops: named steps in reverse order of opening, each with a deadline. A step that is late or fails is logged
 * by its name and the next one begins, so that no dependency that is away can hold the process.
 */
import { within } from '../core/clock.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'

/** How long running jobs may go on after a signal. */
export const drainMs = 20_000
/** The process ends so long after a signal, whatever hangs. */
export const exitMs = drainMs + 5_000
/** How long putting unfinished jobs back may take after that. */
export const putBackMs = 3_500
/** How long one step may take, unless it says otherwise. */
const stepMs = 3_000

interface Step {
  name: string
  close: () => unknown
  ms: number
}

export class Closing implements AsyncDisposable {
  readonly #log: Log
  #steps: Step[]

  constructor(log: Log, steps: Step[] = []) {
    this.#log = log
    this.#steps = steps
  }

  /** `name` is for the log. */
  defer(name: string, close: () => unknown, ms = stepMs): void {
    this.#steps.push({ name, close, ms })
  }

  use<T extends AsyncDisposable>(name: string, resource: T, ms?: number): T {
    this.defer(name, () => resource[Symbol.asyncDispose](), ms)
    return resource
  }

  /** Moves all steps to a new owner, which closes them later. */
  move(): Closing {
    const moved = new Closing(this.#log, this.#steps)
    this.#steps = []
    return moved
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { name, close, ms } = step
      try {
        const ended = await within(ms, (async () => void (await close()))())
        if (ended === 'late') this.#log.warn({ step: name, ms }, 'closing step late; Parley goes on without it')
      } catch (error) {
        this.#log.warn({ step: name, ...errorFields(error) }, 'closing step failed')
      }
    }
  }
}

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
