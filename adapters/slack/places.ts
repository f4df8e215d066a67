/**
 * Who can read a channel, as Slack says now. A search asks about many places at once, so what its questions have in common is asked
 * once: the conversations that Parley is in, those that somebody is in, and their account.
 */
import { mostMembers, type PlaceAddress, type PlaceFacts, type Places } from '../../src/core/place.ts'
import { createShared } from '../../src/core/shared.ts'
import { type Conversation, conversation, conversationsOf, type MemberList, membersOf } from './conversations.ts'
import type { Self } from './events.ts'
import { type Installations, selfIn, type Workspace } from './installations.ts'
import type { People, Person } from './people.ts'
import { slackCode } from './sdk.ts'

export interface PlacesDeps {
  installations: Pick<Installations, 'of'>
  people: Pick<People, 'now' | 'many' | 'limited'>
}

/** A call that would wait longer for Slack's rate limits fails: what is not known in time is not searched. */
const patienceMs = 2_000
/** Of a larger channel it is not known whether guests are in it. */
const mostLookedAt = 5_000

interface Place {
  id: string
  workspace: Workspace
  self: Self
  /** All questions of one search have the same one. */
  signal: AbortSignal
}

export function createPlaces({ installations, people }: PlacesDeps): Places {
  const listings = createShared<Map<string, Conversation> | undefined>()
  const conversations = createShared<Conversation | undefined>()
  const persons = createShared<Person | undefined>()
  const limits = createShared<ReadonlySet<string>>()

  async function open({ workspaceId, channelId }: PlaceAddress, signal: AbortSignal): Promise<Place> {
    const workspace = await installations.of(workspaceId)
    return { id: channelId, workspace, self: selfIn(workspace, workspaceId), signal }
  }

  /** Without `user`, of Parley itself. `undefined`: Slack does not tell. */
  async function listing({ workspace, self: { teamId }, signal }: Place, user?: string) {
    return await listings(signal, `${teamId}/${user ?? ''}`, () =>
      conversationsOf(workspace, teamId, user, { patienceMs, signal }).catch(unlessAway),
    )
  }

  /** `undefined`: there is no such conversation, or Parley cannot see it. */
  async function look(place: Place): Promise<Conversation | undefined> {
    const { id, workspace, self, signal } = place
    const known = id.startsWith('D') ? undefined : (await listing(place))?.get(id)
    if (known !== undefined) return known
    return await conversations(signal, `${self.teamId}/${id}`, async () => {
      try {
        return await conversation(workspace, id, { patienceMs, signal })
      } catch (error) {
        if (notThere.has(slackCode(error) ?? '')) return undefined
        throw error
      }
    })
  }

  /** `undefined`: Slack does not tell. */
  async function members({ workspace, id, signal }: Place): Promise<MemberList | undefined> {
    return await membersOf(workspace, id, mostLookedAt, { patienceMs, signal }).catch(unlessAway)
  }

  async function readers(place: Place, channel: Conversation) {
    const { workspace, self } = place
    const alone = channel.is_im && channel.user ? { ids: new Set([channel.user]), complete: true } : undefined
    const list = channel.is_im ? alone : await members(place)
    const ids = [...(list?.ids ?? [])].filter((id) => id !== self.botUserId)
    const known = await people.many(workspace, self, ids)
    // After the look-ups: what an event said meanwhile counts.
    const limited = await limits(place.signal, self.teamId, () => people.limited(self))
    const persons = ids.filter((id) => !isNobody(known.get(id)))
    const full = persons.map((id) => (limited.has(id) ? false : known.get(id)?.readsPublicChannels))
    const isWhole = list?.complete === true
    return {
      members: isWhole && persons.length <= mostMembers ? persons : undefined,
      outsiders: full.includes(false) || (isWhole && !full.includes(undefined) ? false : undefined),
    }
  }

  return {
    async look(address, { signal }): Promise<PlaceFacts | null> {
      const place = await open(address, signal)
      const channel = await look(place)
      if (channel === undefined) return null
      const kind = kindOf(channel, place.self)
      const { members, outsiders } = await readers(place, channel)
      const name = kind === 'direct' || kind === 'group' ? undefined : (channel.name ?? undefined)
      return { kind, name, members, outsiders: kind === 'external' || outsiders }
    },

    async canRead(address, account, { signal }) {
      const place = await open(address, signal)
      const { workspace, self, id } = place
      const person = await persons(signal, `${self.teamId}/${account}`, () => people.now(workspace, self, account))
      if (person === undefined || isNobody(person)) return false
      // Slack lists only what people of its own workspace are in.
      const joined = person.membership === 'stranger' ? undefined : await listing(place, account)
      if (joined?.has(id)) return true
      const channel = await look(place)
      if (channel === undefined) return false
      if (channel.is_im) return channel.user === account
      const kind = kindOf(channel, self)
      if (kind === 'public' && person.readsPublicChannels === true) return true
      if (joined !== undefined && kind !== 'group') return false
      return (await members(place))?.ids.has(account) === true
    },
  }
}

/** For what another call may tell: a refusal is no answer, but Slack must be there. */
function unlessAway(error: unknown): undefined {
  if (slackCode(error) === undefined) throw error
}

const notThere = new Set(['channel_not_found', 'not_in_channel', 'channel_is_limited_access', 'team_not_found'])

const isNobody = (person: Person | undefined) => person?.isBot === true || person?.isGone === true

/** What is not said to be public is not. */
function kindOf(channel: Conversation, { teamId }: Self): PlaceFacts['kind'] {
  if (channel.is_im) return 'direct'
  if (channel.is_mpim) return 'group'
  const isOfOthers = channel.shared_team_ids?.some((team) => team !== teamId) === true
  if (channel.is_ext_shared || channel.is_org_shared || channel.is_pending_ext_shared || isOfOthers) return 'external'
  return channel.is_private === false ? 'public' : 'private'
}
