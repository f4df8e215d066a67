/**
 * Places: where files are shared and answers are read. A channel with its threads is one place; a direct chat, a group chat and a thread
 * with readers of its own are places, too. Who can read a place decides what an answer in another place may rest on.
 */
import { z } from 'zod'
import { memoryWording } from '../wording/search.ts'
import { type Attachment, conversationKey, type IncomingMessage } from './message.ts'

export type PlaceKind = z.infer<typeof PlaceKind>
export const PlaceKind = z.enum([
  /** One person and Parley. */
  'direct',
  /** A chat of several people without a channel. */
  'group',
  /** A channel that only its members can read. */
  'private',
  /** A channel that every full member of the workspace can read. */
  'public',
  /** A channel that is shared with another organization. */
  'external',
  /** What an admin made known by `/parley learn`; its grants say who can read it. */
  'collection',
])

/** A place as the platform names it. */
export interface PlaceAddress {
  platform: string
  workspaceId: string
  channelId: string
  /** Only of a thread with readers of its own. */
  threadId?: string | undefined
}

/** Where a message was written. */
export function placeOf({ conversation, ownPlace }: Pick<IncomingMessage, 'conversation' | 'ownPlace'>): PlaceAddress {
  return ownPlace === true ? conversation : { ...conversation, threadId: undefined }
}

/** The one string for a place, such as `slack/T1/C1`. */
export const placeKey: (address: PlaceAddress) => string = conversationKey

/** The place of a `placeKey`. */
export function placeFrom(key: string): PlaceAddress {
  const [platform = '', workspaceId = '', channelId = '', threadId] = key.split('/').map(decodeURIComponent)
  return { platform, workspaceId, channelId, threadId }
}

/** How people call a place; nothing where it has no name. */
export function placeName({ kind, name }: { kind: PlaceKind; name: string | undefined }): string | undefined {
  if (kind === 'direct') return memoryWording.direct
  if (name === undefined) return undefined
  return kind === 'collection' ? memoryWording.collection(name) : kind === 'group' ? name : memoryWording.channel(name)
}

/** What the platform says of a place at this moment. */
export interface PlaceFacts {
  kind: Exclude<PlaceKind, 'collection'>
  /** As people see it, without `#`. */
  name?: string | undefined
  /** The accounts (`Author.id`) of everybody who can read it, people only. Absent: not known, or more than `mostMembers`. */
  members?: readonly string[] | undefined
  /** Whether a guest or somebody of another organization can read it. Absent: not known. */
  outsiders?: boolean | undefined
  /**
   * Where the platform names its readers by groups of the workspace, such as roles: exactly those who are in one of these can read it, and
   * those who can read everything there. So a place whose groups are all among those of another one has no reader more. Absent: not known,
   * or not so simple.
   */
  groups?: readonly string[] | undefined
}

/** The most members of a place that are compared with those of another one. */
export const mostMembers = 1_000

/**
 * Asks a platform who can read a place, now. Both calls are answered from the platform's servers, not from a cache older than some
 * seconds; whatever is not known for sure counts as "no". Calls with the same signal belong to one search: what was asked for one of them
 * may serve the others.
 */
export interface Places {
  /** `null`: there is no such place, or Parley cannot see it. Throws `platform_*` where the platform does not answer. */
  look(place: PlaceAddress, options: { signal: AbortSignal }): Promise<PlaceFacts | null>
  /** Whether this account can read the place. Throws as `look`. */
  canRead(place: PlaceAddress, account: string, options: { signal: AbortSignal }): Promise<boolean>
}

/** The newest first, at most `limit`. */
export const newestFiles = (files: readonly PostedFile[], limit: number): PostedFile[] =>
  files.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, limit)

/** A file that somebody posted in a place, not to Parley. */
export interface PostedFile {
  attachment: Attachment
  /** The platform's id of the message, as in `IncomingMessage.id`. */
  messageId: string
  /** Who posted it, as in `Author.id`, where the platform tells. */
  account?: string | undefined
  /** The name that people see. */
  by?: string | undefined
  /** ISO 8601, by the platform's clock. */
  at: string
}

/** Files of a place that were not sent to Parley. Both throw `platform_*`. */
export interface PlaceFiles {
  /** Those of its pinned messages, or of its folder where the platform has one; the newest first. */
  pinned(place: PlaceAddress, options: { limit: number; signal: AbortSignal }): Promise<PostedFile[]>
  /** Those that were posted there lately, the newest first. */
  recent(place: PlaceAddress, options: { limit: number; signal: AbortSignal }): Promise<PostedFile[]>
}

/** What a platform's event says of the readers of a place. */
export type PlaceChange =
  /** An account joined or left a place, or was removed from it. */
  | { kind: 'joined' | 'left'; place: PlaceAddress; account: string }
  /** It was made private or public, archived, shared with another organization, renamed (`name`), or its permissions changed: ask again. */
  | { kind: 'changed'; place: PlaceAddress; name?: string | undefined }
  /** Roles or permissions of a whole workspace changed, or somebody became a guest: ask again for each of its places. */
  | { kind: 'workspaceChanged'; platform: string; workspaceId: string }
  /** The account was deactivated, left or was removed from the workspace. */
  | { kind: 'accountGone'; platform: string; workspaceId: string; account: string }
  /**
   * Roles of the account changed: ask again what it can read. Only where readers of places are told by groups (`PlaceFacts.groups`) and
   * never by members, so that nothing else is known of it.
   */
  | { kind: 'accountChanged'; platform: string; workspaceId: string; account: string }
  /** Parley was removed from the place, or the place was deleted: nothing that was shared there is kept. */
  | { kind: 'removed'; place: PlaceAddress }
  /** Parley was removed from the workspace. */
  | { kind: 'workspaceRemoved'; platform: string; workspaceId: string }
  /** A file was deleted on the platform: `attachmentId` as in `Attachment.id`. */
  | { kind: 'fileDeleted'; platform: string; workspaceId: string; attachmentId: string }
  /** Messages were deleted or edited: of all their files (`Attachment.messageId`) only `left` are still there. */
  | { kind: 'filesLeft'; platform: string; workspaceId: string; messageIds: readonly string[]; left: readonly string[] }
