/** State outside of components that React subscribes to: stores of the page, and media queries. */
import { useSyncExternalStore } from 'react'

/** The smallest store that React can subscribe to. Values are replaced, never changed in place. */
export interface Store<T> {
  get(): T
  set(next: (now: T) => T): void
  subscribe(listener: () => void): () => void
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      const changed = next(value)
      if (Object.is(changed, value)) return
      value = changed
      for (const listener of [...listeners]) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** `select` must return the same reference for the same state. */
export function useStore<T, S>(store: Store<T>, select: (state: T) => S): S {
  const selected = () => select(store.get())
  return useSyncExternalStore(store.subscribe, selected, selected)
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query)
      list.addEventListener('change', changed)
      return () => list.removeEventListener('change', changed)
    },
    () => matchMedia(query).matches,
  )
}

/** Where the thread list is a drawer and a source opens as a sheet. */
export const PHONE = '(max-width: 760px)'
