/**
 * Seals what must not lie in the database in clear, with a key made from PARLEY_SECRET. A sealed text names its form and
 * its key, so that a wrong secret is reported as such and not as damage, and is bound to its place: moved to another row,
 * it does not open.
 *
 *     v1.<key id>.<nonce>.<tag>.<ciphertext>     AES-256-GCM, each part base64url
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { secretWording } from '../wording/storage.ts'

export interface Secrets {
  /** `place` is where the sealed text will be stored. Throws `secret_missing` when there is no PARLEY_SECRET. */
  seal(text: string, place: string): string
  /** Throws `secret_missing` without PARLEY_SECRET, with another one, and for a sealed text that was changed or moved. */
  open(sealed: string, place: string): string
}

const form = 'v1'
/** Of the derivation, not of a value: nonces are random. Changing any of these wants a new form. */
const salt = 'parley sealed records'
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }
const keyBytes = 32
const keyIdBytes = 6
const nonceBytes = 12
const tagBytes = 16

export function createSecrets(secret: string | undefined): Secrets {
  let derived: { key: Buffer; id: string } | undefined

  /** Slow on purpose, so that a short secret is not guessed from a stolen database; once a process. */
  function own(): { key: Buffer; id: string } {
    if (secret === undefined) throw new ParleyError('secret_missing', secretWording.notSet)
    if (derived === undefined) {
      const bytes = scryptSync(secret, salt, keyBytes + keyIdBytes, cost)
      derived = { key: bytes.subarray(0, keyBytes), id: bytes.subarray(keyBytes).toString('base64url') }
    }
    return derived
  }

  return {
    seal(text, place) {
      const { key, id } = own()
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(aad(place))
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return [form, id, ...[nonce, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))].join('.')
    },

    open(sealed, place) {
      const { key, id } = own()
      const [its, keyId, ...parts] = sealed.split('.')
      const [nonce, tag, body] = parts.map((part) => Buffer.from(part, 'base64url'))
      if (its !== form || nonce?.length !== nonceBytes || tag?.length !== tagBytes || body === undefined)
        throw unreadable(secretWording.unknownForm)
      if (keyId !== id) throw unreadable(secretWording.otherKey)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
        decipher.setAAD(aad(place)).setAuthTag(tag)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch {
        throw unreadable(secretWording.altered)
      }
    },
  }
}

const aad = (place: string) => Buffer.from(`${form} ${place}`)

function unreadable(userMessage: string): ParleyError {
  return new ParleyError('secret_missing', userMessage)
}
