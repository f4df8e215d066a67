import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createLocalJWKSet, decodeProtectedHeader, importPKCS8, jwtVerify, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'
import type { ActiveKey } from '../../core/api-key.ts'
import { silentLog } from '../../core/log.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { createRecords } from '../../store/records-postgres.ts'
import { createSecrets } from '../../store/secrets.ts'
import { accessTokenSeconds } from '../access-tokens.ts'
import { createAccessTokens } from './access-tokens.ts'

const issuer = 'https://parley.example'
const key: ActiveKey = { id: '7f3a', name: 'site', ownerId: null, scopes: ['ask', 'usage:read'] }
const quarterMs = 90 * 86_400_000

let server: TestServer
let database: Database
let at: number
const secrets = createSecrets('a secret for the tests alone')
const open = (url = issuer, sealedWith = secrets) =>
  createAccessTokens({ records: createRecords(database, sealedWith, 'parley'), issuer: url, now: () => at })

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  at = Date.UTC(2026, 10, 26)
  const { connection } = await server.createDatabase()
  database = openDatabase(connection, { log: silentLog })
  return () => database.close()
})

describe('an access token', () => {
  it('names its key and what it may do, at every process', async () => {
    const token = await open().issue(key, ['ask'])
    expect(await open().verify(token)).toEqual({ keyId: key.id, scopes: ['ask'] })
  })

  it('is verified by others with the published keys, and says whose it is', async () => {
    const tokens = open()
    const token = await tokens.issue({ ...key, ownerId: '0199-ada' }, key.scopes)
    const published = await tokens.publicKeys()
    expect(JSON.stringify(published)).not.toContain('"d"')
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(published as never), {
      issuer,
      audience: 'parley-api',
      algorithms: ['EdDSA'],
      currentDate: new Date(at),
    })
    expect(payload).toMatchObject({
      sub: 'person:0199-ada',
      scope: 'ask usage:read',
      exp: at / 1000 + accessTokenSeconds,
    })
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
  })

  it('ends after 15 minutes', async () => {
    const tokens = open()
    const token = await tokens.issue(key, ['ask'])
    at += accessTokenSeconds * 1000 - 1
    expect(await tokens.verify(token)).not.toBeNull()
    at += 1001
    expect(await tokens.verify(token)).toBeNull()
  })

  it('is refused if another Parley made it, or if anything in it was changed', async () => {
    const tokens = open()
    const token = await tokens.issue(key, ['ask'])
    const [header = '', payload = '', signature = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const more = Buffer.from(JSON.stringify({ ...claims, scope: 'ask admin' })).toString('base64url')
    const { kid } = decodeProtectedHeader(token)
    const foreign = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' } } as never)
    const foreignKey = await importPKCS8(String(foreign.privateKey), 'EdDSA')
    const sign = (head: object, secret: CryptoKey | Uint8Array = foreignKey) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...head }).sign(secret)
    const refused = {
      'other claims': [header, more, signature].join('.'),
      'no signature': `${header}.${payload}.`,
      'alg none': new UnsecuredJWT(claims).encode(),
      'another key under the same name': await sign({ kid }),
      'a name of a key that is not there': await sign({ kid: '999' }),
      'a name that is none': await sign({ kid: '../20' }),
      'no name': await sign({}),
      'a shared secret': await sign({ alg: 'HS256', kid }, randomBytes(32)),
      'another type': await sign({ kid, typ: 'JWT' }),
      'no token': 'a.b.c',
    }
    for (const [name, forged] of Object.entries(refused)) expect(await tokens.verify(forged), name).toBeNull()
    expect(await open('https://other.example').verify(token)).toBeNull()
  })

  it('has one signing key, however many processes make the first token at once', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => open().issue(key, ['ask'])))
    const reader = open()
    for (const token of made) expect(await reader.verify(token)).not.toBeNull()
    expect((await reader.publicKeys()).keys).toHaveLength(1)
  })

  it('is signed with a new key after 90 days, and the old key is published until the one after', async () => {
    const tokens = open()
    const old = await tokens.issue(key, ['ask'])
    at += quarterMs
    const young = await tokens.issue(key, ['ask'])
    expect(decodeProtectedHeader(young).kid).not.toBe(decodeProtectedHeader(old).kid)
    expect((await tokens.publicKeys()).keys).toHaveLength(2)
    expect(await tokens.verify(young)).not.toBeNull()
  })

  it('needs PARLEY_SECRET, and its signing key is not in the database in clear', async () => {
    await expect(open(issuer, createSecrets(undefined)).issue(key, ['ask'])).rejects.toMatchObject({
      code: 'secret_missing',
    })
    await open().issue(key, ['ask'])
    const { rows } = await database.pool.query("select value from platform_record where platform = 'parley'")
    expect(rows).toEqual([{ value: null }])
  })
})
