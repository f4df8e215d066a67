import { expect, it } from 'vitest'
import { createShared } from './shared.ts'

it('asks once for each key and signal, also for what fails', async () => {
  const shared = createShared<string>()
  const asked: string[] = []
  const ask = (key: string) => async () => {
    asked.push(key)
    if (key === 'broken') throw new Error('no answer')
    return `${key} ${asked.length}`
  }
  const [one, other] = [new AbortController().signal, new AbortController().signal]
  expect(await Promise.all([shared(one, 'a', ask('a')), shared(one, 'a', ask('a'))])).toEqual(['a 1', 'a 1'])
  expect(await shared(one, 'b', ask('b'))).toBe('b 2')
  expect(await shared(other, 'a', ask('a'))).toBe('a 3')
  const failed = [shared(one, 'broken', ask('broken')), shared(one, 'broken', ask('broken'))]
  expect((await Promise.allSettled(failed)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(asked).toEqual(['a', 'b', 'a', 'broken'])
})
