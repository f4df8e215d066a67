/**
 * What the account and admin pages say to the console's server, and back. The page imports the types, the server checks requests
 * with the schemas. Every error body is `ApiError` (api.ts). Changes take JSON only, from the page's own origin.
 *
 * Anyone who can open the page:
 *   GET    /console/session                     → SessionState; asked first, and again after `signedOut`
 *   POST   /console/set-up                      SetUp → 201 SessionState with the cookie; 403 for a wrong code, 409 if accounts exist.
 *                                               The user of this machine (`local`) needs no code
 *   POST   /console/sign-in                     SignIn → SessionState with the cookie; 401 for a wrong password, 429 after too many
 *   POST   /console/sign-out                    → 204, cookie gone
 *   GET    /console/sign-in/:provider?returnTo=&invitation=   → 303 to the provider, back to `returnTo` or to `/sign-in?problem=`
 *   GET    /console/invitations/:code           → Invited; 403 for one that is unknown, used or expired
 *   POST   /console/invitations/:code           AcceptInvitation → 201 SessionState with the cookie
 *
 * A signed-in person, about themselves:
 *   GET    /console/me                          → Me
 *   PUT    /console/me                          UpdateMe → Me
 *   POST   /console/me/password                 ChangePassword → 204; ends all other sessions
 *   GET    /console/me/identities               → { identities: LinkedIdentity[], connect: SignInProvider[] }
 *   DELETE /console/me/identities               IdentityRef → 204
 *   GET    /console/me/connect/:provider        → 303 to the provider, back to `/me`
 *   GET    /console/me/merge/:provider          → the same; everything of the account's person becomes theirs
 *   POST   /console/me/merge                    SignIn → 204; the same for an account with a password
 *   POST   /console/me/link-code                → LinkCode, to type in a direct message of a chat
 *   GET    /console/me/link-code                → LinkState, asked while the page waits
 *   POST   /console/me/link-code/confirm, /refuse   → 204; both are told in the chat
 *   GET    /console/me/sessions                 → { sessions: SessionRow[] }
 *   DELETE /console/me/sessions/:id             → 204, "sign out there"
 *   DELETE /console/me/sessions                 → 204, all but this one
 *   GET    /console/me/keys                     → { keys: KeyRow[] }
 *   POST   /console/me/keys                     CreateKey → 201 CreatedKey
 *   DELETE /console/me/keys/:id                 → 204
 *   GET    /console/me/export                   → a JSON file to download
 *   POST   /console/me/erase                    Erase → 204, cookie gone
 *
 * A manager, of their team:
 *   GET    /console/teams/:id                   → TeamDetails; 404 for a team that they do not manage
 *   POST   /console/teams/:id/invitations       InviteToTeam → 201 CreatedInvitation
 *   DELETE /console/teams/:id/invitations/:invitationId   → 204
 *   GET    /console/teams/:id/collections       → TeamCollectionList: those that the team may be told
 *   POST   /console/teams/:id/collections       NewTeamCollection → 201 CollectionRow
 *   …      /console/teams/:id/collections/:collectionId, /sources, /sources/:sourceId, /refresh   as an admin, below
 *
 * An admin:
 *   GET    /console/admin/people                → People
 *   POST   /console/admin/invitations           Invite → 201 CreatedInvitation
 *   DELETE /console/admin/invitations/:id       → 204
 *   PUT    /console/admin/people/:id/role       SetRole → PersonRow
 *   POST   /console/admin/people/:id/disable, /enable   → PersonRow
 *   POST   /console/admin/people/:id/sign-out   → 204, everywhere
 *   DELETE /console/admin/people/:id            → 204, with everything of theirs
 *   POST   /console/admin/teams                 NewTeam → 201 TeamDetails
 *   PUT    /console/admin/teams/:id             UpdateTeam → TeamDetails
 *   DELETE /console/admin/teams/:id             → 204
 *   PUT    /console/admin/teams/:id/members/:personId   TeamMembership → TeamDetails
 *   DELETE /console/admin/teams/:id/members/:personId   → TeamDetails
 *   GET    /console/admin/collections           → CollectionList
 *   POST   /console/admin/collections           NewCollection → 201 CollectionRow
 *   DELETE /console/admin/collections/:id       → 204, with all that was read of it
 *   POST   /console/admin/collections/:id/sources   AddSource → 201 CollectionRow; files are sent to /console/uploads first (api.ts)
 *   DELETE /console/admin/collections/:id/sources/:sourceId   → CollectionRow
 *   POST   /console/admin/collections/:id/refresh   → CollectionRow
 *   PUT    /console/admin/collections/:id/grants    ChangeGrant → CollectionRow
 *   GET    /console/admin/sign-in               → { providers: ConfiguredProvider[] }
 *   POST   /console/admin/sign-in/:provider/try → ProviderTrial
 *   POST   /console/admin/threads/:id/read      ReadThread → { thread, messages } (api.ts), once; told to the thread's owner
 */
