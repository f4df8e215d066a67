/** Pure but for what is known of accounts: an event of Slack → what it changes for the readers of places. */
import { z } from 'zod'
import type { PlaceAddress, PlaceChange } from '../../src/core/place.ts'
import type { MessageEvent, Self, SlackFile } from './events.ts'
import { attachmentId } from './normalize.ts'
import type { People } from './people.ts'
import { accountEvents, changedPlaceEvents, memberEvents, platformName, removedPlaceEvents } from './settings.ts'

/** Some events name the channel, others describe it. */
const Channel = z.union([
  z.string().transform((id) => ({ id, name: undefined })),
  z.object({ id: z.string(), name: z.string().optional() }),
])
type PlaceEvent = z.infer<typeof PlaceEvent>
const PlaceEvent = z.discriminatedUnion('type', [
  z.object({ type: z.enum(memberEvents), user: z.string(), channel: z.string() }),
  z.object({ type: z.literal('channel_id_changed'), old_channel_id: z.string(), new_channel_id: z.string() }),
  z.object({ type: z.enum(changedPlaceEvents).exclude(['channel_id_changed']), channel: Channel }),
  z.object({ type: z.enum(removedPlaceEvents), channel: Channel }),
  z.object({ type: z.literal('file_deleted'), file_id: z.string() }),
])

const AccountEvent = z.object({ type: z.enum(accountEvents), user: z.unknown() })

/** The names of these events. */
export const placeEvents = [
  ...memberEvents,
  ...changedPlaceEvents,
  ...removedPlaceEvents,
  ...accountEvents,
  'file_deleted',
]

/** `take` stores a change. Answers how many there were. */
export async function takePlaceEvent(
  given: unknown,
  self: Self,
  people: Pick<People, 'learn'>,
  take: (change: PlaceChange) => Promise<void>,
): Promise<number> {
  const about = AccountEvent.safeParse(given)
  if (!about.success) {
    const event = PlaceEvent.safeParse(given)
    const changes = event.success ? placeChanges(event.data, self) : []
    for (const change of changes) await take(change)
    return changes.length
  }
  const learned = await people.learn(about.data.user, self)
  if (learned?.lost === undefined) return 0
  // Nobody knows all channels of somebody who became a guest.
  if (learned.lost === 'all') await take({ kind: 'accountGone', ...workspaceOf(self), account: learned.id })
  else await take({ kind: 'workspaceChanged', ...workspaceOf(self) })
  await learned.noted()
  return 1
}

function placeChanges(event: PlaceEvent, self: Self): PlaceChange[] {
  switch (event.type) {
    case 'member_joined_channel':
    case 'member_left_channel': {
      const place = placeIn(self, event.channel)
      const joined = event.type === 'member_joined_channel'
      if (event.user !== self.botUserId) return [{ kind: joined ? 'joined' : 'left', place, account: event.user }]
      return [{ kind: joined ? 'changed' : 'removed', place }]
    }
    case 'channel_id_changed':
      return [event.old_channel_id, event.new_channel_id].map((id) => ({ kind: 'changed', place: placeIn(self, id) }))
    case 'channel_deleted':
    case 'channel_left':
    case 'group_deleted':
    case 'group_left':
      return [{ kind: 'removed', place: placeIn(self, event.channel.id) }]
    case 'file_deleted':
      return [fileDeleted(event.file_id, self)]
    default:
      return [{ kind: 'changed', place: placeIn(self, event.channel.id), name: event.channel.name }]
  }
}

/** What a message event changes beside the message itself. */
export function changesByMessage(event: MessageEvent, self: Self): PlaceChange[] {
  const { channel, subtype } = event
  // https://docs.slack.dev/reference/events/message/channel_convert_to_private
  if (subtype === 'channel_convert_to_private' || subtype === 'channel_convert_to_public')
    return [{ kind: 'changed', place: placeIn(self, channel) }]
  return subtype === 'message_changed' ? filesTaken(event).map((id) => fileDeleted(id, self)) : []
}

/** Files that were deleted, or that the author of the message took out of it. */
function filesTaken({ message, previous_message: previous }: MessageEvent): string[] {
  // A deleted message with replies is a deletion of its own.
  if (message == null || message.subtype === 'tombstone') return []
  const isGone = ({ mode }: SlackFile) => mode === 'tombstone'
  const left = new Set((message.files ?? []).filter((file) => !isGone(file)).map(({ id }) => id))
  const isEdited = message.edited?.ts != null && message.edited.ts !== previous?.edited?.ts
  const before = isEdited ? (previous?.files ?? []) : []
  const gone = [...(message.files ?? []).filter(isGone), ...before].map(({ id }) => id)
  return [...new Set(gone)].filter((id) => !left.has(id))
}

const workspaceOf = ({ teamId }: Self) => ({ platform: platformName, workspaceId: teamId })
const placeIn = (self: Self, channelId: string): PlaceAddress => ({ ...workspaceOf(self), channelId })

function fileDeleted(file: string, self: Self): PlaceChange {
  return { kind: 'fileDeleted', ...workspaceOf(self), attachmentId: attachmentId(file, self) }
}
