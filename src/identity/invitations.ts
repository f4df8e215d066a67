/** Codes and links that make an account, once. Only their hashes are stored. Implemented in src/store/invitations.ts. */
import { createHash, randomInt } from 'node:crypto'
import type { Changer, PersonRole, TeamRole } from '../core/person.ts'
import type { ProvenIdentity } from './people.ts'

export const invitationHours = 72
/** Of a set-up code that somebody asked for at the terminal. */
export const setUpMinutes = 15
/** Of the one that is printed at start. */
export const setUpLogHours = 24

export interface InvitationAbout {
  id: string
  role: PersonRole
  team: { id: string; name: string; role: TeamRole } | null
  /** Somebody who is known already and gets a way to sign in. */
  personId: string | null
  /** They have signed in before: it resets their password and nothing else. */
  resets: boolean
  email: string | null
  name: string | null
  createdBy: string
  createdAt: Date
  expiresAt: Date
}

/** What somebody who accepts an invitation signs in with from then on. */
export type Proof =
  | { kind: 'password'; login: string; email: string; hash: string }
  | { kind: 'identity'; identity: ProvenIdentity; email: string | null }

export interface Invitations {
  /** Throws `already_set_up`. Older codes work until they expire, or until one of them is used. */
  createSetUpCode(minutes: number): Promise<{ code: string; expiresAt: Date }>
  /** Whether this code would set Parley up now. */
  isSetUpCode(code: string): Promise<boolean>
  /**
   * `code` is returned only here. With `personId` it is for somebody who is known from chats, or resets the password of somebody who
   * signs in. Throws `person_not_found`, `request_invalid`.
   */
  create(
    invitation: {
      role: PersonRole
      team?: { id: string; role: TeamRole } | undefined
      personId?: string | undefined
      email?: string | undefined
      name?: string | undefined
    },
    by: Changer,
  ): Promise<{ id: string; code: string; expiresAt: Date }>
  /** `null`: wrong, expired, used or revoked. */
  find(code: string): Promise<InvitationAbout | null>
  /** Those that can be accepted, newest first. */
  list(): Promise<InvitationAbout[]>
  /** `false`: there is no such invitation, or it was used. */
  revoke(id: string, by: Changer): Promise<boolean>
  /**
   * Makes the person, or gives the known one this way to sign in, and uses the invitation up. `null`: it does not hold. Throws
   * `request_invalid` if the address or the account belongs to somebody else, `credentials_missing` for a disabled person.
   */
  accept(code: string, name: string, proof: Proof): Promise<{ personId: string } | null>
}

/** Without letters and digits that look alike. */
const alphabet = '23456789abcdefghjkmnpqrstuvwxyz'

/** A code that people can type, in groups of five: 99 random bits, so that nobody guesses it and a plain hash keeps it secret. */
export function createCode(): string {
  const characters = Array.from({ length: 20 }, () => alphabet[randomInt(alphabet.length)])
  return [0, 5, 10, 15].map((from) => characters.slice(from, from + 5).join('')).join('-')
}

/** Case, spaces and hyphens do not matter. */
export function codeHash(code: string): string {
  const typed = code.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return createHash('sha256').update(`code ${typed}`).digest('base64url')
}

/** Where somebody types the code, or has it filled in: behind `#`, no server or proxy sees it. */
export const setUpAddress = (page: string, code: string) => new URL(`/set-up#${code}`, page).href

export const invitationAddress = (page: string, code: string) => new URL(`/invite/${code}`, page).href
