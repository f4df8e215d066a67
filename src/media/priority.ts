/** Reading gives way to answering: every program that reads files runs at a lower priority than Parley itself. */
import type { ChildProcess } from 'node:child_process'
import { constants, setPriority } from 'node:os'

/** Called right after the start: threads that the program makes later inherit it. */
export function giveWay({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or this system does not allow it: then it reads at the usual priority.
  }
}
