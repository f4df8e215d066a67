/**
 * Pure: what an activity says of the readers of a place. Teams tells a change of a team once, in its first channel, and it concerns
 * each of its channels. https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events
 */
import type { PlaceAddress, PlaceChange } from '../../src/core/place.ts'
import { type Account, type Activity, placeOf } from './activity.ts'

/** What happened, to one place or to all channels of a team. */
export type Change =
  | { kind: 'changed'; in: PlaceAddress | { team: string }; name?: string | undefined }
  | { kind: 'removed'; in: PlaceAddress | { team: string } }
  | { kind: 'joined' | 'left'; in: PlaceAddress | { team: string }; account: string }

/** By event, in lower case. The SDK and the documentation spell some of them differently. */
const channelEvents: Record<string, 'changed' | 'removed'> = {
  channelrenamed: 'changed',
  channelrestored: 'changed',
  channelshared: 'changed',
  channelunshared: 'changed',
  channeldeleted: 'removed',
}
const teamEvents: Record<string, 'changed' | 'removed'> = {
  teamrenamed: 'changed',
  teamarchived: 'changed',
  teamunarchived: 'changed',
  teamrestored: 'changed',
  teamdeleted: 'removed',
  teamharddeleted: 'removed',
}

export function changesIn(activity: Activity): Change[] {
  const { type, action, recipient, channelData, membersAdded, membersRemoved } = activity
  const event = (channelData?.eventType ?? '').toLowerCase()
  const { threadId: _thread, ...here } = placeOf(activity).conversation
  const team = channelData?.team?.id ?? channelData?.teamsTeamId
  const ofTeam = team ? { team } : here
  if (type === 'installationUpdate') return action === 'remove' ? [{ kind: 'removed', in: ofTeam }] : []
  if (type !== 'conversationUpdate') return []

  const channel: PlaceAddress = { ...here, channelId: channelData?.channel?.id ?? here.channelId }
  const channelEffect = channelEvents[event]
  const teamEffect = teamEvents[event]
  if (channelEffect === 'changed')
    return [{ kind: 'changed', in: channel, name: channelData?.channel?.name ?? undefined }]
  if (channelEffect === 'removed') return [{ kind: 'removed', in: channel }]
  if (teamEffect !== undefined) return [{ kind: teamEffect, in: ofTeam }]

  // A member of a private or shared channel, which has members of its own.
  const place = event.startsWith('channelmember') ? channel : ofTeam
  const isParley = ({ id }: Account) => id === recipient?.id
  const people = (accounts: Account[] | null | undefined) => (accounts ?? []).filter(({ id }) => !id.startsWith('28:'))
  // Nobody can say which account it is, such as that of an anonymous guest.
  const moved = (kind: 'joined' | 'left', accounts: Account[] | null | undefined) =>
    people(accounts).map(
      ({ aadObjectId }): Change =>
        aadObjectId ? { kind, in: place, account: aadObjectId } : { kind: 'changed', in: place },
    )
  const removed: Change[] = membersRemoved?.some(isParley) ? [{ kind: 'removed', in: place }] : []
  return [...removed, ...moved('joined', membersAdded), ...moved('left', membersRemoved)]
}

/** `channelsOf`: the channels of a team that are known. */
export async function placeChanges(
  activity: Activity,
  channelsOf: (team: string) => Promise<PlaceAddress[]>,
): Promise<PlaceChange[]> {
  const found = await Promise.all(
    changesIn(activity).map(async (change): Promise<PlaceChange[]> => {
      const places = 'team' in change.in ? await channelsOf(change.in.team) : [change.in]
      return places.map((place) => {
        const { in: _, ...about } = change
        return { ...about, place }
      })
    }),
  )
  return found.flat()
}
