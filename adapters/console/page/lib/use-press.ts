/** A pressed button: which one is at work, and what went wrong with it, to be said where it was pressed. */
import { useState } from 'react'
import { failureMessage } from './server.ts'

export interface Press<K> {
  pending: K | null
  /** One sentence; goes with the next press. */
  error: string | null
  /** What `call` gave, or `null` when it failed or another press is still at work. */
  press<T>(key: K, call: () => Promise<T>): Promise<T | null>
}

export function usePress<K>(): Press<K> {
  const [pending, setPending] = useState<K | null>(null)
  const [error, setError] = useState<string | null>(null)
  return {
    pending,
    error,
    async press(key, call) {
      if (pending !== null) return null
      setPending(key)
      setError(null)
      try {
        return await call()
      } catch (cause) {
        setError(failureMessage(cause))
        return null
      } finally {
        setPending(null)
      }
    },
  }
}
