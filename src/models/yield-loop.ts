/** Long computations in small steps: awaited after each, it lets other work of the process run every few milliseconds. */
export function createYield(signal: AbortSignal, everyMs = 8): () => Promise<void> {
  let from = performance.now()
  return async function yieldLoop() {
    if (performance.now() - from < everyMs) return
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    from = performance.now()
  }
}
