/** Memory and processor time of processes, from /proc. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

export interface ProcessUse {
  pid: number
  name: string
  /** Resident memory; what processes share counts in each of them. */
  rssMb: number
  /** Proportional memory: what is shared counts in parts, so that sums mean something. */
  pssMb: number
  cpuMs: number
}

/** Why nothing can be said here, or `null`. */
export const noProc = existsSync('/proc/self/smaps_rollup') ? null : 'this system has no /proc'

/** Clock ticks of /proc are 10 ms on every Linux that Node runs on. */
const tickMs = 10

export function processUse(pid: number): ProcessUse | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const kb = (text: string, key: RegExp) => Number(key.exec(text)?.[1] ?? 0)
    return {
      pid,
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      rssMb: (kb(status, /VmRSS:\s+(\d+)/) * 1024) / 1e6,
      pssMb: (kb(rollup, /^Pss:\s+(\d+)/m) * 1024) / 1e6,
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    }
  } catch {
    // It ended in between, or is not ours to look at.
    return null
  }
}

/** All processes that came from `pid`, however far, without itself. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {}
  }
  const found: number[] = []
  for (const seek = [pid]; seek.length > 0; ) {
    const parent = seek.pop()
    for (const [child, of] of parents) if (of === parent) seek.push(found[found.push(child) - 1] ?? child)
  }
  return found
}
