/**
 * The stream of a thread's events. Unlike an EventSource alone it also comes back after an error answer (a proxy's 502),
 * and it says that it was lost only when that lasts long enough for a person to care.
 */
import type { ConsoleEvent } from '../../api.ts'

const LOST_AFTER_MS = 1_000
const FIRST_RETRY_MS = 300
const LAST_RETRY_MS = 8_000
/** A laptop that slept may hold a connection that died without a word. */
const HIDDEN_TOO_LONG_MS = 60_000

export interface Live {
  /** Starts over now, which brings a fresh snapshot. */
  reconnect(): void
  close(): void
}

export function connectLive(
  url: string,
  on: { event(event: ConsoleEvent): void; open(): void; failed(): void; lost(): void },
): Live {
  let source: EventSource | null = null
  let failures = 0
  let retry: ReturnType<typeof setTimeout> | undefined
  let lost: ReturnType<typeof setTimeout> | undefined
  let hiddenAt: number | null = null

  const connect = () => {
    clearTimeout(retry)
    source?.close()
    lost ??= setTimeout(on.lost, LOST_AFTER_MS)
    const opened = new EventSource(url)
    source = opened
    opened.onopen = () => {
      failures = 0
      clearTimeout(lost)
      lost = undefined
      on.open()
    }
    opened.onmessage = (message: MessageEvent<string>) => {
      if (source === opened) on.event(JSON.parse(message.data) as ConsoleEvent)
    }
    opened.onerror = () => {
      if (source !== opened) return
      opened.close()
      on.failed()
      lost ??= setTimeout(on.lost, LOST_AFTER_MS)
      const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
      retry = setTimeout(connect, wait * (0.75 + Math.random() / 2))
    }
  }
  const onVisibility = () => {
    if (document.visibilityState === 'hidden') hiddenAt = Date.now()
    else if (hiddenAt !== null && Date.now() - hiddenAt > HIDDEN_TOO_LONG_MS) connect()
  }
  window.addEventListener('online', connect)
  document.addEventListener('visibilitychange', onVisibility)
  connect()
  return {
    reconnect: connect,
    close() {
      window.removeEventListener('online', connect)
      document.removeEventListener('visibilitychange', onVisibility)
      clearTimeout(retry)
      clearTimeout(lost)
      source?.close()
      source = null
    },
  }
}
