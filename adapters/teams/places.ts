/**
 * Who can read a channel or a chat, asked of Teams. No channel is public: even the standard channels of a public team are open to the
 * members of that team only, and a workspace is a whole organization.
 * - A standard channel: the members of its team. Asked for a channel, Teams may leave out members who never used it.
 * - Another channel, and one whose type Teams does not tell: the members of the channel, by Microsoft Graph.
 * - A group or meeting chat: its members, by Microsoft Graph, which also says how much of it each of them sees. People may be added to a
 *   chat without its earlier messages.
 */
import { orAborted } from '../../src/core/abort.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { mostMembers, type PlaceAddress, type PlaceFacts, type Places } from '../../src/core/place.ts'
import { createShared } from '../../src/core/shared.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { TargetData } from './activity.ts'
import { type Api, type Member, refusalOf } from './api.ts'
import { Forbidden, type Graph } from './graph.ts'
import type { KnownPlace, KnownPlaces } from './known-places.ts'
import { authorOf } from './normalize.ts'
import { membershipOf } from './people.ts'
import { type Readers, readersOf } from './readers.ts'

export interface PlacesDeps {
  api: Pick<Api, 'member' | 'members' | 'channels' | 'group'>
  graph: Graph
  known: Pick<KnownPlaces, 'find'>
  log: Log
}

/** Of one person and an app, or of two persons. */
export const isPersonalChat = (id: string) => id.startsWith('a:') || id.endsWith('@unq.gbl.spaces')

/** Everybody who reads a place, or what is known of them. */
interface Roster extends Pick<PlaceFacts, 'members' | 'outsiders'> {
  /** Somebody of another organization is among them. */
  isExternal: boolean
  names: string[]
}

type ListedChannel = Awaited<ReturnType<Api['channels']>>[number]

const mostTypes = 5000

