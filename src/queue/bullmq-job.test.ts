import { expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { backoffMs } from './bullmq-job.ts'

it('doubles the wait after each failure, starting from the job’s first wait', () => {
  expect([1, 2, 3].map((failures) => backoffMs('turn', failures, new Error('x')))).toEqual([500, 1_000, 2_000])
})

it('waits as long as the error says', () => {
  expect(backoffMs('turn', 3, new ParleyError('model_busy', 'Please wait.', { retryAfterMs: 7_000 }))).toBe(7_000)
})
