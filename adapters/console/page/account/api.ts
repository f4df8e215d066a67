/** The calls of the account screens. */
import type {
  AcceptInvitation,
  ChangePassword,
  CollectionRow,
  CreatedInvitation,
  CreatedKey,
  CreateKey,
  Erase,
  IdentityRef,
  Invited,
  InviteToTeam,
  KeyRow,
  LinkCode,
  LinkedIdentity,
  LinkState,
  Me,
  SessionRow,
  SessionState,
  SetUp,
  SignIn,
  SignInProvider,
  TeamCollectionList,
  TeamDetails,
  UpdateMe,
} from '../../account-api.ts'
import { call } from '../lib/server.ts'

const id = encodeURIComponent

export interface Connections {
  identities: LinkedIdentity[]
  connect: SignInProvider[]
}

export const accountApi = {
  setUp: (body: SetUp) => call<SessionState>('POST', 'set-up', body),
  signIn: (body: SignIn) => call<SessionState>('POST', 'sign-in', body),
  invited: (code: string) => call<Invited>('GET', `invitations/${id(code)}`),
  accept: (code: string, body: AcceptInvitation) => call<SessionState>('POST', `invitations/${id(code)}`, body),
  me: () => call<Me>('GET', 'me'),
  update: (body: UpdateMe) => call<Me>('PUT', 'me', body),
  changePassword: (body: ChangePassword) => call<void>('POST', 'me/password', body),
  connections: () => call<Connections>('GET', 'me/identities'),
  disconnect: (body: IdentityRef) => call<void>('DELETE', 'me/identities', body),
  merge: (body: SignIn) => call<void>('POST', 'me/merge', body),
  linkCode: () => call<LinkCode>('POST', 'me/link-code', {}),
  linkState: () => call<LinkState>('GET', 'me/link-code'),
  confirmLink: () => call<void>('POST', 'me/link-code/confirm', {}),
  refuseLink: () => call<void>('POST', 'me/link-code/refuse', {}),
  sessions: () => call<{ sessions: SessionRow[] }>('GET', 'me/sessions').then(({ sessions }) => sessions),
  endSession: (session: string) => call<void>('DELETE', `me/sessions/${id(session)}`),
  endOthers: () => call<void>('DELETE', 'me/sessions'),
  keys: () => call<{ keys: KeyRow[] }>('GET', 'me/keys').then(({ keys }) => keys),
  createKey: (body: CreateKey) => call<CreatedKey>('POST', 'me/keys', body),
  revokeKey: (key: string) => call<void>('DELETE', `me/keys/${id(key)}`),
  erase: (body: Erase) => call<void>('POST', 'me/erase', body),
  team: (team: string) => call<TeamDetails>('GET', `teams/${id(team)}`),
  inviteToTeam: (team: string, body: InviteToTeam) =>
    call<CreatedInvitation>('POST', `teams/${id(team)}/invitations`, body),
  teamCollections: (team: string) => call<TeamCollectionList>('GET', `teams/${id(team)}/collections`),
  createTeamCollection: (team: string, name: string) =>
    call<CollectionRow>('POST', `teams/${id(team)}/collections`, { name }),
  withdrawFromTeam: (team: string, invitation: string) =>
    call<void>('DELETE', `teams/${id(team)}/invitations/${id(invitation)}`),
}

/** Pages of the provider, reached by a link. */
export function providerUrl(provider: string, to: { returnTo: string } | { invitation: string }): string {
  return `/console/sign-in/${id(provider)}?${new URLSearchParams(to)}`
}
export const connectUrl = (provider: string) => `/console/me/connect/${id(provider)}`
export const mergeUrl = (provider: string) => `/console/me/merge/${id(provider)}`
export const exportUrl = '/console/me/export'
