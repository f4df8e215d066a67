/** Set-up, sign-in and passwords as the routes call them. Each that lets somebody in answers the value of a new session's cookie. */
import { ParleyError } from '../core/errors.ts'
import { consoleIdOf, type SignedIn } from '../core/person.ts'
import { passwordWording, personWording, signInWording } from '../wording/sign-in.ts'
import type { Attempts } from './attempts.ts'
import type { InvitationAbout, Invitations } from './invitations.ts'
import { checkNewPassword, type PasswordAbout, type PasswordHasher, type Passwords } from './passwords.ts'
import { loginOf, type People, readEmail, readName } from './people.ts'
import type { Sessions } from './sessions.ts'

export interface SignInDeps {
  people: Pick<People, 'areSetUp' | 'find' | 'setUp' | 'markSignedIn'>
  passwords: Passwords
  sessions: Pick<Sessions, 'create'>
  invitations: Pick<Invitations, 'find' | 'accept' | 'isSetUpCode'>
  attempts: Attempts
  hasher: PasswordHasher
}

/** Which browser, and from where. */
export interface From {
  userAgent: string
  address: string
}

export interface NewAccount {
  name: string
  email: string
  password: string
}

export interface Entered {
  personId: string
  /** The value of the session's cookie. */
  secret: string
}

export interface SignIn {
  /** The first admin, by a set-up code. Throws `code_invalid`, `already_set_up`, `request_invalid`. */
  setUp(code: string, account: NewAccount, from: From): Promise<Entered>
  /** The first admin, by the user of this machine. Throws `already_set_up`, `request_invalid`. */
  createFirst(account: NewAccount, from: From): Promise<Entered>
  /** Throws `sign_in_refused`, `rate_limited`, `credentials_missing` for a disabled person. */
  signIn(credentials: { email: string; password: string }, from: From): Promise<Entered>
  /**
   * Whose account it is, proven by its password: no session begins. Throws `sign_in_refused`, `rate_limited`.
   */
  prove(credentials: { email: string; password: string }, from: Pick<From, 'address'>): Promise<string>
  /** Throws `code_invalid`. */
  invitation(code: string): Promise<InvitationAbout>
  /** Name and address are not needed where the invitation resets a password. Throws `code_invalid`, `request_invalid`. */
  acceptInvitation(code: string, account: Partial<NewAccount> & { password: string }, from: From): Promise<Entered>
  /**
   * Sets a password, the first one without `current`, and ends the person's other sessions. Throws `request_invalid`,
   * `rate_limited`.
   */
  changePassword(
    signedIn: SignedIn,
    passwords: { current?: string | undefined; next: string },
    from: Pick<From, 'address'>,
  ): Promise<void>
}

