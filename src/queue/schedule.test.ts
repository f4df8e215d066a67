import { expect, it, onTestFinished, vi } from 'vitest'
import type { Job } from './queue.ts'
import { keepAdding } from './schedule.ts'

const everyMs = 40

it('continues within a period even if the wall clock is set back by an hour', async () => {
  const realNow = Date.now
  let shift = 0
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + shift)
  const stop = new AbortController()
  onTestFinished(() => {
    stop.abort()
    vi.restoreAllMocks()
  })
  const added = new Set<string>()
  let wake = () => {}
  const job: Job = { name: 'sweep', id: 'sweep', payload: { v: 1 } }
  const add = async ({ id }: Job) => {
    added.add(id)
    wake()
  }
  const until = async (count: number) => {
    while (added.size < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  await keepAdding(add, job, everyMs, { signal: stop.signal, report: () => {} })
  await until(2)
  shift = -3_600_000
  await until(5)
  expect([...added].every((id) => id.startsWith('sweep-'))).toBe(true)
})
