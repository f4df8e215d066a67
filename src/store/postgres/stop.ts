/** Stops a PostgreSQL server and does not return before it is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import type { Placement } from './placement.ts'
import { isPostmaster } from './postmaster.ts'
import { processesNaming, signal } from './process.ts'
import { clusterName } from './server.ts'

/** What is sent, and how long it may take: finish cleanly; drop everything and recover at the next start; die. */
const steps = [
  { signal: 'SIGINT', ms: 10_000 },
  { signal: 'SIGQUIT', ms: 5_000 },
  { signal: 'SIGKILL', ms: 5_000 },
] as const

export async function stopServer(pid: number, placement: Placement, log: Log): Promise<void> {
  const begun = performance.now()
  for (const step of steps) {
    if (!(await isPostmaster(pid, placement.data))) break
    signal(pid, step.signal)
    const deadline = performance.now() + step.ms
    while (performance.now() < deadline && (await isPostmaster(pid, placement.data))) await sleep(5)
  }
  // Only a killed postmaster leaves backends behind.
  for (const left of await processesNaming(`${clusterName(placement)}:`)) signal(left, 'SIGKILL')
  log.info({ pid, ms: Math.round(performance.now() - begun) }, 'PostgreSQL is stopped')
}
