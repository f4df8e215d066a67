/** Signs tokens as Microsoft's Bot Framework does, with keys of this process, and publishes them as OpenID metadata and JWKS. */
import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

export interface SigningKey {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
}

export function createKey(kid: string = randomUUID()): SigningKey {
  return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) }
}

export const jwks = (keys: SigningKey[]) => ({
  keys: keys.map(({ kid, publicKey }) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    use: 'sig',
    alg: 'RS256',
    endorsements: ['msteams'],
  })),
})

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface SignOptions {
  key: SigningKey
  /** Replaces parts of the header; `undefined` leaves one out. */
  header?: Record<string, unknown>
  /** `hmac`: with the public key's PEM as the secret; `none`: an empty signature. */
  how?: 'rs256' | 'rs512' | 'hmac' | 'none'
}

export function signToken(claims: Record<string, unknown>, { key, header = {}, how = 'rs256' }: SignOptions): string {
  const content = `${part({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header })}.${part(claims)}`
  return `${content}.${signature(content, key, how)}`
}

function signature(content: string, key: SigningKey, how: NonNullable<SignOptions['how']>): string {
  if (how === 'none') return ''
  if (how === 'hmac') {
    const secret = key.publicKey.export({ format: 'pem', type: 'spki' })
    return createHmac('sha256', secret).update(content).digest('base64url')
  }
  return sign(how === 'rs256' ? 'sha256' : 'sha512', Buffer.from(content), key.privateKey).toString('base64url')
}
