/** A statement that ends with a signal, also on the server: nobody pays in time and memory for what nobody waits for. */
import type pg from 'pg'

/** Rejects with the signal's reason as soon as it aborts, and gives the connection back when the server has let go of it. */
export async function queryUntil(
  pool: pg.Pool,
  text: string,
  values: unknown[],
  signal: AbortSignal,
): Promise<{ rows: unknown[] }> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  // Nobody may be waiting for it any more when it is rejected.
  aborted.promise.catch(() => undefined)
  try {
    return await Promise.race([onConnection(pool, text, values, signal), aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function onConnection(pool: pg.Pool, text: string, values: unknown[], signal: AbortSignal) {
  const client = await pool.connect()
  let cancelled: Promise<unknown> | undefined
  const cancel = () => {
    cancelled = pool.query(CANCEL, [backendOf(client)]).catch(() => undefined)
  }
  let broken: Error | undefined
  try {
    signal.throwIfAborted()
    signal.addEventListener('abort', cancel, { once: true })
    return await client.query(text, values).catch((error: Error) => {
      // What the server says of a statement leaves a good connection; anything else is of the connection.
      if (!('severity' in error)) broken = error
      throw error
    })
  } finally {
    signal.removeEventListener('abort', cancel)
    // Not before: a cancellation that comes late must not meet the next statement of this connection.
    await cancelled
    client.release(broken)
  }
}

function backendOf(client: pg.PoolClient): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null
}

const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and usename = current_user and state = 'active'`
