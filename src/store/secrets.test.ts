import { describe, expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { secretWording } from '../wording/storage.ts'
import { createSecrets } from './secrets.ts'

const secrets = createSecrets('a secret for the tests alone')

function refusal(open: () => unknown): ParleyError {
  try {
    open()
  } catch (error) {
    if (error instanceof ParleyError) return error
    throw error
  }
  throw new Error('it opened')
}

describe('sealed secrets', () => {
  it('open again, in another process with the same secret', () => {
    const sealed = secrets.seal('xoxb-1 ✓', 'a')
    expect(sealed).not.toContain('xoxb')
    expect(createSecrets('a secret for the tests alone').open(sealed, 'a')).toBe('xoxb-1 ✓')
  })

  it('are never the same twice', () => {
    expect(secrets.seal('x', 'a')).not.toBe(secrets.seal('x', 'a'))
  })

  it('distinguish a wrong key from a changed value, and reveal neither’s content', () => {
    const sealed = secrets.seal('xoxb-1', 'a')
    const other = refusal(() => createSecrets('another secret for the tests').open(sealed, 'a'))
    expect(other).toMatchObject({
      code: 'secret_missing',
      userMessage: secretWording.otherKey,
    })
    const changed = [...sealed.split('.').slice(0, 4), Buffer.from('changed').toString('base64url')].join('.')
    const damaged = refusal(() => secrets.open(changed, 'a'))
    expect(damaged.userMessage).toBe(secretWording.altered)
    for (const { message, cause } of [other, damaged]) {
      expect(message).not.toMatch(/xoxb|tests/)
      expect(cause).toBeUndefined()
    }
  })

  it('open only in the place they were sealed for', () => {
    expect(refusal(() => secrets.open(secrets.seal('x', 'a'), 'b')).code).toBe('secret_missing')
  })

  it('of an unknown form, with a short tag or cut off do not open', () => {
    const [form, id, nonce, tag, body] = secrets.seal('xoxb-1', 'a').split('.')
    const short = Buffer.from(tag ?? '', 'base64url')
      .subarray(0, 4)
      .toString('base64url')
    for (const bad of [`v9.${id}.${nonce}.${tag}.${body}`, [form, id, nonce, short, body].join('.'), 'v1.x', ''])
      expect(refusal(() => secrets.open(bad, 'a')).code, bad).toBe('secret_missing')
  })
})