import { z } from 'zod'
import { KeyScope } from '../../src/core/api-key.ts'
import { type CollectionAbout, refreshing, type SourceAbout, siteLimit } from '../../src/core/collections.ts'
import { PersonRole, TeamRole } from '../../src/core/person.ts'
import { periods } from '../../src/core/window.ts'

const moment = z.iso.datetime()
const name = z.string().trim().min(1).max(200)
const email = z.string().trim().max(254)
/** The server checks the shortest length (`SessionState`) itself, to answer with a sentence. */
const password = z.string().min(1).max(1000)

export type SignInProvider = z.infer<typeof SignInProvider>
export const SignInProvider = z.object({
  /** Names it in addresses. */
  id: z.string(),
  /** As people know it: "Contoso", "Google". */
  label: z.string(),
  /** For its mark: `oidc`, `microsoft`, `google`, `gitlab`, `github`, `slack`, `discord`. */
  kind: z.string(),
})

export type Me = z.infer<typeof Me>
export const Me = z.object({
  id: z.uuid(),
  name: z.string(),
  email: z.string().nullable(),
  /** As it holds now: an admin named in parley.yaml is an admin here. */
  role: PersonRole,
  /** The day that it is for them, on every platform; `null`: by UTC. */
  timeZone: z.string().nullable(),
  /** In which Parley answers them, in words; `null`: in that of the question. */
  language: z.string().nullable(),
  /** What Parley should know when it answers them. */
  instructions: z.string().nullable(),
  hasPassword: z.boolean(),
  teams: z.array(z.object({ id: z.uuid(), name: z.string(), role: TeamRole })),
})

export type SessionState = z.infer<typeof SessionState>
export const SessionState = z.object({
  /** There are accounts. */
  setUp: z.boolean(),
  /** There are no accounts, and this is the user of this machine: everything works without sign-in. */
  local: z.boolean(),
  /** Who is signed in. */
  person: Me.nullable(),
  providers: z.array(SignInProvider),
  minPasswordLength: z.number(),
  /** New people need an invitation, whatever provider they use. */
  inviteOnly: z.boolean(),
})

export type SetUp = z.infer<typeof SetUp>
export const SetUp = z.object({ code: z.string().max(100).optional(), name, email, password })

export type SignIn = z.infer<typeof SignIn>
export const SignIn = z.object({ email, password })

export type Invited = z.infer<typeof Invited>
export const Invited = z.object({
  role: PersonRole,
  team: z.string().nullable(),
  /** They have an account already: it only asks for a new password, for the address below. */
  resets: z.boolean(),
  /** As the invitation has it, to fill in the form. The person may change it. */
  name: z.string().nullable(),
  email: z.string().nullable(),
  expiresAt: moment,
})

export type AcceptInvitation = z.infer<typeof AcceptInvitation>
/** Name and address are not needed for a new password (`resets`). */
export const AcceptInvitation = z.object({ name: name.optional(), email: email.optional(), password })

export type UpdateMe = z.infer<typeof UpdateMe>
/** Only what is given changes. */
export const UpdateMe = z.object({
  name: name.optional(),
  email: email.nullable().optional(),
  timeZone: z.string().max(64).nullable().optional(),
  language: z.string().max(80).nullable().optional(),
  instructions: z.string().max(4000).nullable().optional(),
})

export type ChangePassword = z.infer<typeof ChangePassword>
/** `current` is absent for a person's first password. */
export const ChangePassword = z.object({ current: password.optional(), new: password })

