/**
 * Who is where in the simulated Teams, as the connector tells it, and the folders of channels, as Graph tells them.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/get-teams-context,
 * https://learn.microsoft.com/graph/api/channel-get-filesfolder, https://learn.microsoft.com/graph/api/driveitem-list-children
 * Different from the real one: everyone is a member everywhere, unless `rosters` says otherwise.
 */
import type { Person, SharedFile } from './teams.ts'
import type { Refusal } from './teams-state.ts'

export interface Channel {
  id: string
  /** The first channel of a team has no name here. */
  name: string | null
  type?: 'standard' | 'private' | 'shared'
}

interface FolderItem {
  /** Absent: it is a folder. */
  file?: SharedFile
  name: string
  by: string
  /** ISO 8601. */
  changed: string
}

const drive = 'b!drive-of-the-team'
const itemsPerPage = 2
const missing = (message: string): Refusal => ({ status: 404, code: 'NotFound', message })

interface PlacesDeps {
  tenant: string
  people: ReadonlyMap<string, Person>
  consent: { files: boolean }
}

export function createTeamsPlaces({ tenant, people, consent }: PlacesDeps) {
  /** By conversation, and by team: who is in it. */
  const rosters = new Map<string, readonly Person[]>()
  /** Conversations that Parley is not in. */
  const closed = new Set<string>()
  const channels: Channel[] = [{ id: '19:sales@thread.tacv2', name: 'Sales & Co' }]
  /** By channel. */
  const folders = new Map<string, FolderItem[]>()
  /** The connector's paths that Parley asked for, in order. */
  const asked: string[] = []

  const inPlace = (id: string) => rosters.get(id) ?? [...people.values()]

  /** `undefined`: the path is about something else. */
  function connector(path: string, url: URL): object | Refusal | undefined {
    const [, team, list] = /^teams\/([^/]+)(\/conversations)?$/.exec(path) ?? []
    if (team !== undefined && list === undefined) return { id: team, name: 'The team', aadGroupId: 'group-1' }
    if (team !== undefined) asked.push(path)
    if (team !== undefined) return { conversations: [{ id: team, name: null }, ...channels] }
    const [, id = '', paged, member] = /^conversations\/([^/]+)\/(?:(pagedMembers)|members\/(.+))$/.exec(path) ?? []
    if (paged === undefined && member === undefined) return undefined
    asked.push(path)
    const [conversation = ''] = id.split(';messageid=')
    if (closed.has(conversation))
      return {
        status: 403,
        code: 'BotNotInConversationRoster',
        message: 'The bot is not part of the conversation roster.',
      }
    const found = inPlace(conversation)
    if (member !== undefined) {
      const person = found.find((each) => each.id === member || each.aadObjectId === member)
      return person === undefined
        ? { status: 404, code: 'MemberNotFoundInConversation', message: 'Member not found.' }
        : { tenantId: tenant, userRole: 'user', ...person }
    }
    const size = Math.min(Math.max(Number(url.searchParams.get('pageSize') ?? 200), 50), 500)
    const from = Number(url.searchParams.get('continuationToken') ?? 0)
    const page = found.slice(from, from + size).map(({ aadObjectId: objectId, ...person }) => ({
      tenantId: tenant,
      userRole: 'user',
      objectId,
      ...person,
    }))
    return { members: page, ...(from + size < found.length && { continuationToken: String(from + size) }) }
  }

  /** `undefined`: the path is about something else. */
  function graph(path: string, url: URL): object | Refusal | undefined {
    const [, channel] = /^teams\/group-1\/channels\/([^/]+)\/filesFolder$/.exec(path) ?? []
    const [, folder] = new RegExp(`^drives/${drive}/items/folder-of-([^/]+)/children$`).exec(path) ?? []
    if (channel === undefined && folder === undefined) return undefined
    if (!consent.files) return { status: 403, code: 'accessDenied', message: 'Access denied' }
    if (channel !== undefined)
      return {
        id: `folder-of-${channel}`,
        name: 'General',
        parentReference: { driveId: drive, driveType: 'documentLibrary' },
        folder: { childCount: folders.get(channel)?.length ?? 0 },
      }
    const items = folders.get(folder ?? '')
    if (items === undefined) return missing('no such folder')
    const from = Number(url.searchParams.get('$skiptoken') ?? 0)
    const next = new URL(url)
    next.searchParams.set('$skiptoken', String(from + itemsPerPage))
    return {
      value: items.slice(from, from + itemsPerPage).map(({ file, name, by, changed }) => ({
        id: file?.id ?? `folder-${name}`,
        name,
        webUrl: `https://contoso.sharepoint.com/sites/team/Shared%20Documents/${name}`,
        lastModifiedDateTime: changed,
        lastModifiedBy: { user: { displayName: by } },
        parentReference: { driveId: drive },
        ...(file === undefined
          ? { folder: { childCount: 1 } }
          : { size: file.content.length, file: { mimeType: 'text/plain' } }),
      })),
      ...(from + itemsPerPage < items.length && { '@odata.nextLink': next.href }),
    }
  }

  /** The ID of the file whose content is asked for. */
  const contentIn = (path: string) => new RegExp(`^drives/${drive}/items/([^/]+)/content$`).exec(path)?.[1]

  return { rosters, closed, channels, folders, asked, connector, graph, contentIn }
}
