/** Persons, what proves who they are, and what they may do. Implemented in src/store/people.ts. */
import { ParleyError } from '../core/errors.ts'
import { storable } from '../core/json.ts'
import type { Changer, IdentityKey, PersonRole, TeamRole } from '../core/person.ts'
import { isUuid } from '../core/uuid.ts'
import { personWording } from '../wording/sign-in.ts'

/** What Parley should know of them is a setting of their scope, `person:<id>` (src/store/settings.ts). */
export interface PersonAbout {
  id: string
  name: string
  /** As they wrote it themselves. */
  email: string | null
  /** The address that an admin or a trusted provider vouched for, as it is compared. */
  vouchedEmail: string | null
  /** The role in force: `admin` for everybody that parley.yaml names. */
  role: PersonRole
  /** Named in parley.yaml: no command and no page changes this role. */
  namedAdmin: boolean
  timeZone: string | null
  createdAt: Date
  disabledAt: Date | null
  /** `null`: has never signed in, so is known from chats only. */
  signedInAt: Date | null
}

export interface IdentityAbout extends IdentityKey {
  name: string | null
  email: string | null
  linkedAt: Date
  signedInAt: Date | null
}

/** An account somewhere else as its provider describes it now. */
export interface ProvenIdentity extends IdentityKey {
  name?: string | null | undefined
  email?: string | null | undefined
}

export interface PersonListed extends PersonAbout {
  identities: IdentityAbout[]
  teams: { id: string; name: string; role: TeamRole }[]
  hasPassword: boolean
}

/** What a provider's claims say at a sign-in. Absent: they say nothing, and what was set by hand stays. */
export interface Claimed {
  role?: PersonRole | undefined
  /** The teams that come from claims: those of earlier sign-ins that are not here any more go. */
  teams?: readonly { id: string; role: TeamRole }[] | undefined
}

/** Every change writes its audit row in the same transaction, and tells other processes. */
export interface People {
  /** Whether there are accounts. Once true, it stays true. */
  areSetUp(): Promise<boolean>
  find(id: string): Promise<PersonAbout | null>
  /** By name. */
  list(): Promise<PersonListed[]>
  identitiesOf(personId: string): Promise<IdentityAbout[]>
  /** Whose account it is. */
  personOf(identity: IdentityKey): Promise<string | null>
  /**
   * Makes the first admin, once for an installation, and gives them the threads and files of the time before. `code`: of a set-up
   * code that must hold; `null`: the user of this machine needs none. The password is a hash.
   */
  setUp(first: {
    code: string | null
    name: string
    login: string
    email: string
    passwordHash: string
  }): Promise<{ kind: 'made'; personId: string } | { kind: 'late' } | { kind: 'code_invalid' }>
  /**
   * A new person with this account; `signedIn`: they sign in with it now, so they are not only known from a chat. Throws
   * `request_invalid` if the account belongs to somebody, `request_forbidden` before set-up.
   */
  create(
    person: { name: string; email: string | null; role: PersonRole; signedIn: boolean },
    identity: ProvenIdentity,
    by: Changer,
  ): Promise<PersonAbout>
  /** Somebody signed in by password: when they last did is shown to admins. */
  markSignedIn(personId: string): Promise<void>
  /**
   * Somebody proved this account: remembers its name, and applies claims. `null`: it is nobody's. Throws `credentials_missing` for
   * a disabled person. Claims never take the role of the last admin who can sign in: then `roleKept` is true.
   */
  signIn(
    identity: ProvenIdentity,
    claimed: Claimed,
    by: Changer,
  ): Promise<{ person: PersonAbout; roleKept: boolean } | null>
  /** Throws `request_invalid` for the last admin who can sign in, and for those named in parley.yaml. */
  setRole(personId: string, role: PersonRole, by: Changer): Promise<PersonAbout>
  /** Ends all sessions and the person's unused invitations, too. Throws as `setRole`. */
  setDisabled(personId: string, disabled: boolean, by: Changer): Promise<PersonAbout>
  /** The address of a person with a password is the one that they sign in with. */
  setProfile(personId: string, profile: Partial<Pick<PersonAbout, 'name' | 'email' | 'timeZone'>>): Promise<PersonAbout>
  /** Links an account that was proven. Throws `request_invalid` if it belongs to somebody else. */
  link(personId: string, identity: ProvenIdentity, by: Changer): Promise<void>
  /**
   * Ends all sessions but `keepSession` if they signed in with the account, so that nobody else who has it stays signed in. Throws `request_invalid` for
   * guests, and for the last way to sign in of a person who signs in.
   */
  unlink(personId: string, identity: IdentityKey, by: Changer, keepSession?: string): Promise<void>
  /**
   * Everything of `from` becomes `into`'s, and `from` is deleted with their sessions. `into` keeps name, password and profile, and
   * gets the wider of both roles. Only where both sides were proven in one session.
   */
  merge(from: string, into: string, by: Changer): Promise<void>
  /** Throws what `erase` would throw now, and changes nothing. */
  checkErase(personId: string): Promise<void>
  /** Deletes the person with identities, sessions, keys, threads and uploads. Throws as `setRole`. */
  erase(personId: string, by: Changer): Promise<void>
}

const mostName = 100

/** Invisible characters and those that turn text around, which could make a name look like another one. */
const misleading = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu

/** A name as one line, without misleading characters. */
export function oneLine(written: string): string {
  return storable(written).normalize('NFC').replace(/\s+/g, ' ').replace(misleading, '').trim()
}

/** Throws `request_invalid`. */
export function readName(written: string): string {
  const name = oneLine(written)
  if (name === '' || [...name].length > mostName) throw new ParleyError('request_invalid', personWording.nameNeeded)
  return name
}

/** The address as it is shown; `null`: it is none. */
export function emailIn(written: string): string | null {
  const email = storable(written).normalize('NFKC').trim()
  const isAddress = email.length <= 254 && /^[^\s@<>"(),:;\\\p{C}]+@[^\s@<>"(),:;\\\p{C}]+$/u.test(email)
  return isAddress ? email : null
}

/** Throws `request_invalid` for what is no address. */
export function readEmail(written: string): string {
  const email = emailIn(written)
  if (email === null) throw new ParleyError('request_invalid', personWording.emailInvalid)
  return email
}

/** The address as it is compared at sign-in: case and Unicode form do not matter. */
export function loginOf(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase()
}

/**
 * The people that parley.yaml names as admins, each as one JSON array, which is how statements compare them: `["person", id]`,
 * `["login", address]`, or an account's provider, issuer and subject.
 */
export function namedAdmins(admins: readonly string[]): string[] {
  return admins.flatMap((written) => {
    const named = readNamed(written)
    return named === null ? [] : [JSON.stringify(named)]
  })
}

function readNamed(written: string): string[] | null {
  if (written.startsWith('email:')) return ['login', loginOf(written.slice('email:'.length))]
  if (written.startsWith('oidc:')) {
    const [issuer = '', subject] = written.slice('oidc:'.length).split(/#(.*)/s)
    return subject === undefined ? null : ['oidc', issuer, subject]
  }
  const parts = written.split('/').map(decoded)
  const [platform = '', workspace = '', user = ''] = parts
  if (parts.length !== 3) return null
  if (platform === 'console') return isUuid(user) ? ['person', user.toLowerCase()] : null
  // A Discord account is the same in every server.
  return [platform, platform === 'discord' ? 'discord' : workspace, user]
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
