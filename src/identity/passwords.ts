/**
 * Passwords: the rules for choosing one, and their hashes by argon2id. Rules are length and "not among the first that are guessed";
 * no kinds of characters are asked for. Rows are the port `Passwords`, implemented in src/store/passwords.ts.
 */
import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { ParleyError } from '../core/errors.ts'
import type { Changer } from '../core/person.ts'
import { createSemaphore } from '../core/semaphore.ts'
import { passwordWording, signInWording } from '../wording/sign-in.ts'

export const shortestPassword = 12
export const longestPassword = 1000

export interface PasswordAbout {
  personId: string
  login: string
  hash: string
}

export interface Passwords {
  byLogin(login: string): Promise<PasswordAbout | null>
  ofPerson(personId: string): Promise<PasswordAbout | null>
  /** The same password, hashed with today's parameters. Does nothing if the password was changed meanwhile. */
  rehash(personId: string, before: string, after: string): Promise<void>
  /**
   * Sets a password and ends all other sessions, in one transaction. `replaces`: the hash that it replaces, `null` for the first
   * one. Throws `request_invalid` if that is not the present one, or if the address belongs to somebody else.
   */
  set(
    personId: string,
    password: { login: string; hash: string; replaces: string | null },
    by: Changer,
    keepSession?: string,
  ): Promise<void>
}

export interface PasswordCost {
  /** KiB. */
  memory: number
  passes: number
  parallelism: number
}

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, two passes. */
export const passwordCost: PasswordCost = { memory: 19_456, passes: 2, parallelism: 1 }

/** Each takes a thread of four and its memory. */
const atOnce = 2
/** More than these would wait for longer than a browser does. */
const mostWaiting = 200

export interface PasswordHasher {
  /** Throws `rate_limited` when too many wait. */
  hash(password: string): Promise<string>
  /** `null`, for an unknown account, takes as long as a wrong password. */
  matches(password: string, hash: string | null): Promise<boolean>
  /** Made with other parameters than today's. */
  isOutdated(hash: string): boolean
}

export function createPasswordHasher(cost: PasswordCost = passwordCost): PasswordHasher {
  const line = createSemaphore(atOnce)
  let waiting = 0

  async function derive(password: string, salt: Buffer, by: PasswordCost): Promise<Buffer> {
    if (waiting >= mostWaiting) throw new ParleyError('rate_limited', signInWording.tooBusy, { retryAfterMs: 5000 })
    waiting += 1
    try {
      const message = password.normalize('NFKC')
      return await line.run(undefined, () => argon2id({ message, nonce: salt, tagLength: 32, ...by }))
    } finally {
      waiting -= 1
    }
  }

  return {
    async hash(password) {
      const salt = crypto.randomBytes(16)
      const { memory, passes, parallelism } = cost
      const tag = await derive(password, salt, cost)
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`
    },
    async matches(password, hash) {
      const known = hash === null ? null : read(hash)
      const tag = await derive(password, known?.salt ?? Buffer.alloc(16), known?.cost ?? cost)
      return known !== null && known.tag.length === tag.length && crypto.timingSafeEqual(known.tag, tag)
    },
    isOutdated(hash) {
      const known = read(hash)?.cost
      const { memory, passes, parallelism } = cost
      return known?.memory !== memory || known.passes !== passes || known.parallelism !== parallelism
    },
  }
}

const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')

/** In the form that other programs read, too: https://github.com/P-H-C/phc-string-format. */
function read(hash: string): { cost: PasswordCost; salt: Buffer; tag: Buffer } | null {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(hash)
  if (parts === null) return null
  const [memory, passes, parallelism] = parts.slice(1, 4).map(Number) as [number, number, number]
  const [salt, tag] = parts.slice(4).map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer]
  return { cost: { memory, passes, parallelism }, salt, tag }
}

/** Node has it since 24.7; the types of older ones do not know that it may be absent. */
const argon2 = (crypto as { argon2?: typeof crypto.argon2 }).argon2

async function argon2id(parameters: crypto.Argon2Parameters): Promise<Buffer> {
  if (argon2 === undefined) throw new ParleyError('config_invalid', passwordWording.nodeTooOld(process.versions.node))
  return await promisify(argon2)('argon2id', parameters)
}

/** A sentence for the start and for `doctor` if this Node cannot hash passwords. */
export function passwordProblem(): string | null {
  return argon2 === undefined ? passwordWording.nodeTooOld(process.versions.node) : null
}

/** Throws `request_invalid` for a password that nobody should choose. `about`: words that others know of the person. */
export async function checkNewPassword(password: string, about: readonly string[]): Promise<void> {
  const refuse = (userMessage: string) => new ParleyError('request_invalid', userMessage)
  const length = [...password.normalize('NFKC')].length
  if (length < shortestPassword) throw refuse(passwordWording.tooShort(shortestPassword))
  if (length > longestPassword) throw refuse(passwordWording.tooLong(longestPassword))
  if (await isEasilyGuessed(password.normalize('NFKC'), about)) throw refuse(passwordWording.tooCommon)
}

/** Letters that a password must have besides its owner's name and address. */
const fewestOwnLetters = 4

async function isEasilyGuessed(password: string, about: readonly string[]): Promise<boolean> {
  const words = ['parley', ...about.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])]
    .map((word) => word.normalize('NFKC').toLowerCase())
    .filter((word) => word.length >= 3)
    .toSorted((a, b) => b.length - a.length)
  const own = words.reduce((left, word) => left.replaceAll(word, ''), password.toLowerCase())
  if (own !== password.toLowerCase() && own.replaceAll(/[^\p{L}]/gu, '').length < fewestOwnLetters) return true
  estimator ??= loadEstimator()
  return (await estimator).check(password, words).score < fewestScore
}

/** Of zxcvbn: up to one million guesses, with common passwords, keyboard runs, repetitions and dates looked for. */
const fewestScore = 2

type Estimator = Awaited<ReturnType<typeof loadEstimator>>
let estimator: Promise<Estimator> | undefined

/** Its lists take some megabytes, so they are loaded when somebody chooses a password. */
async function loadEstimator() {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  // Beyond that, checking takes long and says nothing more.
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: 64 })
}
