/** Memory and processor time of processes, from /proc. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

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

export interface Spent {
  /** Processor time by name; `null` where it cannot be told. */
  ms: Record<string, number | null>
  /** Cores that were busy with anything else. */
  otherCores: number | null
}

/** Processor time of processes until `over`. They are asked for again and again: some start or end meanwhile. */
export async function watchCpu(
  processes: Record<string, () => Promise<number[]>>,
  over: Promise<unknown>,
): Promise<Spent> {
  const names = Object.keys(processes)
  if (noProc !== null) {
    await over
    return { ms: Object.fromEntries(names.map((name) => [name, null])), otherCores: null }
  }
  /** By process the first and the latest reading. */
  const seen = new Map(names.map((name) => [name, new Map<number, { first: number; last: number }>()]))
  const look = async (atStart: boolean) => {
    for (const [name, of] of seen) {
      for (const pid of (await processes[name]?.()) ?? []) {
        const ms = processUse(pid)?.cpuMs
        // A process that came later has spent all of its time in between.
        if (ms !== undefined) of.set(pid, { first: of.get(pid)?.first ?? (atStart ? ms : 0), last: ms })
      }
    }
  }
  const started = performance.now()
  const machine = machineCpuMs()
  await look(true)
  let going = true
  const ended = over.finally(() => {
    going = false
  })
  while (going) {
    await Promise.race([sleep(500), ended])
    await look(false)
  }
  const spent = [...seen].map(
    ([name, of]) => [name, [...of.values()].reduce((sum, { first, last }) => sum + last - first, 0)] as const,
  )
  const own = spent.reduce((sum, [, ms]) => sum + ms, 0)
  const otherCores = (machineCpuMs() - machine - own) / (performance.now() - started)
  return { ms: Object.fromEntries(spent), otherCores: Math.max(0, otherCores) }
}

/** What all processors of the machine have worked since it started. */
function machineCpuMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softIrq) * tickMs
}
