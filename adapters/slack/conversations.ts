/** What Slack tells of its conversations and of their members. */
import { z } from 'zod'
import type { CallOptions } from './api.ts'
import type { Workspace } from './installations.ts'

/** https://docs.slack.dev/reference/objects/conversation-object */
export type Conversation = z.infer<typeof Conversation>
export const Conversation = z.object({
  id: z.string(),
  name: z.string().nullish(),
  is_im: z.boolean().nullish(),
  is_mpim: z.boolean().nullish(),
  is_private: z.boolean().nullish(),
  /** Shared with another organization, or soon. */
  is_ext_shared: z.boolean().nullish(),
  is_pending_ext_shared: z.boolean().nullish(),
  /** Shared with other workspaces of the organization. */
  is_org_shared: z.boolean().nullish(),
  /** The workspaces that the channel belongs to. The token of an organization finds channels of all its workspaces. */
  shared_team_ids: z.array(z.string()).nullish(),
  /** Of a direct message. */
  user: z.string().nullish(),
})

const Info = z.object({ channel: Conversation })
const Cursor = z.object({ next_cursor: z.string().nullish() }).nullish()
const Members = z.object({ members: z.array(z.string()).default([]), response_metadata: Cursor })
const Listed = z.object({ channels: z.array(Conversation), response_metadata: Cursor })
/** https://docs.slack.dev/reference/methods/users.conversations */
const perPage = 999

/** Throws `platform_*`. */
export async function conversation({ api }: Workspace, channel: string, options: CallOptions): Promise<Conversation> {
  return Info.parse(await api.call('conversations.info', { channel }, options)).channel
}

export interface MemberList {
  ids: Set<string>
  /** There are no others. */
  complete: boolean
}

/** The accounts in a conversation, apps included, until there are `most`. Throws `platform_*`. */
export async function membersOf(
  { api }: Workspace,
  channel: string,
  most: number,
  options: CallOptions,
): Promise<MemberList> {
  const ids = new Set<string>()
  let cursor: string | undefined
  do {
    const answer = Members.parse(await api.call('conversations.members', { channel, limit: perPage, cursor }, options))
    for (const id of answer.members) ids.add(id)
    cursor = answer.response_metadata?.next_cursor || undefined
  } while (cursor !== undefined && ids.size < most)
  return { ids, complete: cursor === undefined }
}

const kinds = { public_channel: 'channels:read', private_channel: 'groups:read', mpim: 'mpim:read' }
const mostPages = 5

/**
 * The channels and group messages that the app is in, or that somebody is in and the app can see. Of very many, the first ones.
 * Throws `platform_*`.
 */
export async function conversationsOf(
  { api, teamId: own, scopes }: Workspace,
  teamId: string,
  user: string | undefined,
  options: CallOptions,
): Promise<Map<string, Conversation>> {
  const types = Object.entries(kinds).flatMap(([type, scope]) =>
    scopes.length === 0 || scopes.includes(scope) ? [type] : [],
  )
  // A token of an organization must name the workspace.
  const args = { user, types: types.join(','), limit: perPage, team_id: own === undefined ? teamId : undefined }
  const found = new Map<string, Conversation>()
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page += 1) {
    const answer = Listed.parse(await api.call('users.conversations', { ...args, cursor }, options))
    for (const channel of answer.channels) found.set(channel.id, channel)
    cursor = answer.response_metadata?.next_cursor || undefined
    if (cursor === undefined) break
  }
  return found
}
