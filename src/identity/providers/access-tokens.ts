/**
 * Access tokens as JSON Web Tokens (RFC 9068), signed with Ed25519. A new signing key is made every 90 days by whichever process
 * needs it first, and is kept sealed in the database, so that each process verifies the tokens of all.
 */
import { exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { KeyScope } from '../../core/api-key.ts'
import type { Records } from '../../core/platform-state.ts'
import { type AccessTokens, accessTokenSeconds } from '../access-tokens.ts'

export interface AccessTokenDeps {
  records: Pick<Records, 'get' | 'claim' | 'list' | 'removeOlder'>
  /** Of this installation: its address from outside. */
  issuer: string
  now?: () => number
}

const audience = 'parley-api'
const algorithm = 'EdDSA'
const type = 'at+jwt'
const prefix = 'signing-key/'
const dayMs = 86_400_000
const daysOfAKey = 90

const StoredKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() })
type StoredKey = z.infer<typeof StoredKey>

const Claims = z.object({ key: z.string().min(1).max(100), scope: z.string().max(200) })

export function createAccessTokens({ records, issuer, now = Date.now }: AccessTokenDeps): AccessTokens {
  const known = new Map<string, StoredKey>()

  /** The one key of the current 90 days: of many processes that make one, the first wins. */
  async function currentKey(): Promise<{ id: string; key: StoredKey }> {
    const id = String(Math.floor(now() / dayMs / daysOfAKey))
    const found = await findKey(id)
    if (found !== undefined) return { id, key: found }
    const { privateKey } = await generateKeyPair(algorithm, { crv: 'Ed25519', extractable: true })
    const { kty, crv, x, d } = await exportJWK(privateKey)
    await records.claim(prefix + id, StoredKey.parse({ kty, crv, x, d }), { secret: true })
    // Tokens live for minutes, so a key of the period before the last one verifies none.
    await records.removeOlder(prefix, new Date(now() - 2 * daysOfAKey * dayMs))
    const key = await findKey(id)
    if (key === undefined) throw new Error('the signing key was removed while it was made')
    return { id, key }
  }

  async function findKey(id: string): Promise<StoredKey | undefined> {
    const held = known.get(id)
    if (held !== undefined) return held
    const key = StoredKey.safeParse(await records.get(prefix + id)).data
    if (key !== undefined) known.set(id, key)
    return key
  }

  return {
    async issue({ id: keyId, ownerId }, scopes) {
      const { id, key } = await currentKey()
      const issuedAt = Math.floor(now() / 1000)
      return await new SignJWT({ key: keyId, scope: scopes.join(' ') })
        .setProtectedHeader({ alg: algorithm, kid: id, typ: type })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(ownerId === null ? `key:${keyId}` : `person:${ownerId}`)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + accessTokenSeconds)
        .sign(await importJWK(key, algorithm))
    },

    async verify(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          async ({ kid }) => {
            const key = kid === undefined || !/^\d{1,6}$/.test(kid) ? undefined : await findKey(kid)
            if (key === undefined) throw new UnknownKey()
            return await importJWK(publicPart(key), algorithm)
          },
          { algorithms: [algorithm], issuer, audience, typ: type, currentDate: new Date(now()) },
        )
        const { key, scope } = Claims.parse(payload)
        return { keyId: key, scopes: scope.split(' ').flatMap((name) => KeyScope.safeParse(name).data ?? []) }
      } catch (thrown) {
        if (isRefusal(thrown)) return null
        throw thrown
      }
    },

    async publicKeys() {
      const stored = await records.list(prefix)
      const keys = stored.flatMap(({ key, value }) => {
        const parsed = StoredKey.safeParse(value).data
        if (parsed === undefined) return []
        return [{ ...publicPart(parsed), kid: key.slice(prefix.length), alg: algorithm, use: 'sig' }]
      })
      return { keys }
    },
  }
}

class UnknownKey extends Error {}

const publicPart = ({ kty, crv, x }: StoredKey): JWK => ({ kty, crv, x })

/** Whether the token is wrong, as opposed to a database that is away. */
function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof UnknownKey || thrown instanceof z.ZodError) return true
  return thrown instanceof Error && 'code' in thrown && /^ERR_J(?:WT|WS|OSE)/.test(String(thrown.code))
}
