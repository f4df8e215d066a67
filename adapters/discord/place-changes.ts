/** Pure: which events of the gateway say that others can read a place now, or that something which was shared is gone. */
import type { GatewayDispatchPayload } from 'discord.js'
import type { PlaceAddress, PlaceChange } from '../../src/core/place.ts'
import { filesOf } from './content.ts'
import { addressOf, directWorkspace, type Place, platformName, privateThread } from './normalize.ts'

export interface KnownPlaces {
  /** Parley's own id. */
  me: string
  /** A channel or thread. `undefined`: Discord does not say. */
  find(id: string): Promise<Place | undefined>
}

export async function changesOf(packet: GatewayDispatchPayload, { me, find }: KnownPlaces): Promise<PlaceChange[]> {
  const platform = platformName
  const all = (workspaceId: string): PlaceChange => ({ kind: 'workspaceChanged', platform, workspaceId })
  switch (packet.t) {
    case 'CHANNEL_UPDATE': {
      const {
        id: channelId,
        guild_id: workspaceId,
        name,
      } = packet.d as { id: string; guild_id?: string; name?: string }
      if (workspaceId === undefined) return []
      return [{ kind: 'changed', place: { platform, workspaceId, channelId }, name }]
    }
    case 'THREAD_UPDATE': {
      const place = await find(packet.d.id)
      if (place?.guildId === undefined || place.type !== privateThread) return []
      return [{ kind: 'changed', place: addressOf(place, place.guildId), name: place.name }]
    }
    case 'CHANNEL_DELETE':
    case 'THREAD_DELETE': {
      const { id, guild_id: workspaceId, type } = packet.d
      if (workspaceId === undefined) return []
      // The files of a thread without own readers go with its messages.
      if (packet.t === 'CHANNEL_DELETE') return [removed({ platform, workspaceId, channelId: id })]
      const { parent_id: channelId } = packet.d
      return type === privateThread && channelId ? [removed({ platform, workspaceId, channelId, threadId: id })] : []
    }
    case 'THREAD_MEMBERS_UPDATE': {
      const place = await find(packet.d.id)
      if (place === undefined || place.type !== privateThread) return []
      const address = addressOf(place, packet.d.guild_id)
      const { added_members: added = [], removed_member_ids: left = [] } = packet.d
      if (left.includes(me)) return [removed(address)]
      const joined = added.flatMap(({ user_id: id }) => (id === undefined || id === me ? [] : [id]))
      return [
        ...joined.map((account): PlaceChange => ({ kind: 'joined', place: address, account })),
        ...left.map((account): PlaceChange => ({ kind: 'left', place: address, account })),
      ]
    }
    case 'GUILD_UPDATE':
      return [all(packet.d.id)]
    case 'GUILD_ROLE_UPDATE':
    case 'GUILD_ROLE_DELETE':
      return [all(packet.d.guild_id)]
    case 'GUILD_MEMBER_UPDATE':
    case 'GUILD_MEMBER_REMOVE': {
      const { guild_id: workspaceId, user } = packet.d
      const isMe = user.id === me
      const account = { platform, workspaceId, account: user.id }
      if (packet.t === 'GUILD_MEMBER_REMOVE') return isMe ? [] : [{ kind: 'accountGone', ...account }]
      // Other roles read other channels, more or fewer. What Parley cannot see it does not know.
      return [isMe ? all(workspaceId) : { kind: 'accountChanged', ...account }]
    }
    case 'GUILD_DELETE':
      return packet.d.unavailable ? [] : [{ kind: 'workspaceRemoved', platform, workspaceId: packet.d.id }]
    case 'MESSAGE_DELETE':
    case 'MESSAGE_DELETE_BULK': {
      const messageIds = packet.t === 'MESSAGE_DELETE' ? [packet.d.id] : packet.d.ids
      return [{ kind: 'filesLeft', platform, workspaceId: packet.d.guild_id ?? directWorkspace, messageIds, left: [] }]
    }
    case 'MESSAGE_UPDATE': {
      const { id, guild_id: workspaceId = directWorkspace, edited_timestamp: at, attachments, author } = packet.d
      // Discord sends a message again without an edit, as when it has made a preview of its links.
      if (!at || attachments === undefined || author?.bot) return []
      const left = filesOf(packet.d).map((file) => file.id)
      return [{ kind: 'filesLeft', platform, workspaceId, messageIds: [id], left }]
    }
    default:
      return []
  }
}

const removed = (place: PlaceAddress): PlaceChange => ({ kind: 'removed', place })
