/** Programs that read files run at a lower priority than Parley, so that reading does not slow down answers. */
import type { ChildProcess } from 'node:child_process'
import { constants, setPriority } from 'node:os'

/** Called right after the start: threads that the program makes later inherit it. */
export function giveWay({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended, or the system does not allow it. It then runs at the usual priority.
  }
}
