import { expect, it } from 'vitest'
import { emailOf } from './claims.ts'

it('an address that is too long in its plain form is no address', () => {
  // One character that becomes three letters.
  expect(emailOf(`${'\uFB03'.repeat(100)}@example.com`)).toBeNull()
  expect(emailOf(' Ada@Example.com ')).toBe('Ada@Example.com')
})
