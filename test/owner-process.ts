/** Starts `embedded-child.ts` and reads what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { PostgresConnection } from '../src/store/postgres/embedded.ts'

export interface Said {
  event: string
  pid?: number
  connection?: PostgresConnection
  code?: string
  userMessage?: string
}

export interface OwnerProcess {
  child: ChildProcess
  next(): Promise<Said>
  /** Kills it at once, and returns when it is gone. */
  kill(): Promise<void>
}

const program = fileURLToPath(new URL('embedded-child.ts', import.meta.url))

export function startOwner(args: string[], as: { uid?: number; gid?: number } = {}): OwnerProcess {
  const child = spawn(process.execPath, [program, ...args], { ...as, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' })
  const gone = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    async next() {
      const { value, done } = await lines.next()
      if (done) throw new Error('the process ended without saying more')
      return JSON.parse(value)
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