export type IdentityRef = z.infer<typeof IdentityRef>
export const IdentityRef = z.object({
  provider: z.string().max(50),
  issuer: z.string().max(500),
  subject: z.string().max(500),
})

export type LinkedIdentity = z.infer<typeof LinkedIdentity>
export const LinkedIdentity = IdentityRef.extend({
  name: z.string().nullable(),
  email: z.string().nullable(),
  linkedAt: moment,
})

export type LinkCode = z.infer<typeof LinkCode>
export const LinkCode = z.object({ code: z.string(), expiresAt: moment })

export type LinkState = z.infer<typeof LinkState>
/**
 * `typed`: somebody typed the code and has not agreed yet. `agreed`: the page shows `label`, such as "Slack: Ben (T1)", and asks
 * whether that is this person; `joins` names the other person who becomes one with them.
 */
export const LinkState = z.discriminatedUnion('state', [
  z.object({ state: z.literal('none') }),
  z.object({ state: z.literal('waiting'), expiresAt: moment }),
  z.object({
    state: z.enum(['typed', 'agreed']),
    expiresAt: moment,
    account: z.object({ provider: z.string(), issuer: z.string(), subject: z.string(), name: z.string().nullable() }),
    label: z.string(),
    joins: z.string().nullable(),
  }),
])

export type SessionRow = z.infer<typeof SessionRow>
export const SessionRow = z.object({
  id: z.uuid(),
  createdAt: moment,
  usedAt: moment,
  endsAt: moment,
  userAgent: z.string(),
  address: z.string(),
  /** The one that asks. */
  current: z.boolean(),
})

export type KeyRow = z.infer<typeof KeyRow>
export const KeyRow = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(KeyScope),
  createdAt: moment,
  expiresAt: moment.nullable(),
  lastUsedAt: moment.nullable(),
})

export type CreateKey = z.infer<typeof CreateKey>
/** `amount`: what it may spend in each period, in decimal USD. Without `days` it does not expire. */
export const CreateKey = z.object({
  name: z.string().trim().min(1).max(50),
  amount: z.string().regex(/^\d{1,9}(?:\.\d{1,9})?$/),
  period: z.enum(periods),
  scopes: z.array(KeyScope).min(1),
  days: z.number().int().min(1).max(731).optional(),
})

export type CreatedKey = z.infer<typeof CreatedKey>
/** `secret` is shown this once. */
export const CreatedKey = z.object({ key: KeyRow, secret: z.string() })

export type Erase = z.infer<typeof Erase>
/** They type their own name, so that nobody erases by accident. `chats`: also what they asked in linked chats and with their keys. */
export const Erase = z.object({ name: z.string().max(200), chats: z.boolean().default(false) })

export type PersonRow = z.infer<typeof PersonRow>
export const PersonRow = z.object({
  id: z.uuid(),
  name: z.string(),
  email: z.string().nullable(),
  role: PersonRole,
  /** An admin by parley.yaml: the role here cannot take that away. */
  namedAdmin: z.boolean(),
  createdAt: moment,
  disabledAt: moment.nullable(),
  /** `null`: known from chats only. */
  signedInAt: moment.nullable(),
  hasPassword: z.boolean(),
  identities: z.array(LinkedIdentity),
  teams: z.array(z.object({ id: z.uuid(), name: z.string(), role: TeamRole })),
})

