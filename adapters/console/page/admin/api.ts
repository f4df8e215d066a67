/** The calls of the admin screens. */
import type { PersonRole, TeamRole } from '../../../../src/core/person.ts'
import type {
  AddSource,
  ChangeGrant,
  CollectionList,
  CollectionRow,
  ConfiguredProvider,
  CreatedInvitation,
  Invite,
  NewCollection,
  People,
  PersonRow,
  ProviderTrial,
  TeamDetails,
  UpdateTeam,
} from '../../account-api.ts'
import { call } from '../lib/server.ts'

const id = encodeURIComponent

export const adminApi = {
  people: () => call<People>('GET', 'admin/people'),
  invite: (body: Invite) => call<CreatedInvitation>('POST', 'admin/invitations', body),
  withdraw: (invitation: string) => call<void>('DELETE', `admin/invitations/${id(invitation)}`),
  setRole: (person: string, role: PersonRole) => call<PersonRow>('PUT', `admin/people/${id(person)}/role`, { role }),
  disable: (person: string) => call<PersonRow>('POST', `admin/people/${id(person)}/disable`, {}),
  enable: (person: string) => call<PersonRow>('POST', `admin/people/${id(person)}/enable`, {}),
  signOut: (person: string) => call<void>('POST', `admin/people/${id(person)}/sign-out`, {}),
  remove: (person: string) => call<void>('DELETE', `admin/people/${id(person)}`),
  createTeam: (name: string) => call<TeamDetails>('POST', 'admin/teams', { name }),
  updateTeam: (team: string, body: UpdateTeam) => call<TeamDetails>('PUT', `admin/teams/${id(team)}`, body),
  deleteTeam: (team: string) => call<void>('DELETE', `admin/teams/${id(team)}`),
  setMember: (team: string, person: string, role: TeamRole) =>
    call<TeamDetails>('PUT', `admin/teams/${id(team)}/members/${id(person)}`, { role }),
  removeMember: (team: string, person: string) =>
    call<TeamDetails>('DELETE', `admin/teams/${id(team)}/members/${id(person)}`),
  collections: () => call<CollectionList>('GET', 'admin/collections'),
  createCollection: (body: NewCollection) => call<CollectionRow>('POST', 'admin/collections', body),
  changeGrant: (collection: string, body: ChangeGrant) =>
    call<CollectionRow>('PUT', `admin/collections/${id(collection)}/grants`, body),
  providers: () => call<{ providers: ConfiguredProvider[] }>('GET', 'admin/sign-in').then(({ providers }) => providers),
  tryProvider: (provider: string) => call<ProviderTrial>('POST', `admin/sign-in/${id(provider)}/try`, {}),
}

/** Changes of one collection: by an admin, or by a manager of its team. */
export function collectionApi(collection: string, team?: string) {
  const path = `${team === undefined ? 'admin' : `teams/${id(team)}`}/collections/${id(collection)}`
  return {
    remove: () => call<void>('DELETE', path),
    addSource: (body: AddSource) => call<CollectionRow>('POST', `${path}/sources`, body),
    removeSource: (source: string) => call<CollectionRow>('DELETE', `${path}/sources/${id(source)}`),
    refresh: () => call<CollectionRow>('POST', `${path}/refresh`, {}),
  }
}

/** Signs in there to see which claims come; nobody's session changes. */
export const tryUrl = (provider: string) => `/console/admin/sign-in/${id(provider)}/try`