export function createPlaces({ api, graph, known, log }: PlacesDeps): Places {
  /** Of channels, as the connector listed them. They never change. */
  const types = new Map<string, string>()
  // What the channels of a team have in common is asked once for a search.
  const lists = createShared<ListedChannel[]>()
  const rosters = createShared<Roster>()
  const members = createShared<boolean>()
  const readers = createShared<Readers>()

  /** `refused`: Teams does not know the place, or does not let Parley see it. */
  async function asked<T>(ask: () => Promise<T>, refused: T, signal: AbortSignal): Promise<T> {
    try {
      // The SDK's calls cannot be ended.
      return await orAborted(ask(), signal)
    } catch (error) {
      const status = refusalOf(error)?.status
      if (error instanceof Forbidden || status === 403 || status === 404) {
        log.info(errorFields(error), 'Teams does not let Parley see who reads a place')
        return refused
      }
      if (error instanceof ParleyError) throw error
      throw new ParleyError('platform_unreachable', chatWording.unreachable('Teams'), { cause: error })
    }
  }

  /** What the connector says of a channel. It may list standard channels alone. */
  async function listed(at: TargetData, signal: AbortSignal): Promise<ListedChannel | undefined> {
    const list = await lists(signal, lineOf(at.tenant, at.team?.id), () =>
      api.channels(at).catch((error: unknown) => {
        log.info(errorFields(error), 'Teams did not list the channels of a team')
        return []
      }),
    )
    const found = list.find(({ id }) => id === at.conversation)
    if (types.size >= mostTypes) types.clear()
    if (found?.type !== undefined) types.set(at.conversation, found.type)
    return found
  }

  async function graphReaders({ at }: KnownPlace, signal: AbortSignal): Promise<Readers> {
    const { conversation: id } = at
    return await readers(signal, lineOf(at.tenant, id), async () => {
      if (at.scope === 'groupChat') return await readersOf(graph, { id }, signal)
      const group = await api.group(at)
      if (group === undefined) throw new Forbidden('the team is not known', 'ChannelMember.Read.Group')
      return await readersOf(graph, { id, group }, signal)
    })
  }

  const teamRoster = (team: TargetData, signal: AbortSignal) =>
    rosters(signal, lineOf(team.tenant, team.conversation), () => rosterOf(team, signal))

  async function rosterOf(at: TargetData, signal: AbortSignal): Promise<Roster> {
    const found: Member[] = []
    for await (const member of api.members(at, { signal })) {
      if (member.id.startsWith('28:')) continue
      found.push(member)
      if (found.length > mostMembers) break
    }
    const memberships = found.map((each) => membershipOf(each, at.tenant))
    const areKnown = found.length <= mostMembers
    const areInside = areKnown && found.every(({ tenantId }) => tenantId !== undefined)
    return {
      members: areKnown ? found.map(({ id, aadObjectId }) => authorOf({ id, aadObjectId }).id) : undefined,
      outsiders: memberships.some((each) => each !== 'member') || (areInside ? false : undefined),
      isExternal: memberships.includes('stranger'),
      names: [],
    }
  }

  const isMember = (team: TargetData, account: string, signal: AbortSignal) =>
    members(signal, lineOf(team.tenant, team.conversation, account), async () => {
      try {
        await api.member(team, account)
        return true
      } catch (error) {
        if (refusalOf(error)?.status === 404) return false
        throw error
      }
    })

  async function graphRoster(place: KnownPlace, signal: AbortSignal): Promise<Roster> {
    const { readers, areAll } = await graphReaders(place, signal)
    const found = [...readers.values()]
    const isForeign = ({ tenant }: (typeof found)[number]) =>
      tenant !== undefined && tenant !== place.at.tenant.toLowerCase()
    // Who sees a part of a chat reads its answers, but may not be told all that was shared there: no list is right for both.
    const seeAll = found.every(({ since }) => since <= place.since)
    const areInside = areAll && found.every(({ tenant, isGuest }) => tenant !== undefined && !isGuest)
    return {
      members: areAll && seeAll ? [...readers.keys()] : undefined,
      outsiders: found.some((each) => each.isGuest || isForeign(each)) || (areInside ? false : undefined),
      isExternal: found.some(isForeign),
      names: found.flatMap(({ name }) => name ?? []),
    }
  }

  async function facts(place: KnownPlace, signal: AbortSignal): Promise<PlaceFacts> {
    const { at } = place
    if (at.scope === 'groupChat') {
      const { names, members, outsiders } = await graphRoster(place, signal)
      return { kind: 'group', name: names.length === 0 ? undefined : teamsWording.chatOf(names), members, outsiders }
    }
    const channel = await listed(at, signal)
    const team = teamOf(place, channel?.type)
    const roster = team === undefined ? await graphRoster(place, signal) : await teamRoster(team, signal)
    return {
      kind: roster.isExternal ? 'external' : 'private',
      name: channel && (channel.name || teamsWording.generalChannel),
      members: roster.members,
      outsiders: roster.outsiders,
    }
  }

  async function reads(place: KnownPlace, account: string, signal: AbortSignal): Promise<boolean> {
    const { at, type: told } = place
    const asks = at.scope === 'channel' && told === undefined && !types.has(at.conversation)
    const team = teamOf(place, asks ? (await listed(at, signal))?.type : types.get(at.conversation))
    if (team !== undefined) return await isMember(team, account, signal)
    const { readers } = await graphReaders(place, signal)
    const since = readers.get(account.toLowerCase())?.since
    return since !== undefined && since <= place.since
  }

  return {
    async look(place: PlaceAddress, { signal }) {
      if (isPersonalChat(place.channelId)) return { kind: 'direct' }
      const found = await known.find(place)
      return found === undefined ? null : await asked(() => facts(found, signal), null, signal)
    },
    async canRead(place: PlaceAddress, account, { signal }) {
      const found = isPersonalChat(place.channelId) ? undefined : await known.find(place)
      return found !== undefined && (await asked(() => reads(found, account, signal), false, signal))
    },
  }
}

const lineOf = (...parts: readonly (string | undefined)[]) => parts.join(' ')

/** Whom to ask about a channel that is open to its whole team: the conversation with the ID of a team is its first channel. */
function teamOf({ at, type }: KnownPlace, listedType: string | undefined): TargetData | undefined {
  return at.team !== undefined && (type ?? listedType) === 'standard' ? { ...at, conversation: at.team.id } : undefined
}
