/** Files of a channel or a chat that were not sent to Parley, from Microsoft Graph. */
import { ParleyError } from '../../src/core/errors.ts'
import { newestFiles, type PlaceAddress, type PlaceFiles, type PostedFile } from '../../src/core/place.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { plain } from './activity.ts'
import type { Api } from './api.ts'
import type { Found } from './attachments.ts'
import { nameOf } from './content.ts'
import { contentIn, type DriveItem, Forbidden, type Graph, type GraphMessage, isWritten } from './graph.ts'
import type { KnownPlace, KnownPlaces } from './known-places.ts'
import type { TeamsSettings } from './settings.ts'

export interface PlaceFilesDeps {
  settings: TeamsSettings
  api: Pick<Api, 'group'>
  graph: Graph
  known: Pick<KnownPlaces, 'find'>
}

/** Graph's limit. */
const pageSize = 50
/** Of messages: what was posted lately, not a whole history. */
const mostPages = 10
/** Of a folder. */
const mostItems = 5000

const { files: wording } = teamsWording

export function createPlaceFiles({ settings, api, graph, known }: PlaceFilesDeps): PlaceFiles {
  async function inPlace(place: PlaceAddress, list: (known: KnownPlace) => Promise<PostedFile[]>) {
    const found = await known.find(place)
    if (found === undefined) throw new ParleyError('platform_rejected', wording.unknownPlace)
    try {
      return await list(found)
    } catch (error) {
      if (error instanceof ParleyError) throw error
      if (error instanceof Forbidden)
        throw new ParleyError('platform_rejected', wording.notListed(error.permission), { cause: error })
      throw new ParleyError('platform_unreachable', chatWording.unreachable('Teams'), { cause: error })
    }
  }

  async function channelUrl({ at }: KnownPlace, permission: Forbidden['permission']): Promise<string> {
    const group = await api.group(at)
    if (group === undefined) throw new Forbidden('the team is not known', permission)
    return graph.placeUrl({ id: at.conversation, group })
  }

  /** Not its subfolders: those may be open to fewer people than the channel. */
  async function inFolder(place: KnownPlace, limit: number, signal: AbortSignal): Promise<PostedFile[]> {
    const reading = { permission: 'Files.Read.All', signal } as const
    const folder = await graph.driveItem(`${await channelUrl(place, reading.permission)}/filesFolder`, reading)
    const drive = encodeURIComponent(folder.parentReference?.driveId ?? '')
    const urlOf = ({ id }: DriveItem) => `${graph.root}/drives/${drive}/items/${encodeURIComponent(id)}`
    const items: DriveItem[] = []
    for await (const item of graph.driveItems(`${urlOf(folder)}/children`, reading)) {
      if (item.file) items.push(item)
      if (items.length >= mostItems) break
    }
    return newestFiles(
      items.map((item) => ({
        attachment: {
          id: `${drive}/${item.id}`,
          name: item.name ?? item.id,
          mediaType: item.file?.mimeType ?? 'application/octet-stream',
          bytes: item.size ?? undefined,
          link: item.webUrl ?? undefined,
          voiceNote: false,
          locator: { kind: 'graph', url: `${urlOf(item)}/content` },
        },
        messageId: `${drive}/${item.id}`,
        account: item.lastModifiedBy?.user?.id ?? undefined,
        by: item.lastModifiedBy?.user?.displayName ?? undefined,
        at: new Date(item.lastModifiedDateTime ?? 0).toISOString(),
      })),
      limit,
    )
  }

  async function inMessages(place: KnownPlace, limit: number, signal: AbortSignal): Promise<PostedFile[]> {
    const { conversation, scope } = place.at
    const isChat = scope === 'groupChat'
    const permission = isChat ? 'ChatMessage.Read.Chat' : 'ChannelMessage.Read.Group'
    const url = isChat ? graph.placeUrl({ id: conversation }) : await channelUrl(place, permission)
    const query = `$top=${pageSize}${isChat ? '' : '&$expand=replies'}`
    const posted: PostedFile[] = []
    // Those who were added to a chat see it since a moment that may be before Parley came, and nobody knows of each file who sees it.
    const since = isChat ? place.since : undefined
    const { messages } = await graph.messages(`${url}/messages?${query}`, {
      since,
      pages: mostPages,
      permission,
      signal,
    })
    for (const root of messages)
      for (const message of [root, ...(root.replies ?? [])])
        if (since === undefined || Date.parse(message.createdDateTime) >= since)
          posted.push(...filesOf(message, isChat ? conversation : `${conversation};messageid=${root.id}`))
    return newestFiles(posted, limit)
  }

  function filesOf(message: GraphMessage, conversation: string): PostedFile[] {
    const isOwn = settings.clientId !== undefined && message.from?.application?.id === settings.clientId
    if (isOwn || !isWritten(message)) return []
    // As the same message has it when Teams delivers it.
    const messageId = `${conversation}#${message.id}`
    return contentIn(message).files.flatMap((file, index) => {
      const locator = lastingOf(file)
      if (locator === undefined) return []
      const { name, mediaType, durationMs } = file
      const link = locator.kind === 'share' ? locator.url : undefined
      const id = `${messageId}/${index}`
      return {
        attachment: { id, name, mediaType, durationMs, link, voiceNote: false, locator: plain(locator) },
        messageId,
        account: message.from?.user?.id ?? undefined,
        by: nameOf(message.from),
        at: new Date(message.createdDateTime).toISOString(),
      }
    })
  }

  return {
    pinned: (place, { limit, signal }) =>
      inPlace(place, async (found) => {
        if (found.at.scope === 'groupChat') throw new ParleyError('platform_rejected', wording.noFolder)
        return await inFolder(found, limit, signal)
      }),
    recent: (place, { limit, signal }) => inPlace(place, (found) => inMessages(found, limit, signal)),
  }
}

/** Addresses for downloads expire in minutes. */
const lastingOf = ({ source }: Found) => (source.kind === 'download' || source.kind === 'placed' ? undefined : source)
