/**
 * The reading processes of this host: as many as there are cores, each for one file, plus one spare
 * process with its parsers loaded.
 */
import { availableParallelism } from 'node:os'
import type { Log } from '../core/log.ts'
import { createSemaphore } from '../core/semaphore.ts'
import { type ReaderProcess, spawnReader } from './reader-process.ts'

export interface Slot {
  process: ReaderProcess
  /** Ends the process, if need be, and lets the next file in. */
  release(): Promise<void>
}

export interface Processes {
  /** Waits for a free slot. Rejects with the signal's reason on abort, and when closed. */
  take(signal: AbortSignal, kind?: ProcessKind): Promise<Slot>
  /** A process outside the slots, for callers with their own limit. */
  start(kind?: ProcessKind): ReaderProcess
  /** Makes the spare ready if there is none, so that the next read starts at once. */
  warm(): void
  /** Ends every process; returns when they are gone. */
  close(): Promise<void>
}

/** `native` processes may load native code; the spare process is never native. */
export interface ProcessKind {
  native?: boolean
}

export interface ProcessesOptions {
  heapMb: number
  log: Log
  concurrency?: number
  /** How long an unused spare is kept. It holds about 100 MB. */
  spareMs?: number
  readable?: readonly string[]
}

export function createProcesses(options: ProcessesOptions): Processes {
  const { heapMb, log, concurrency = availableParallelism(), spareMs = 60_000, readable = [] } = options
  const alive = new Set<ReaderProcess>()
  const semaphore = createSemaphore(concurrency)
  const closing = new AbortController()
  let spare: ReaderProcess | undefined
  let retire: NodeJS.Timeout | undefined

  function spawn({ warm = false, native = false }): ReaderProcess {
    closing.signal.throwIfAborted()
    const process = spawnReader({ heapMb, warm, native, readable, log })
    alive.add(process)
    void process.exited.then(() => {
      alive.delete(process)
      if (spare === process) spare = undefined
    })
    return process
  }

  function start({ native = false }: ProcessKind = {}): ReaderProcess {
    if (native) return spawn({ native })
    clearTimeout(retire)
    const process = spare ?? spawn({})
    spare = undefined
    return process
  }

  function warm(): void {
    if (closing.signal.aborted) return
    spare ??= spawn({ warm: true })
    clearTimeout(retire)
    retire = setTimeout(() => void spare?.kill(), spareMs)
    retire.unref()
  }

  return {
    start,
    warm,
    async take(signal, kind) {
      const leave = await semaphore.enter(AbortSignal.any([signal, closing.signal]))
      try {
        const process = start(kind)
        return {
          process,
          async release() {
            await process.kill()
            leave()
          },
        }
      } catch (error) {
        leave()
        throw error
      }
    },
    async close() {
      closing.abort(new Error('the reader is closed'))
      clearTimeout(retire)
      await Promise.all([...alive].map((process) => process.kill()))
    },
  }
}
