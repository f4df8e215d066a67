/** Waits for `work`, but no longer than `ms`: then `late`, and the work goes on by itself. Rejects when the work does in time. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(resolve, ms, 'late')
  // A rejection after the deadline has no reader any more.
  work.catch(() => {})
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
