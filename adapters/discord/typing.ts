/**
 * "Parley is typing…" from the moment a question is taken in. Discord shows it for ten seconds or until something is posted
 * there, and nothing can end it sooner. Parley therefore sends it once; the reply itself shows later progress.
 */
import type { Api } from './rest.ts'

export interface Typing {
  /** Never throws, because it is optional. */
  show(channelId: string, signal: AbortSignal): Promise<void>
}

/** Under load, Discord's rate limit is kept for answers. */
const perSecond = 5

export function createTyping(api: Api, now: () => number = Date.now): Typing {
  let second = 0
  let shown = 0

  return {
    async show(channelId, signal) {
      const current = Math.floor(now() / 1000)
      if (current !== second) {
        second = current
        shown = 0
      }
      shown += 1
      if (shown > perSecond) return
      await api.call('POST', `/channels/${channelId}/typing`, { signal }).catch(() => undefined)
    },
  }
}
