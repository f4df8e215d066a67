/** The state of a group of buttons: which one is working, and the error to show next to it. */
import { useState } from 'react'
import { failureMessage } from './server.ts'

export interface Press<K> {
  pending: K | null
  /** One sentence; cleared by the next press. */
  error: string | null
  /** The result of `call`, or `null` if it failed or another press is still working. */
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
