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
    const url = new URL(input instanceof Request ? input.url : input)
    if (!origins.includes(url.origin)) throw new TypeError(configuredServerWording.notConfigured(url.origin))
    const deadline = AbortSignal.timeout(timeoutMs)
    const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline
    const response = await fetch(input, { ...init, redirect: 'manual', signal })
    const bytes = await readWithin(response, maxBytes)
    const { status, statusText, headers } = response
    // A body is not allowed with these, not even an empty one.
    return new Response(status === 204 || status === 304 ? null : bytes, { status, statusText, headers })
  }
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
