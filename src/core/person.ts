/** One human being, as every part of Parley knows them. src/identity decides who may act as a person. */
import { z } from 'zod'

/**
 * `admin`: of the whole installation. `viewer`: reads all amounts and changes nothing. `guest`: obeys the guest policy.
 * Managers are managers of a team or a channel (src/admin/grants.ts).
 */
export const personRoles = ['admin', 'viewer', 'member', 'guest'] as const
export type PersonRole = (typeof personRoles)[number]
export const PersonRole = z.enum(personRoles)

export const teamRoles = ['manager', 'member', 'viewer'] as const
export type TeamRole = (typeof teamRoles)[number]
export const TeamRole = z.enum(teamRoles)

/** The person that a valid session belongs to. */
export interface SignedIn {
  personId: string
  name: string
  role: PersonRole
  sessionId: string
}

/** An account somewhere else: unique in all three parts, and never an email address. */
export interface IdentityKey {
  /** `slack`, `discord`, `teams`, `oidc`, `github`. */
  provider: string
  /** A Slack workspace, a tenant, an OpenID issuer; the provider's own name where there is only one. */
  issuer: string
  subject: string
}

/** The author of a change, and what it came through. */
export interface Changer {
  /** `slack/T1/U1`, `console/local/<person>`, `cli`. */
  id: string
  name?: string | undefined
  /** The person whose account `id` is, if it is a chat's. */
  personId?: string | undefined
  /** `command`, `page`, or what else it was. */
  via: string
}

/** How the audit log and parley.yaml name a person on the page. */
export const consoleIdOf = (personId: string) => `console/local/${personId}`
