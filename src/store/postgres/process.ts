/** Looking at processes that are not our children. */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, under another account.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Signals a process that may be gone already. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone, which is what a signal here asks for.
  }
}

/** Its command line, empty when it is gone or a zombie. Unlike /proc/<pid>/cwd, this needs no right over the process. */
export async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
  }
  return (await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))).stdout
}

/** Ids of all processes whose command line holds `text`, this one aside. Empty on Windows. */
export async function processesNaming(text: string): Promise<number[]> {
  if (process.platform === 'win32') return []
  const pids =
    process.platform === 'linux'
      ? (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
      : (await run('ps', ['-axo', 'pid='])).stdout.split('\n').filter((line) => line.trim() !== '')
  const found = await Promise.all(
    pids.map(async (name) => ((await commandOf(Number(name))).includes(text) ? Number(name) : 0)),
  )
  return found.filter((pid) => pid > 0 && pid !== process.pid)
}
