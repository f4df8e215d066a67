/**
 * Keeps programs that read files within bounds: a low priority, time, memory, abort. An early end becomes a message to the
 * sender.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Limits } from './limits.ts'
import type { ReaderProcess } from './reader-process.ts'

export interface Guard {
  /** Rejects when the process ended or was ended before `release`. */
  broken: Promise<never>
  /** Gives the process more time, once. */
  extend(seconds: number): void
  /** The most resident memory seen, in bytes. */
  peak(): number
  release(): void
}

/** Interval of memory checks. V8's own limit does not cover WebAssembly and buffers. */
const lookMs = 25

export function guard(
  process: Pick<ReaderProcess, 'pid' | 'exited' | 'kill'>,
  options: { name: string; limits: Pick<Limits, 'seconds' | 'memoryMb'>; signal?: AbortSignal },
): Guard {
  const { name, limits, signal } = options
  const { promise: broken, reject } = Promise.withResolvers<never>()
  broken.catch(() => {})
  let held = true
  let peak = 0

  function end(reason: unknown): void {
    if (!held) return
    release()
    void process.kill()
    reject(reason)
  }
  let allowed = limits.seconds
  const tooSlow = () => {
    end(new ParleyError('file_too_slow', fileWording.limit.time(name, allowed)))
  }
  const startedAt = performance.now()
  let slow = setTimeout(tooSlow, allowed * 1000)
  const hungry = () => new ParleyError('file_too_hungry', fileWording.limit.memory(name, limits.memoryMb * 1e6))
  const look = watchMemory(process.pid, (bytes) => {
    peak = Math.max(peak, bytes)
    if (bytes > limits.memoryMb * 1e6) end(hungry())
  })
  const onAbort = () => end(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  void process.exited.then(({ code, signal: by, heapExhausted }) => {
    end(
      heapExhausted
        ? hungry()
        : new ParleyError('file_reader_crashed', fileWording.failure.stopped(name), {
            cause: new Error(`exit ${code ?? by}`),
          }),
    )
  })

  function release(): void {
    held = false
    clearTimeout(slow)
    look.stop()
    signal?.removeEventListener('abort', onAbort)
  }
  if (signal?.aborted) onAbort()
  return {
    broken,
    peak: () => peak,
    release,
    extend(more) {
      if (!held || allowed > limits.seconds) return
      allowed += more
      clearTimeout(slow)
      slow = setTimeout(tooSlow, allowed * 1000 - (performance.now() - startedAt))
    },
  }
}

/** Reads /proc on Linux and runs `ps` elsewhere, less often. On Windows only V8's limit applies. */
function watchMemory(pid: number | undefined, seen: (bytes: number) => void): { stop(): void } {
  if (pid === undefined || process.platform === 'win32') return { stop() {} }
  const linux = process.platform === 'linux'
  const timer = setInterval(
    () => {
      if (linux) {
        seen(residentOnLinux(pid))
        return
      }
      execFile('ps', ['-o', 'rss=', '-p', String(pid)], (error, stdout) => {
        if (error === null) seen(Number(stdout.trim()) * 1024)
      })
    },
    linux ? lookMs : lookMs * 10,
  )
  return { stop: () => clearInterval(timer) }
}

function residentOnLinux(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/**
 * Gives a program a lower priority than Parley, so that reading does not slow down answers. Called right after the start:
 * threads that the program makes later inherit it.
 */
export function giveWay({ pid }: Pick<ChildProcess, 'pid'>): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended, or the system does not allow it. It then runs at the usual priority.
  }
}
