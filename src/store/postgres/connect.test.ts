import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ParleyError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { databaseWording } from '../../wording/storage.ts'
import { connect, isConnectionError, retryOnConnectionLoss } from './connect.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts'
import { migrate } from './migrate.ts'

let postgres: EmbeddedPostgres
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-connect-'))
  await chmod(home, 0o711)
  postgres = await startEmbeddedPostgres({ home, log: silentLog, transport: 'tcp', durable: false })
})
afterAll(async () => {
  await postgres.stop()
  await rm(home, { recursive: true, force: true })
})

describe('a wrong DATABASE_URL', () => {
  const secret = 'hunter2secret'
  const at = () => `127.0.0.1:${postgres.connection.port}`
  const right = () => encodeURIComponent(postgres.connection.password ?? '')
  it.each([
    ['password', () => `postgres://parley:${secret}@${at()}/parley`, [databaseWording.wrongPassword('parley')]],
    ['user', () => `postgres://nobody:${secret}@${at()}/parley`, [databaseWording.wrongPassword('nobody')]],
    ['database', () => `postgres://parley:${right()}@${at()}/no`, [databaseWording.databaseMissing('no', '127.0.0.1')]],
    ['port', () => `postgres://parley:${secret}@127.0.0.1:1/parley`, [databaseWording.refused('127.0.0.1', 1)]],
    [
      'host',
      () => `postgres://parley:${secret}@no-such-host.invalid/parley`,
      [databaseWording.unknownHost('no-such-host.invalid'), databaseWording.lookupFailed('no-such-host.invalid')],
    ],
    ['socket', () => `postgres://parley:${secret}@/parley?host=/nowhere`, [databaseWording.noSocket('/nowhere', 5432)]],
    ['tls', () => `postgres://parley:${secret}@${at()}/parley?sslmode=verify-full`, []],
    ['scheme', () => `mysql://parley:${secret}@${at()}/parley`, [databaseWording.invalidAddress]],
    ['form', () => `parley:${secret}@${at()}`, [databaseWording.invalidAddress]],
    ['hash sign', () => `postgres://parley:#${secret}@${at()}/parley`, [databaseWording.invalidAddress]],
  ])('with a wrong %s is explained in a sentence without the password', async (what, url, sentences) => {
    const error = await migrate(url(), { log: silentLog }).catch((thrown: unknown) => thrown)
    if (!(error instanceof ParleyError)) throw error
    expect(error.code).toBe('database_unreachable')
    if (what === 'tls') {
      const [, reason] = /\((.*)\)/.exec(error.userMessage) ?? []
      expect(reason).toContain('SSL')
      expect(error.userMessage).toBe(
        databaseWording.tlsFailed('127.0.0.1', Number(postgres.connection.port), reason ?? ''),
      )
    } else expect(sentences).toContain(error.userMessage)
    expect(inspect(error, { depth: 8 })).not.toContain(secret)
    expect(isConnectionError(error.cause)).toBe(['port', 'socket'].includes(what) || codeOf(error) === 'EAI_AGAIN')
  })

  it('whose server never responds is reported after the time limit', async () => {
    const mute = createServer(() => {}).listen(0, '127.0.0.1')
    await expect.poll(() => mute.address()).not.toBeNull()
    const address = mute.address()
    const port = typeof address === 'object' ? address?.port : 0
    await expect(connect(`postgres://parley@127.0.0.1:${port}/parley`, { timeoutMs: 100 })).rejects.toMatchObject({
      userMessage: databaseWording.timedOut('127.0.0.1', port ?? 0),
    })
    mute.close()
  })
})

describe('a lost connection', () => {
  it('is distinguished from a failed statement', async () => {
    const client = new pg.Client(postgres.connection)
    client.on('error', () => {})
    await client.connect()
    const failed = await client.query('select 1/0').catch((error: unknown) => error)
    expect(isConnectionError(failed)).toBe(false)
    const lost = await client.query('select pg_terminate_backend(pg_backend_pid())').catch((error: unknown) => error)
    expect(isConnectionError(lost)).toBe(true)
    const after = await client.query('select 1').catch((error: unknown) => error)
    expect(isConnectionError(after)).toBe(true)
    expect(isConnectionError(new Error('wrapped', { cause: { kind: 'DatabaseNotReachable' } }))).toBe(true)
    expect(isConnectionError(Object.assign(new Error('no file'), { code: 'ENOENT', syscall: 'open' }))).toBe(false)
    await client.end()
  })

  it('is retried until it works; a failed statement is not', async () => {
    let tries = 0
    const value = await retryOnConnectionLoss(async () => {
      tries += 1
      if (tries < 3) throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })
      return 'back'
    })
    expect([value, tries]).toEqual(['back', 3])
    const broken = vi.fn(() => Promise.reject(new Error('syntax')))
    await expect(retryOnConnectionLoss(broken)).rejects.toThrow('syntax')
    expect(broken).toHaveBeenCalledTimes(1)
  })

  it('is given up when the time is over or the caller cancels', async () => {
    const gone = vi.fn(() => Promise.reject(Object.assign(new Error('gone'), { code: '57P03' })))
    await expect(retryOnConnectionLoss(gone, { forMs: 60 })).rejects.toThrow('gone')
    expect(gone.mock.calls.length).toBeGreaterThan(1)
    const caller = new AbortController()
    const waiting = retryOnConnectionLoss(gone, { signal: caller.signal })
    caller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
  })
})

function codeOf(error: ParleyError): unknown {
  return error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined
}
