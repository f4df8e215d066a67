/**
 * Fetches from servers that an admin configured, such as a sign-in provider, which may have private addresses. Each `fetch` knows
 * its exact origins, follows no redirect, and takes a bounded number of bytes in a bounded time.
 */
import { configuredServerWording } from '../wording/requests.ts'

export interface ConfiguredFetchOptions {
  maxBytes?: number
  timeoutMs?: number
}

export type ConfiguredFetch = (origins: readonly string[]) => typeof fetch

export function createConfiguredFetch(options: ConfiguredFetchOptions = {}): ConfiguredFetch {
  const { maxBytes = 1_000_000, timeoutMs = 10_000 } = options
  return (origins) => async (input, init) => {
    checkOrigin(input, origins)
    const deadline = AbortSignal.timeout(timeoutMs)
    const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline
    const response = await fetch(input, { ...init, redirect: 'manual', signal })
    const bytes = await readWithin(response, maxBytes)
    return answered(response, bytes)
  }
}

/**
 * For servers whose answers may be streams of events. The time-out is for the beginning of an answer; its end is the caller's to decide. Of
 * a stream each event has at most `maxBytes`, of any other answer the whole.
 */
export function createConfiguredStreams(options: ConfiguredFetchOptions = {}): ConfiguredFetch {
  const { maxBytes = 20_000_000, timeoutMs = 30_000 } = options
  return (origins) => async (input, init) => {
    checkOrigin(input, origins)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new TypeError(configuredServerWording.slow(timeoutMs / 1000))), timeoutMs)
    const signal = init?.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal
    try {
      const response = await fetch(input, { ...init, redirect: 'manual', signal })
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
      return answered(response, response.body?.pipeThrough(bounded(maxBytes, isStream)) ?? null)
    } finally {
      clearTimeout(timer)
    }
  }
}

function checkOrigin(input: string | URL | Request, origins: readonly string[]): void {
  const { origin } = new URL(input instanceof Request ? input.url : input)
  if (!origins.includes(origin)) throw new TypeError(configuredServerWording.notConfigured(origin))
}

function answered({ status, statusText, headers }: Response, body: BodyInit | null): Response {
  // A body is not allowed with these, not even an empty one.
  return new Response(status === 204 || status === 304 ? null : body, { status, statusText, headers })
}

const lineFeed = 10

function bounded(maxBytes: number, isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let length = 0
  return new TransformStream({
    transform(piece, controller) {
      length += piece.length
      if (length > maxBytes) throw new TypeError(configuredServerWording.tooLarge(maxBytes / 1e6))
      controller.enqueue(piece)
      // An empty line ends an event; one that is cut between two pieces is counted on, which is no harm.
      const end = piece.findLastIndex((byte, at) => byte === lineFeed && piece[at - 1] === lineFeed)
      if (isStream && end >= 0) length = piece.length - end - 1
    },
  })
}

async function readWithin(response: Response, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response.body ?? []) {
    length += piece.length
    // Leaving the loop cancels the rest.
    if (length > maxBytes) throw new TypeError(configuredServerWording.tooLarge(maxBytes / 1e6))
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
