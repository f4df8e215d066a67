import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfig } from '../config.ts'

const cwd = mkdtempSync(join(tmpdir(), 'parley-mail-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))
const read = (env: Record<string, string>) => readConfig({ cwd, env }).mail
const MAIL_FROM = 'Parley <parley@example.com>'

describe('the mail server', () => {
  it.each([
    ['smtps://me:p%40ss@mail.example.com', { port: 465, encryption: 'fromStart', login: { user: 'me', pass: 'p@ss' } }],
    ['smtp://mail.example.com', { port: 587, encryption: 'required', login: undefined }],
    ['smtp://127.0.0.1:2525', { host: '127.0.0.1', port: 2525, encryption: 'ifOffered' }],
  ])('is read from %s', (SMTP_URL, expected) => {
    expect(read({ SMTP_URL, MAIL_FROM })).toMatchObject({ ...expected, from: MAIL_FROM })
  })

  it('is absent where nothing is set', () => {
    expect(read({})).toBeUndefined()
  })

  it.each([
    [{ SMTP_URL: 'smtp://mail.example.com' }, /MAIL_FROM is missing/],
    [{ MAIL_FROM }, /SMTP_URL is missing/],
    [{ SMTP_URL: 'https://mail.example.com', MAIL_FROM }, /SMTP_URL must be an address that starts with smtp/],
    [{ SMTP_URL: 'smtp://mail.example.com', MAIL_FROM: 'Parley' }, /MAIL_FROM must be an email address/],
  ])('is refused: %j', (env, problem) => {
    expect(() => read(env)).toThrow(problem)
  })

  it('keeps its password out of the logs', () => {
    const { secrets } = readConfig({ cwd, env: { SMTP_URL: 'smtps://me:long-password@mail.example.com', MAIL_FROM } })
    expect(secrets).toContain('long-password')
  })
})
