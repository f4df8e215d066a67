/**
 * The person behind an account, and what they may do. It is remembered, so that most questions need no statement for it. A change
 * of people drops what every process remembers; if that message is lost, it expires after some seconds.
 */
import { monotonic } from '../core/clock.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import type { IdentityKey, PersonRole, TeamRole } from '../core/person.ts'
import type { Capabilities } from '../core/platform.ts'
import { type Scope, scopeOf } from '../core/scope.ts'
import { peopleChangedTopic } from '../core/topics.ts'
import { isUuid } from '../core/uuid.ts'

/** A person as permissions see them. */
export interface Standing {
  personId: string
  name: string
  /** The role in force: `admin` for everybody that parley.yaml names. */
  role: PersonRole
  disabled: boolean
  /** IANA. */
  timeZone: string | null
  accounts: IdentityKey[]
  teams: { id: string; name: string; role: TeamRole }[]
}

/** Implemented in src/store/directory.ts. */
export interface DirectoryRows {
  find(by: { account: IdentityKey } | { personId: string }): Promise<Standing | null>
  /** Which team a workspace or channel belongs to. */
  places(): Promise<ReadonlyMap<Scope, string>>
  /** The persons of these teams. */
  members(teamIds: readonly string[]): Promise<string[]>
}

export interface Directory {
  /**
   * The author with the person and teams that they have now, whatever was known before. A role of the installation holds on
   * every platform: guests are guests, and disabled people get no answer.
   */
  know(author: Author, at: ConversationRef): Promise<Author>
  /** The account that proves who an author is; `undefined`: their platform has none. */
  accountOf(authorId: string, at: ConversationRef): IdentityKey | undefined
  standing(personId: string): Promise<Standing | null>
  /** The team of each place that has one. */
  places(): Promise<ReadonlyMap<Scope, string>>
  /** The persons of these teams; from the store. */
  members: DirectoryRows['members']
}

export interface DirectoryDeps {
  rows: DirectoryRows
  /** Of a platform; nothing for one that is not there. */
  accounts(platform: string): Capabilities['accounts']
  channel: { subscribe(topic: string, heard: () => void): Promise<() => Promise<void>> }
  now?: () => number
  /** Default 5 s. */
  maxAgeMs?: number
  /** The most that are remembered. Default 10,000. */
  most?: number
}

interface Remembered<T> {
  value: Promise<T>
  at: number
}

export async function createDirectory(deps: DirectoryDeps): Promise<Directory & { close(): Promise<void> }> {
  const { rows, accounts, channel, now = monotonic, maxAgeMs = 5000, most = 10_000 } = deps
  /** Strangers included, as `null`. */
  const standings = new Map<string, Remembered<Standing | null>>()
  const places = new Map<'all', Remembered<ReadonlyMap<Scope, string>>>()
  const close = await channel.subscribe(peopleChangedTopic, () => {
    standings.clear()
    places.clear()
  })

  function remembered<Key, T>(entries: Map<Key, Remembered<T>>, key: Key, load: () => Promise<T>): Promise<T> {
    const known = entries.get(key)
    if (known !== undefined && now() - known.at < maxAgeMs) return known.value
    if (entries.size >= most) entries.clear()
    const entry = { value: load(), at: now() }
    entries.set(key, entry)
    // A failure is not remembered.
    entry.value.catch(() => entries.get(key) === entry && entries.delete(key))
    return entry.value
  }

  const standing = (personId: string) => remembered(standings, personId, () => rows.find({ personId }))
  const teamOfPlaces = () => remembered(places, 'all', rows.places)

  async function standingOf(author: Author, at: ConversationRef): Promise<Standing | null> {
    const vouchedBy = accounts(at.platform)
    const account = accountOf(vouchedBy, author.id, at)
    if (account === undefined) {
      const personId = vouchedBy === 'person' ? author.id : author.personId
      return personId !== undefined && isUuid(personId) ? await standing(personId) : null
    }
    const { provider, issuer, subject } = account
    return await remembered(standings, JSON.stringify([provider, issuer, subject]), () => rows.find({ account }))
  }

  return {
    close,
    accountOf: (authorId, at) => accountOf(accounts(at.platform), authorId, at),
    standing,
    places: teamOfPlaces,
    members: rows.members,

    async know(author, at) {
      const [person, teams] = await Promise.all([standingOf(author, at), teamOfPlaces()])
      const teamIds = teamsHere(person, teams, at)
      const known = {
        ...author,
        personId: person?.personId,
        timeZone: person?.timeZone ?? undefined,
        teamIds: teamIds.length === 0 ? undefined : teamIds,
      }
      if (person?.disabled) return { ...known, membership: 'disabled' }
      return person?.role === 'guest' ? { ...known, membership: 'guest' } : known
    },
  }
}

function accountOf(
  vouchedBy: Capabilities['accounts'],
  authorId: string,
  { platform, workspaceId }: ConversationRef,
): IdentityKey | undefined {
  if (vouchedBy === undefined || vouchedBy === 'person') return undefined
  return { provider: platform, issuer: vouchedBy === 'workspace' ? workspaceId : platform, subject: authorId }
}

/** In a place of a team, that team; elsewhere the teams that the asker belongs to. */
function teamsHere(person: Standing | null, teams: ReadonlyMap<Scope, string>, at: ConversationRef): string[] {
  const here = [scopeOf.workspace(at), scopeOf.channel(at)].flatMap((scope) => teams.get(scope) ?? [])
  const own = person?.teams.filter(({ role }) => role !== 'viewer').map(({ id }) => id) ?? []
  return [...new Set(here.length > 0 ? here : own)]
}

/**
 * Whether a name of parley.yaml or of a role, `slack/T1/U1`, means this account. Where the platform vouches for all workspaces, it
 * means the account in each of them.
 */
export function isAccountNamed({ provider, issuer, subject }: IdentityKey, name: string): boolean {
  const [platform, workspace, id] = name.split('/')
  if (platform !== encodeURIComponent(provider) || id !== encodeURIComponent(subject)) return false
  return issuer === provider || workspace === encodeURIComponent(issuer)
}
