/** What the queue on BullMQ does when processes and servers die; run by bullmq.test.ts on both servers. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../core/log.ts'
import { createBullQueue } from './bullmq.ts'
import { openConnections, type QueueConnection } from './bullmq-connections.ts'
import { doing, doNothing, turnJob } from './queue.contract.tools.ts'
import type { JobContext, Queue } from './queue.ts'

export interface Mortal {
  connection: QueueConnection
  killServer(): Promise<void>
  serverBack(): Promise<void>
}

export function describeCrashes(open: () => Promise<Mortal>): void {
  it('a payload that no attempt could read is dead at once, and says why', async () => {
    const { connection } = await open()
    await using queue = closing(await createBullQueue(connection, { log: silentLog }))
    const raw = await openConnections(connection)
    await raw.queue('turn').add('turn', { v: 7 }, { jobId: 'turn-old-1', attempts: 4 })
    await raw.queue('turn').add('dance', {}, { jobId: 'dance-1', attempts: 4 })
    await queue.process(doNothing, { turn: 2 })
    await expect.poll(() => queue.dead(10)).toHaveLength(2)
    const reasons = Object.fromEntries((await queue.dead(10)).map(({ id, reason }) => [id, reason]))
    expect(reasons['turn-old-1']).toMatch(/payload of turn cannot be read.*turnId/s)
    expect(reasons['dance-1']).toBe('no job is called dance')
    await raw.close()
  })

  it('several processes may prepare an empty server at once', async () => {
    const { connection } = await open()
    const queues = await Promise.all(Array.from({ length: 5 }, () => createBullQueue(connection, { log: silentLog })))
    await Promise.all(queues.map((queue) => queue.add(turnJob())))
    expect((await queues[0]?.counts())?.turn.waiting).toBe(5)
    await Promise.all(queues.map((queue) => queue.close()))
  })

  it('a job whose worker was killed goes to another, with its attempt', async () => {
    const { connection } = await open()
    await using queue = closing(await createBullQueue(connection, { log: silentLog, lockMs: 1_000 }))
    const job = turnJob()
    await queue.add(job)
    const { worker, line } = await startChild(connection)
    expect(line).toBe(job.id)
    const gone = once(worker, 'exit')
    worker.kill('SIGKILL')
    await gone
    const taken = Promise.withResolvers<{ id: string; attempt: number }>()
    await queue.process({ ...doNothing, turn: doing((_, context) => taken.resolve(context)) }, { turn: 1 })
    expect(await taken.promise).toMatchObject({ id: job.id, attempt: 1 })
  })

  it('a job that was given to another worker aborts the signal of the first, whose end then counts for nothing', async () => {
    const { connection } = await open()
    await using queue = closing(await createBullQueue(connection, { log: silentLog, lockMs: 1_000 }))
    const job = turnJob()
    const runs: string[] = []
    const started = Promise.withResolvers<void>()
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const turn = async (_: unknown, { signal }: JobContext) => {
      if (runs.push('start') === 2) {
        second.resolve()
        return 'done' as const
      }
      started.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      first.resolve()
      throw new Error('too late to matter')
    }
    await queue.process({ ...doNothing, turn }, { turn: 2 })
    await queue.add(job)
    await started.promise
    const raw = await openConnections(connection)
    // What happens to the job of a worker that was frozen for longer than its lock.
    await raw.queue('turn').getBackend().moveJobFromActiveToWait(job.id, '0')
    await Promise.all([first.promise, second.promise])
    await raw.close()
    await expect.poll(async () => (await queue.counts()).turn).toEqual({ waiting: 0, active: 0, delayed: 0, dead: 0 })
    expect(await queue.dead(1)).toEqual([])
  })

  describe('when the server is killed and comes back', () => {
    it('adding fails soon and clearly, and everything goes on by itself', async () => {
      const { connection, killServer, serverBack } = await open()
      await using queue = closing(await createBullQueue(connection, { log: silentLog }))
      const started = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const ran = new Map<string, number>()
      let sweeps = 0
      const [long, before, after] = [turnJob(), turnJob(), turnJob()]
      const turn = async (_: unknown, { id }: { id: string }) => {
        ran.set(id, (ran.get(id) ?? 0) + 1)
        started.resolve()
        if (id === long.id) await goOn.promise
        return 'done' as const
      }
      await queue.process({ ...doNothing, turn, sweep: doing(() => sweeps++) }, { turn: 5, system: 1 })
      await queue.schedule({ name: 'sweep', id: 'sweep', payload: { v: 1 } }, 300)
      await queue.add(long)
      await started.promise
      await queue.add(before, { delayMs: 700 })

      await killServer()
      const refused = await untilItFails(() => queue.add(turnJob()))
      expect(refused).toMatchObject({ code: 'queue_unreachable' })
      goOn.resolve() // its end cannot be told now; it is told later
      await serverBack()

      await expect.poll(() => ran.get(before.id)).toBe(1)
      await expect
        .poll(
          () =>
            queue.add(after).then(
              () => 'added',
              () => 'refused',
            ),
          { timeout: 20_000 },
        )
        .toBe('added')
      await expect.poll(() => ran.get(after.id), { timeout: 20_000 }).toBe(1)
      const sweepsSoFar = sweeps
      await expect.poll(() => sweeps).toBeGreaterThan(sweepsSoFar + 1)
      await expect.poll(async () => (await queue.counts()).turn.active).toBe(0)
      expect(ran.get(long.id)).toBeGreaterThanOrEqual(1)
    })
  })
}

/** The server may take a moment to be gone. */
async function untilItFails(action: () => Promise<void>): Promise<unknown> {
  for (;;) {
    try {
      await action()
    } catch (error) {
      return error
    }
  }
}

function closing(queue: Queue): Queue & AsyncDisposable {
  return { ...queue, [Symbol.asyncDispose]: () => queue.close() }
}

/** A worker in a process of its own that starts one job, tells its id and never ends it. */
async function startChild(connection: QueueConnection): Promise<{ worker: ChildProcess; line: string }> {
  const script = join(import.meta.dirname, 'bullmq.crashes.child.ts')
  const worker = spawn(process.execPath, [script, JSON.stringify(connection)], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: worker.stdout })) return { worker, line }
  throw new Error('the worker process ended')
}
