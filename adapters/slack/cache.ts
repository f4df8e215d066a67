/** What Slack told, by key, for as long as whoever asks accepts it. Whoever asks while the answer is on its way shares it. */
import { monotonic } from '../../src/core/clock.ts'

export interface Cache<T> {
  /** What is known and not older than `maxAgeMs`, else the answer to `ask`. Rejects as `ask` does: failures are not kept. */
  get(key: string, maxAgeMs: number, ask: () => Promise<T>): Promise<T>
  /** What is known and not older than `maxAgeMs`. */
  peek(key: string, maxAgeMs: number): Promise<T | undefined>
  put(key: string, value: T): void
}

/** `most`: above it, everything is forgotten. */
export function createCache<T>(most: number): Cache<T> {
  const known = new Map<string, { value: Promise<T>; at: number }>()

  const fresh = (key: string, maxAgeMs: number) => {
    const found = known.get(key)
    return found !== undefined && monotonic() - found.at < maxAgeMs ? found.value : undefined
  }

  function keep(key: string, value: Promise<T>): void {
    if (known.size >= most) known.clear()
    known.set(key, { value, at: monotonic() })
  }

  return {
    async get(key, maxAgeMs, ask) {
      const found = fresh(key, maxAgeMs)
      if (found !== undefined) return await found
      const value = ask()
      keep(key, value)
      try {
        return await value
      } catch (error) {
        if (known.get(key)?.value === value) known.delete(key)
        throw error
      }
    },
    peek: async (key, maxAgeMs) => await fresh(key, maxAgeMs)?.catch(() => undefined),
    put: (key, value) => keep(key, Promise.resolve(value)),
  }
}
