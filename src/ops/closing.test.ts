import { describe, expect, it } from 'vitest'
import type { Log } from '../core/log.ts'
import { Closing } from './closing.ts'

function logged(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const line = (fields: object, event: string) => void lines.push(`${event}: ${'step' in fields ? fields.step : ''}`)
  return { lines, log: { debug: line, info: line, warn: line, error: line } }
}

describe('closing', () => {
  it('runs the steps in reverse, continues after one that hangs or fails, and logs their names', async () => {
    const { log, lines } = logged()
    const closing = new Closing(log)
    const done: string[] = []
    closing.defer('first', () => void done.push('first'))
    closing.defer('hangs', () => new Promise(() => {}), 10)
    closing.use('resource', { [Symbol.asyncDispose]: async () => void done.push('resource') })
    closing.defer('fails', () => {
      throw new Error('no')
    })
    closing.defer('last', async () => void done.push('last'))
    await closing[Symbol.asyncDispose]()
    expect(done).toEqual(['last', 'resource', 'first'])
    expect(lines).toEqual(['closing step failed: fails', 'closing step late; Parley goes on without it: hangs'])
  })

  it('closes moved steps once, and only by the new owner', async () => {
    let closed = 0
    const closing = new Closing(logged().log)
    closing.defer('part', () => void closed++)
    const moved = closing.move()
    await closing[Symbol.asyncDispose]()
    expect(closed).toBe(0)
    await moved[Symbol.asyncDispose]()
    await moved[Symbol.asyncDispose]()
    expect(closed).toBe(1)
  })

  it('survives a step that fails after its deadline', async () => {
    const closing = new Closing(logged().log)
    const late = Promise.withResolvers<void>()
    closing.defer('late', () => late.promise, 1)
    await closing[Symbol.asyncDispose]()
    late.reject(new Error('too late'))
  })
})
