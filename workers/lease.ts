/** The lease of something that is read: renewed with what is reported, once a second. A stop that the channel lost is noticed here. */

export interface Lease extends Disposable {
  /** Aborts when another worker may have taken the work, or it was deleted. */
  lost: AbortSignal
  /** What the next renewal stores as progress. */
  report(text: string): void
}

const renewEveryMs = 1000

export function keepLease(renew: (progress: string) => Promise<'held' | 'stop' | 'lost'>, stop?: () => void): Lease {
  const lost = new AbortController()
  let text = ''
  let busy = false
  const beat = async () => {
    if (busy) return
    busy = true
    try {
      const state = await renew(text)
      if (state === 'stop') stop?.()
      if (state === 'lost') lost.abort()
    } catch {
      // The database is away for a moment; the lease outlives several missed renewals.
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void beat(), renewEveryMs)
  return {
    lost: lost.signal,
    report(next) {
      text = next
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
