import { expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { backoffMs } from './bullmq-handler.ts'

it('waits double the time after each failure, from the job’s own first wait', () => {
  expect([1, 2, 3].map((failures) => backoffMs('turn', failures, new Error('x')))).toEqual([500, 1_000, 2_000])
})

it('waits as long as the error asks', () => {
  expect(backoffMs('turn', 3, new ParleyError('model_busy', 'Please wait.', { retryAfterMs: 7_000 }))).toBe(7_000)
})
