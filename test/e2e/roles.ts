/** A gateway and workers as people run them, processes of their own over one database. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { environment } from './parley.ts'

const root = join(import.meta.dirname, '../..')

export interface Role {
  child: ChildProcess
  /** The line that says it is ready. */
  line: string
  /** What it has written to stderr so far. */
  log(): string
}

export interface Roles {
  /** Resolves when it says that it is ready. */
  start(role: 'gateway' | 'worker', env: Record<string, string>): Promise<Role>
  /** Kills all that still run. */
  killAll(): Promise<void>
}

export function createRoles(home: string): Roles {
  const running: ChildProcess[] = []
  return {
    async start(role, env) {
      const child = spawn(process.execPath, [join(root, 'src/cli.ts'), role], {
        cwd: root,
        env: environment(home, { LOG_LEVEL: 'warn', ...env }),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      running.push(child)
      let log = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text
      })
      const ended = once(child, 'exit').then(() =>
        Promise.reject(new Error(`the ${role} ended before it was ready:\n${log}`)),
      )
      const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
      ended.catch(() => {})
      return { child, line: line.toString(), log: () => log }
    },
    async killAll() {
      const ended = running.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      })
      await Promise.all(ended)
    },
  }
}

/** Sends SIGTERM; resolves with the exit code and how long the process took to end. */
export async function terminate({ child }: Role): Promise<{ code: number | null; ms: number }> {
  const begun = performance.now()
  const gone = once(child, 'exit') as Promise<[number | null]>
  child.kill('SIGTERM')
  const [code] = await gone
  return { code, ms: Math.round(performance.now() - begun) }
}
