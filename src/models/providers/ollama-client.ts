/**
 * Ollama's SDK, one client for each request: its own `abort` ends every stream of a client, and it prints what it cannot
 * parse to the console. So the signal reaches the wire in fetch, and refusals and streams are read here.
 */
import { Ollama } from 'ollama'
import { parseJson } from './chunk.ts'
import { HttpFailure } from './failure.ts'
import { createSdkFetch } from './sdk-fetch.ts'

export interface OllamaClient {
  sdk: Ollama
  /** Of the last request, its body unread where a stream was asked for. */
  response(): Response
}

/** The most of a refusal that is read. */
const MAX_REFUSAL = 2_000

export type ConnectOllama = (signal: AbortSignal) => OllamaClient

export function connectOllama(host: string, fetch?: typeof globalThis.fetch): ConnectOllama {
  // Without a key, the SDK would use one for ollama.com from the environment.
  const plain = createSdkFetch({ fetch, headers: {} })
  return (signal) => {
    let last: Response | undefined
    const watched: typeof globalThis.fetch = async (input, init) => {
      const response = await plain(input, { ...init, signal })
      if (!response.ok) {
        const text = (await response.text()).slice(0, MAX_REFUSAL)
        throw new HttpFailure(response.status, response.headers, parseJson(text) ?? text)
      }
      last = response
      return response
    }
    return {
      sdk: new Ollama({ host, fetch: watched }),
      response() {
        if (last === undefined) throw new Error('no request was made')
        return last
      },
    }
  }
}