export function createSignIn(deps: SignInDeps): SignIn {
  const { people, passwords, sessions, invitations, attempts, hasher } = deps

  async function enter(personId: string, from: From, passwordHash: string): Promise<Entered> {
    return { personId, secret: await sessions.create(personId, from, passwordHash) }
  }

  /** Hashing takes its time, and the password may be changed, or hashed anew by another sign-in, meanwhile. */
  async function enterBy({ personId, login, hash }: PasswordAbout, password: string, from: From): Promise<Entered> {
    try {
      return await enter(personId, from, hash)
    } catch (thrown) {
      const now = await passwords.byLogin(login)
      if (now?.hash === hash) throw thrown
      if (now === null || !(await hasher.matches(password, now.hash)))
        throw new ParleyError('sign_in_refused', signInWording.refused)
      return await enter(now.personId, from, now.hash)
    }
  }

  async function first(code: string | null, { name, email, password }: NewAccount, from: From): Promise<Entered> {
    // Cheap refusals first: a hash takes a tenth of a second.
    if (await people.areSetUp()) throw alreadySetUp()
    if (code !== null && !(await invitations.isSetUpCode(code))) {
      // Somebody else may have used it just now.
      if (await people.areSetUp()) throw alreadySetUp()
      throw new ParleyError('code_invalid', signInWording.setUpCodeInvalid)
    }
    const account = { name: readName(name), email: readEmail(email) }
    await checkNewPassword(password, [account.name, account.email])
    const passwordHash = await hasher.hash(password)
    const made = await people.setUp({ code, ...account, login: loginOf(account.email), passwordHash })
    if (made.kind === 'late') throw alreadySetUp()
    if (made.kind === 'code_invalid') throw new ParleyError('code_invalid', signInWording.setUpCodeInvalid)
    return await enter(made.personId, from, passwordHash)
  }

  /** Counts the try before it looks at the password. */
  async function verify(login: string, address: string, password: string, hash: string | null): Promise<boolean> {
    const attempt = await attempts.begin(login, address)
    if (attempt.kind === 'full') {
      const userMessage = signInWording.tooManyTries(Math.ceil(attempt.againMs / 60_000))
      throw new ParleyError('rate_limited', userMessage, { retryAfterMs: attempt.againMs })
    }
    if (!(await hasher.matches(password, hash))) return false
    await attempts.succeed(attempt.id, login, address)
    return true
  }

  async function proven(email: string, password: string, address: string): Promise<PasswordAbout> {
    const login = loginOf(email)
    const known = await passwords.byLogin(login)
    if (!(await verify(login, address, password, known?.hash ?? null)) || known === null)
      throw new ParleyError('sign_in_refused', signInWording.refused)
    return known
  }

  async function open(code: string): Promise<InvitationAbout> {
    const invitation = await invitations.find(code)
    if (invitation === null) throw new ParleyError('code_invalid', signInWording.invitationInvalid)
    return invitation
  }

  return {
    setUp: (code, account, from) => first(code, account, from),
    createFirst: (account, from) => first(null, account, from),

    async signIn({ email, password }, from) {
      const known = await proven(email, password, from.address)
      const entered = await enterBy(known, password, from)
      await people.markSignedIn(known.personId)
      if (hasher.isOutdated(known.hash)) {
        const hash = await hasher.hash(password)
        await passwords.rehash(known.personId, known.hash, hash)
      }
      return entered
    },

    async prove({ email, password }, { address }) {
      return (await proven(email, password, address)).personId
    },

    invitation: open,

    async acceptInvitation(code, { name, email, password }, from) {
      const invitation = await open(code)
      const address = readEmail((invitation.resets ? invitation.email : undefined) ?? email ?? invitation.email ?? '')
      const called = readName(name ?? invitation.name ?? '')
      await checkNewPassword(password, [called, address])
      const proof = {
        kind: 'password',
        login: loginOf(address),
        email: address,
        hash: await hasher.hash(password),
      } as const
      const accepted = await invitations.accept(code, called, proof)
      if (accepted === null) throw new ParleyError('code_invalid', signInWording.invitationInvalid)
      // Somebody who forgot a password tried wrong ones first; these must not block the new one.
      if (invitation.resets) await attempts.succeed(null, proof.login, from.address)
      return await enter(accepted.personId, from, proof.hash)
    },

    async changePassword({ personId, name, sessionId }, { current, next }, { address }) {
      const known = await passwords.ofPerson(personId)
      const person = await people.find(personId)
      const email = known?.login ?? person?.email ?? null
      if (email === null) throw new ParleyError('request_invalid', personWording.emailNeeded)
      const login = known?.login ?? loginOf(email)
      if (known !== null && !(await verify(login, address, current ?? '', known.hash)))
        throw new ParleyError('request_invalid', passwordWording.currentWrong)
      await checkNewPassword(next, [name, email])
      const hash = await hasher.hash(next)
      const by = { id: consoleIdOf(personId), name, via: 'page' }
      await passwords.set(personId, { login, hash, replaces: known?.hash ?? null }, by, sessionId)
    },
  }
}

const alreadySetUp = () => new ParleyError('already_set_up', signInWording.alreadySetUp)
