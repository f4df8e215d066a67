/**
 * One reading process: Node with its permission model (it may read Parley's code, and write or start nothing), an
 * empty environment, a bounded heap, and a watch that ends it when its parent is gone.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { Log } from '../core/log.ts'
import { giveWay } from './guard.ts'
import { readerCode } from './stripped-code.ts'
import type { Task } from './wire.ts'

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** V8 gave up because the heap was full. */
  heapExhausted: boolean
}

export interface ReaderProcess {
  readonly pid: number | undefined
  send(task: Task): void
  /** Sends the file to the process. Rejects when the process stopped reading; its exit says why. */
  feed(content: Readable): Promise<void>
  /** Messages of the process; one listener at a time. */
  onMessage(listener: (message: unknown) => void): void
  /** Resolves when the process is gone. Never rejects. */
  readonly exited: Promise<Exit>
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<Exit>
}

export interface SpawnOptions {
  heapMb: number
  /** Loads the common parsers before a file is there. */
  warm: boolean
  /**
   * Lets the process load native code (sharp's libvips), which Node's permission model does not restrict. What remains is
   * the empty environment, the limits on time and memory, and that the process is killed after one file.
   */
  native?: boolean
  /** Files and folders a provider may read beside Parley's own code. */
  readable?: readonly string[]
  log: Log
}

const entry = new URL('./child.ts', import.meta.url)
const root = new URL('../../', import.meta.url)
/** All that a reading process may read: no home folder, no configuration, no other shared file. */
const ownCode = ['package.json', 'node_modules/', 'src/core/', 'src/media/', 'src/wording/'].map((path) =>
  fileURLToPath(new URL(path, root)),
)

export function spawnReader({ heapMb, warm, native = false, readable = [], log }: SpawnOptions): ReaderProcess {
  const child = fork(readerCode(entry), warm ? ['--warm'] : [], {
    execArgv: [
      '--permission',
      ...(native ? ['--allow-addons'] : []),
      ...[...ownCode, ...readable].map((path) => `--allow-fs-read=${path}`),
      '--disallow-code-generation-from-strings',
      `--max-old-space-size=${heapMb}`,
      '--no-warnings',
    ],
    env: {},
    serialization: 'advanced',
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    // A separate process group, so that Ctrl-C reaches only the parent, which lets running reads finish.
    detached: true,
  })
  giveWay(child)
  const watch = watchParent(child.pid, log)
  let stderrText = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrText = (stderrText + text).slice(-4_000)
  })
  child.stdin?.on('error', () => {})
  let failedToStart: Error | undefined
  const exited = new Promise<Exit>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      watch?.kill('SIGKILL')
      const heapExhausted = stderrText.includes('heap out of memory')
      if (code !== 0 && signal !== 'SIGKILL') {
        log.warn(
          { pid: child.pid, code, signal, heapExhausted, frames: stackOf(stderrText) },
          'reader ended unexpectedly',
        )
      }
      resolve({ code, signal, heapExhausted })
    }
    child.once('close', end)
    child.on('error', (error) => {
      // Also raised when a message cannot be delivered to a process that is ending: then `close` follows.
      failedToStart = error
      if (child.pid === undefined) end(null, null)
    })
  })

  return {
    pid: child.pid,
    exited,
    send(task) {
      if (!child.connected) return
      const placed = task.kind === 'open' ? { ...task, module: readerCode(new URL(task.module)).href } : task
      child.send(placed, (error) => (failedToStart = error ?? failedToStart))
    },
    async feed(content) {
      if (child.stdin === null) throw failedToStart ?? new Error('the reading process has no standard input')
      await pipeline(content, child.stdin)
    },
    onMessage(listener) {
      child.removeAllListeners('message')
      child.on('message', listener)
    },
    kill() {
      child.kill('SIGKILL')
      return exited
    },
  }
}

/**
 * A parser in an endless loop does not notice that its parent was killed. A shell that waits for the end of a pipe held by
 * this process does, and costs 1 MB. (A watching thread inside the process would need `--allow-worker`, through which the
 * permission model can be left.)
 */
function watchParent(pid: number | undefined, log: Log): ChildProcess | undefined {
  if (pid === undefined || process.platform === 'win32') return undefined
  const watch = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$1"', 'parley-reader-watch', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    detached: true,
  })
  watch.on('error', (error) => log.warn({ reason: error.message }, 'memory of a reader is not watched'))
  watch.stdin?.on('error', () => {})
  watch.unref()
  return watch
}

/** Only stack frames are logged, because an error's message may quote the file. */
function stackOf(stderrText: string): string {
  return stderrText
    .split('\n')
    .filter((line) => /^\s+at |^\w*Error at /.test(line))
    .slice(-6)
    .join('\n')
}
