/** Maps failures of a transcription server to Parley's codes, and retries. Nothing the server said reaches `userMessage`. */
import { ParleyError } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import { recordingWording } from '../../wording/recordings.ts'

export interface ServerFailure {
  /** Absent if there was no answer. */
  status?: number
  headers?: Headers
  cause?: unknown
}

const maxTries = 3
/** If a server asks for a longer pause, there is no retry. */
const maxPauseMs = 30_000

export function transcriberError({ status, headers, cause: thrown }: ServerFailure): ParleyError {
  const found = thrown instanceof Error ? thrown : new Error(`status ${status}`)
  const cause = status === undefined ? thrown : Object.assign(found, { status })
  if (status === undefined || status >= 500 || status === 408) {
    return new ParleyError('transcriber_unreachable', recordingWording.serverUnreachable, { cause })
  }
  if (status === 429) {
    const seconds = Number(headers?.get('retry-after') ?? Number.NaN)
    return new ParleyError('transcriber_busy', recordingWording.serverBusy, {
      cause,
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
    })
  }
  if (status === 401 || status === 402 || status === 403) {
    return new ParleyError('transcriber_refused_key', recordingWording.serverRefusedKey, { cause })
  }
  return new ParleyError('transcriber_rejected', recordingWording.serverRejected(status), { cause })
}

/** Retries temporary failures. `ask` throws a ParleyError, or the signal's reason on abort. */
export async function patiently<T>(signal: AbortSignal, backoffMs: number, ask: () => Promise<T>): Promise<T> {
  return await retry(ask, {
    delays: { firstMs: backoffMs, mostMs: maxPauseMs },
    tries: maxTries,
    longestAskedMs: maxPauseMs,
    signal,
    on: (error) => error instanceof ParleyError && error.retry !== 'never',
    asked: (error) => (error instanceof ParleyError ? error.retryAfterMs : undefined),
  })
}
