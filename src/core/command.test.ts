import { expect, it } from 'vitest'
import { commandsTypedAs } from './command.ts'

it.each([
  ['/', 'Try `/models list`, or `/`. /parley in words stays, and so does `parley`.'],
  ['parley admin ', 'Try `parley admin models list`, or `parley admin`. /parley in words stays, and so does `parley`.'],
])('commands are named as they are typed after %j', (prefix, shown) => {
  const text = 'Try `/parley models list`, or `/parley`. /parley in words stays, and so does `parley`.'
  expect(commandsTypedAs(prefix, text)).toBe(shown)
})
