/** The activities that Teams sends, as far as Parley reads them. Parsed once, where they arrive. */
import { z } from 'zod'
import type { Json } from '../../src/core/json.ts'
import type { ConversationRef, ReplyTarget } from '../../src/core/message.ts'
import { platformName } from './settings.ts'

/** Becomes part of URLs of the connector's API. */
const Id = z.string().regex(/^[^\s/?#\\%]{1,400}$/)

const Account = z.looseObject({
  id: z.string().min(1).max(400),
  name: z.string().nullish(),
  aadObjectId: z.string().nullish(),
})
export type Account = z.infer<typeof Account>

export const RawAttachment = z.looseObject({
  id: z.string().nullish(),
  contentType: z.string(),
  contentUrl: z.string().nullish(),
  name: z.string().nullish(),
  content: z.unknown().optional(),
})
export type RawAttachment = z.infer<typeof RawAttachment>

const Entity = z.looseObject({ type: z.string() })

export const Activity = z.looseObject({
  type: z.string(),
  /** `msteams`, or where the activity comes from instead: the web chat of the Azure portal. */
  channelId: z.string().nullish(),
  id: z.string().min(1).max(400).nullish(),
  name: z.string().nullish(),
  action: z.string().nullish(),
  timestamp: z.string().nullish(),
  locale: z.string().nullish(),
  serviceUrl: z.string(),
  from: Account,
  recipient: Account.nullish(),
  conversation: z.looseObject({
    id: Id,
    conversationType: z.string().nullish(),
    tenantId: z.string().nullish(),
    isGroup: z.boolean().nullish(),
  }),
  text: z.string().nullish(),
  textFormat: z.string().nullish(),
  attachments: z.array(RawAttachment).nullish(),
  entities: z.array(Entity).nullish(),
  replyToId: z.string().max(400).nullish(),
  value: z.unknown().optional(),
  membersAdded: z.array(Account).nullish(),
  membersRemoved: z.array(Account).nullish(),
  channelData: z
    .looseObject({
      eventType: z.string().nullish(),
      tenant: z.looseObject({ id: z.string().nullish() }).nullish(),
      team: z.looseObject({ id: z.string().nullish(), aadGroupId: z.string().nullish() }).nullish(),
      teamsTeamId: z.string().nullish(),
      /** Of an event about a channel: that channel, while the conversation is the team's first one. */
      channel: z.looseObject({ id: Id.nullish(), name: z.string().nullish(), type: z.string().nullish() }).nullish(),
      /** The channel that was chosen when the app was added to a team. */
      settings: z.looseObject({ selectedChannel: z.looseObject({ id: Id }).nullish() }).nullish(),
    })
    .nullish(),
})
export type Activity = z.infer<typeof Activity>

/** What a worker needs to answer in a conversation. It contains no secrets. */
export type TargetData = z.infer<typeof TargetData>
export const TargetData = z.object({
  serviceUrl: z.string(),
  /** Includes the thread, if there is one: `19:…@thread.tacv2;messageid=…`. */
  conversation: Id,
  scope: z.enum(['personal', 'groupChat', 'channel']),
  tenant: z.string(),
  bot: z.string().optional(),
  user: z.string().optional(),
  /** The team's ID in the connector, and its group ID in Graph. */
  team: z.object({ id: z.string(), group: z.string().optional() }).optional(),
})

export type Scope = TargetData['scope']

const MentionEntity = z.looseObject({
  type: z.literal('mention'),
  text: z.string().nullish(),
  mentioned: z.looseObject({ id: z.string(), name: z.string().nullish() }),
})

export interface Mention {
  id: string
  name: string
  /** As written in the text, `<at>Parley</at>`. */
  text: string
}

export function mentionsOf({ entities }: Activity): Mention[] {
  return (entities ?? []).flatMap((entity) => {
    const parsed = MentionEntity.safeParse(entity)
    if (!parsed.success) return []
    const { mentioned, text } = parsed.data
    const name = mentioned.name ?? ''
    return [{ id: mentioned.id, name, text: text ?? `<at>${name}</at>` }]
  })
}

export function scopeOf({ conversation: { conversationType: type, id, isGroup } }: Activity): Scope {
  if (type === 'personal' || type === 'groupChat' || type === 'channel') return type
  if (/@thread\.(?:tacv2|skype)/.test(id)) return 'channel'
  if (id.includes('@thread.v2')) return 'groupChat'
  return isGroup === true ? 'groupChat' : 'personal'
}

export function tenantOf({ conversation, channelData }: Activity): string | undefined {
  return conversation.tenantId ?? channelData?.tenant?.id ?? undefined
}

/** Each thread of a channel is a separate conversation; its ID follows `;messageid=`. */
export function placeOf(activity: Activity): ReplyTarget {
  const { conversation, serviceUrl, recipient, from, channelData } = activity
  const scope = scopeOf(activity)
  const tenant = tenantOf(activity) ?? 'unknown'
  const [channelId = '', thread] = conversation.id.split(';messageid=')
  // The first message of a thread may lack the thread's ID, which equals its own.
  const threadId = scope === 'channel' ? (thread ?? activity.replyToId ?? activity.id ?? undefined) : undefined
  const ref: ConversationRef = {
    platform: platformName,
    workspaceId: tenant,
    channelId,
    threadId,
  }
  const team = channelData?.team?.id ?? channelData?.teamsTeamId ?? undefined
  const group = channelData?.team?.aadGroupId ?? undefined
  const data: TargetData = {
    serviceUrl: serviceUrl.replace(/\/+$/, ''),
    scope,
    tenant,
    user: from.id,
    conversation: threadId === undefined ? channelId : `${channelId};messageid=${threadId}`,
    bot: recipient ? recipient.id : undefined,
    team: team === undefined ? undefined : { id: team, group },
  }
  return { conversation: ref, data: plain(data) }
}

/** The same for every delivery of an activity and for edits of a message. */
export function eventId({ conversation, id }: Activity): string {
  return `${conversation.id}#${id ?? ''}`
}

/** The first is `eventId`. A thread's first message is also known without its thread, because Teams may leave that out. */
export function eventIds(activity: Activity): [string, ...string[]] {
  const { conversation, id } = activity
  const [channel = '', root] = conversation.id.split(';messageid=')
  const own = eventId(activity)
  if (scopeOf(activity) !== 'channel' || (root !== undefined && root !== id)) return [own]
  return [own, root === undefined ? `${channel};messageid=${id ?? ''}#${id ?? ''}` : `${channel}#${id ?? ''}`]
}

/** JSON without undefined values. */
export function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
