/** How a stop reaches the worker that holds the turn, whichever process that is in. */
import { z } from 'zod'
import type { Channel } from '../queue/channel.ts'

export const stopTopic = 'turn-stop'
const Stop = z.object({ turnId: z.string() })

export interface Stops {
  /** A signal that aborts when the turn is to stop. Dispose of it when the turn's work ends. */
  watch(turnId: string): Disposable & { signal: AbortSignal; stop(): void }
  close(): Promise<void>
}

export async function listenForStops(channel: Channel): Promise<Stops> {
  const watched = new Map<string, Set<AbortController>>()
  const end = await channel.subscribe(stopTopic, (message) => {
    const stop = Stop.safeParse(message)
    if (stop.success) for (const controller of watched.get(stop.data.turnId) ?? []) controller.abort()
  })
  return {
    watch(turnId) {
      const controller = new AbortController()
      const watchers = watched.get(turnId) ?? new Set()
      watched.set(turnId, watchers.add(controller))
      return {
        signal: controller.signal,
        stop: () => controller.abort(),
        [Symbol.dispose]() {
          watchers.delete(controller)
          if (watchers.size === 0) watched.delete(turnId)
        },
      }
    },
    close: end,
  }
}
