/** How the command line ends: exit codes, and errors on stderr or as JSON. */
import { asParleyError, ParleyError } from '../core/errors.ts'

export const exitCode = { failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const

/** A line that was typed wrong: exit code 2, as most programs have it. */
export class UsageError extends ParleyError {
  constructor(userMessage: string) {
    super('request_invalid', userMessage)
  }
}

/** Ctrl-C or a signal: the work was stopped, and there is nothing more to say. */
export class Interrupted extends Error {
  readonly exitCode: number
  constructor(signal: NodeJS.Signals) {
    super(signal)
    this.exitCode = signal === 'SIGINT' ? exitCode.interrupted : exitCode.terminated
  }
}

/** Aborts at the first Ctrl-C or SIGTERM with `Interrupted`; the second one ends the process at once. */
export function onInterrupt(): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals) => {
    remove()
    controller.abort(new Interrupted(signal))
  }
  const remove = () => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return { signal: controller.signal, [Symbol.dispose]: remove }
}

/** The sentence goes to stderr; with `json`, `{"error": {code, message}}` goes to stdout instead. Returns the exit code. */
export function reportError(
  thrown: unknown,
  { json, out, err }: { json: boolean; out(text: string): void; err(text: string): void },
): number {
  if (thrown instanceof Interrupted) return thrown.exitCode
  const message =
    thrown instanceof ParleyError ? thrown.userMessage : thrown instanceof Error ? thrown.message : String(thrown)
  if (json) out(JSON.stringify({ error: { code: asParleyError(thrown).code, message } }, null, 2))
  else err(message)
  return thrown instanceof UsageError ? exitCode.usage : exitCode.failed
}
