/** Who reads a chat or a channel, from Microsoft Graph. */
import type { Graph, GraphPlace, Member } from './graph.ts'

export interface Readers {
  /** By object ID in the directory, in lower case. `since`, in milliseconds: what they see begins then. */
  readers: Map<string, Member & { since: number }>
  /** Nobody else reads it. */
  areAll: boolean
}

/** Graph may list no more members of a channel than this, without a word. Larger rooms count as not known. */
const mostMembers = 999

/**
 * Of a shared channel, `allMembers` has those who come with other teams, too; Graph lists none for an app with consent for one
 * team, so that nobody is known to read it. https://learn.microsoft.com/graph/api/channel-list-allmembers
 */
export async function readersOf(graph: Graph, place: GraphPlace, signal: AbortSignal): Promise<Readers> {
  const isChat = place.group === undefined
  const readers: Readers['readers'] = new Map()
  let areAll = true
  const url = `${graph.placeUrl(place)}/${isChat ? 'members' : 'allMembers'}`
  const permission = isChat ? 'ChatMember.Read.Chat' : 'ChannelMember.Read.Group'
  for await (const member of graph.members(url, { permission, signal })) {
    // Everyone in a channel sees all of it.
    const since = isChat ? member.visibleSince : Number.NEGATIVE_INFINITY
    if (member.id === undefined) areAll = false
    else readers.set(member.id, { ...member, since: since ?? Number.POSITIVE_INFINITY })
    if (readers.size >= mostMembers) return { readers, areAll: false }
  }
  return { readers, areAll: areAll && readers.size > 0 }
}