export type InvitationRow = z.infer<typeof InvitationRow>
export const InvitationRow = z.object({
  id: z.uuid(),
  role: PersonRole,
  team: z.object({ id: z.uuid(), name: z.string(), role: TeamRole }).nullable(),
  /** For somebody who is known from chats already. */
  personId: z.uuid().nullable(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  createdAt: moment,
  expiresAt: moment,
})

export type TeamDetails = z.infer<typeof TeamDetails>
export const TeamDetails = z.object({
  id: z.uuid(),
  name: z.string(),
  instructions: z.string().nullable(),
  members: z.array(z.object({ personId: z.uuid(), name: z.string(), role: TeamRole })),
  /** Workspaces and channels that belong to it, as scopes: `workspace:slack/T1`. */
  places: z.array(z.string()),
  /** Those that are open. */
  invitations: z.array(InvitationRow),
})

export type People = z.infer<typeof People>
export const People = z.object({
  people: z.array(PersonRow),
  invitations: z.array(InvitationRow),
  teams: z.array(TeamDetails),
})

export type Invite = z.infer<typeof Invite>
export const Invite = z.object({
  role: PersonRole,
  team: z.object({ id: z.uuid(), role: TeamRole }).optional(),
  /** Gives credentials to somebody who is known from chats, instead of a second person. */
  personId: z.uuid().optional(),
  name: name.optional(),
  email: email.optional(),
})

export type InviteToTeam = z.infer<typeof InviteToTeam>
/** A member or guest of the installation, with this role in the team. */
export const InviteToTeam = z.object({
  role: z.enum(['member', 'guest']),
  teamRole: TeamRole,
  name: name.optional(),
  email: email.optional(),
})

export type CreatedInvitation = z.infer<typeof CreatedInvitation>
/** `url` has the code, which is shown this once. */
export const CreatedInvitation = z.object({
  invitation: InvitationRow,
  url: z.string(),
  /** Whether it went out by mail, or why not, as a sentence. Absent: no address was given, or no mail server is set. */
  mail: z.union([z.object({ sentTo: z.string() }), z.object({ problem: z.string() })]).optional(),
})

export type SetRole = z.infer<typeof SetRole>
export const SetRole = z.object({ role: PersonRole })

export type NewTeam = z.infer<typeof NewTeam>
export const NewTeam = z.object({ name })

export type UpdateTeam = z.infer<typeof UpdateTeam>
/** Only what is given changes. */
export const UpdateTeam = z.object({
  name: name.optional(),
  instructions: z.string().max(4000).nullable().optional(),
  places: z.array(z.string().max(500)).max(1000).optional(),
})

export type TeamMembership = z.infer<typeof TeamMembership>
export const TeamMembership = z.object({ role: TeamRole })

export type ConfiguredProvider = z.infer<typeof ConfiguredProvider>
/** A provider of parley.yaml, the only place to change it. */
export const ConfiguredProvider = SignInProvider.extend({
  issuer: z.string(),
  /** The exact address to register at the provider. */
  redirectUri: z.string(),
  state: z.enum(['ready', 'waiting', 'failing']),
  /** Why it does not work now, and what to do. */
  userMessage: z.string().nullable(),
})

export type ProviderTrial = z.infer<typeof ProviderTrial>
export const ProviderTrial = z.object({
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), text: z.string() })),
  /** Names of the claims of the last sign-in, never their values. */
  claims: z.array(z.string()),
})

export type ReadThread = z.infer<typeof ReadThread>
export const ReadThread = z.object({ reason: z.string().trim().min(3).max(500) })

/** What an admin made known, with dates as text. */
export interface CollectionRow extends Omit<CollectionAbout, 'createdAt' | 'sources'> {
  createdAt: string
  sources: (Omit<SourceAbout, 'refreshedAt'> & { refreshedAt: string | null })[]
}

export interface CollectionList {
  collections: CollectionRow[]
  teams: { id: string; name: string }[]
}

export type NewCollection = z.infer<typeof NewCollection>
/** `scope`: whom Parley may tell: `all`, `team:…`, `workspace:slack/T1`, `channel:slack/T1/C1`. */
export const NewCollection = z.object({ name, scope: z.string().max(500) })

/** Of a manager. One that others may be told, too, is changed by those who may change it for all of them. */
export interface TeamCollectionList {
  collections: (CollectionRow & { changeable: boolean })[]
}

export type NewTeamCollection = z.infer<typeof NewTeamCollection>
export const NewTeamCollection = NewCollection.pick({ name: true })

export type AddSource = z.infer<typeof AddSource>
/** A page, a site below an address, or a file that was sent before. */
export const AddSource = z.union([
  z.object({
    address: z.string().max(2000),
    pages: z.number().int().min(1).max(siteLimit).optional(),
    refresh: z.enum(refreshing),
  }),
  z.object({ uploadId: z.uuid() }),
])

export type ChangeGrant = z.infer<typeof ChangeGrant>
export const ChangeGrant = z.object({ scope: z.string().max(500), granted: z.boolean() })
