/**
 * How to ask Teams about a channel or a group chat: its ID alone names neither its server nor its team. Each activity says it, and a
 * record keeps it for all processes.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { PlaceAddress } from '../../src/core/place.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { type Activity, placeOf, plain, TargetData } from './activity.ts'
import { momentOf } from './normalize.ts'
import { platformName } from './settings.ts'

const ChannelType = z.enum(['standard', 'private', 'shared'])

export type KnownPlace = z.infer<typeof KnownPlace>
const KnownPlace = z.object({
  /** The place itself, without its threads and people. */
  at: TargetData.omit({ user: true, bot: true }),
  /** When Parley first heard of it, in milliseconds: what was shared with Parley there was shared later. */
  since: z.number(),
  /** Of a channel, as far as Teams said it. It never changes. */
  type: ChannelType.optional(),
})
const OfTeam = z.object({ tenant: z.string() })

export interface KnownPlaces {
  /** Remembers where an activity comes from. */
  remember(activity: Activity): Promise<void>
  find(place: PlaceAddress): Promise<KnownPlace | undefined>
  /** The channels of a team that Parley has heard of. */
  channelsOf(team: string): Promise<PlaceAddress[]>
}

const mostRemembered = 5000

export function createKnownPlaces(records: Records): KnownPlaces {
  /** What this process knows to be stored. */
  const stored = new Map<string, KnownPlace>()
  const keyOf = (id: string) => `place/${id}`
  const read = async (id: string) => KnownPlace.safeParse(await records.get(keyOf(id))).data

  return {
    async remember(activity) {
      const heard = heardIn(activity)
      if (heard === undefined) return
      const { conversation: id, team, tenant } = heard.at
      const before = stored.get(id) ?? (await read(id))
      const known = before === undefined ? heard : merged(before, heard)
      if (!isDeepStrictEqual(known, before)) {
        if (team !== undefined) await records.put(`team/${team.id}/${id}`, { tenant })
        await records.put(keyOf(id), plain(known))
      }
      if (stored.size >= mostRemembered) stored.clear()
      stored.set(id, known)
    },

    async find({ channelId, workspaceId }) {
      const known = await read(channelId)
      return known?.at.tenant === workspaceId ? known : undefined
    },

    async channelsOf(team) {
      const prefix = `team/${team}/`
      return (await records.list(prefix)).map(({ key, value }) => ({
        platform: platformName,
        workspaceId: OfTeam.parse(value).tenant,
        channelId: key.slice(prefix.length),
      }))
    },
  }
}

function heardIn(activity: Activity): KnownPlace | undefined {
  const { conversation, data } = placeOf(activity)
  const { user: _user, bot: _bot, ...at } = { ...TargetData.parse(data), conversation: conversation.channelId }
  if (at.scope === 'personal') return undefined
  const { channel } = activity.channelData ?? {}
  // An event about another channel is told in the first one of its team.
  const isItself = channel?.id === undefined || channel.id === null || channel.id === at.conversation
  const type = isItself ? ChannelType.safeParse(channel?.type).data : undefined
  return {
    at,
    since: Date.parse(momentOf(activity.timestamp)),
    type: at.team?.id === at.conversation ? 'standard' : type,
  }
}

/** Not each activity tells all. */
function merged(before: KnownPlace, { at, since, type }: KnownPlace): KnownPlace {
  const { team = before.at.team } = at
  return {
    at: { ...at, team: team && { ...team, group: team.group ?? before.at.team?.group } },
    since: Math.min(before.since, since),
    type: type ?? before.type,
  }
}
