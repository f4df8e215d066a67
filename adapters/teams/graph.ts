/** Messages and members of chats and channels, from Microsoft Graph. */
import { z } from 'zod'
import { RawAttachment } from './activity.ts'
import type { Tokens } from './auth.ts'
import { type Content, contentOf, Sender } from './content.ts'
import { guardedFetch, type Hosts } from './hosts.ts'
import {
  type graphPermissions,
  graphScopeOf,
  graphUrlOf,
  type resourcePermissions,
  type TeamsSettings,
} from './settings.ts'

export type Permission = keyof typeof resourcePermissions | keyof typeof graphPermissions

/** Graph answers no: the app lacks the permission, it is not in the team or the chat, or there is no such message. */
export class Forbidden extends Error {
  readonly permission: Permission

  constructor(message: string, permission: Permission) {
    super(message)
    this.permission = permission
  }
}

/** `permission`: the one that the call needs. */
export interface Reading {
  permission: Permission
  signal: AbortSignal
}

const OneMessage = z.looseObject({
  id: z.string(),
  messageType: z.string().nullish(),
  createdDateTime: z.string(),
  lastModifiedDateTime: z.string().nullish(),
  deletedDateTime: z.string().nullish(),
  subject: z.string().nullish(),
  from: Sender,
  body: z.looseObject({ contentType: z.string().nullish(), content: z.string().nullish() }).nullish(),
  attachments: z.array(RawAttachment).nullish(),
})
export type GraphMessage = z.infer<typeof GraphMessage>
/** `replies`: of the first message of a thread, if they were asked for. */
export const GraphMessage = OneMessage.extend({ replies: z.array(OneMessage).nullish() })

/** https://learn.microsoft.com/graph/api/resources/aaduserconversationmember */
const Member = z.looseObject({
  userId: z.string(),
  tenantId: z.string().nullish(),
  displayName: z.string().nullish(),
  roles: z.array(z.string()).nullish(),
  /** Of a chat. `0001-01-01T00:00:00Z`: the whole chat. */
  visibleHistoryStartDateTime: z.iso.datetime({ offset: true }).nullish(),
})

export interface Member {
  /** Object ID in the directory, in lower case. Absent: nobody of a directory, such as an anonymous guest. */
  id?: string | undefined
  /** In milliseconds: what the member sees begins then. Absent: that is not known. */
  visibleSince?: number | undefined
  name?: string | undefined
  tenant?: string | undefined
  isGuest: boolean
}

/** https://learn.microsoft.com/graph/api/resources/driveitem */
export type DriveItem = z.infer<typeof DriveItem>
export const DriveItem = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  size: z.number().nullish(),
  webUrl: z.string().nullish(),
  lastModifiedDateTime: z.string().nullish(),
  lastModifiedBy: z
    .looseObject({ user: z.looseObject({ id: z.string().nullish(), displayName: z.string().nullish() }).nullish() })
    .nullish(),
  parentReference: z.looseObject({ driveId: z.string().nullish() }).nullish(),
  /** Absent: it is a folder or a notebook. */
  file: z.looseObject({ mimeType: z.string().nullish() }).nullish(),
})

/** A channel, if its team's group is known, or a chat. */
export interface GraphPlace {
  id: string
  group?: string | undefined
}

const Page = z.looseObject({ value: z.array(z.unknown()), '@odata.nextLink': z.string().nullish() })

export interface Graph {
  /** Of version 1.0, without a slash at its end. */
  root: string
  /** The URL of a chat or a channel. */
  placeUrl(place: GraphPlace): string
  /** Throws `Forbidden`, or another error where Graph fails. */
  message(url: string, reading: Reading): Promise<GraphMessage>
  /** `more`: there are older ones. The first page must succeed; the newest messages are worth more than none. */
  messages(
    url: string,
    options: Reading & { since?: number | undefined; pages: number },
  ): Promise<{ messages: GraphMessage[]; more: boolean }>
  /** Page by page. Throws as `message`. */
  members(url: string, reading: Reading): AsyncGenerator<Member>
  /** A file or a folder. Throws as `message`. */
  driveItem(url: string, reading: Reading): Promise<DriveItem>
  /** What is in a folder, page by page. Throws as `message`. */
  driveItems(url: string, reading: Reading): AsyncGenerator<DriveItem>
}

export function createGraph(deps: { settings: TeamsSettings; tokens: Tokens; hosts: Hosts }): Graph {
  const { settings, tokens, hosts } = deps
  const tokenFor = async (url: string) => (hosts.isGraph(url) ? await tokens.get(graphScopeOf(settings)) : undefined)

  async function get(url: string, { permission, signal }: Reading): Promise<unknown> {
    const response = await guardedFetch(url, { signal }, { hosts, tokenFor })
    if (response.ok) return await response.json()
    await response.body?.cancel()
    if ([401, 403, 404].includes(response.status)) throw new Forbidden(`Graph answered ${response.status}`, permission)
    throw new Error(`Graph answered ${response.status}`)
  }

  async function* entries(url: string, reading: Reading): AsyncGenerator<unknown> {
    for (let next: string | undefined = url; next !== undefined; ) {
      const page: z.infer<typeof Page> = Page.parse(await get(next, reading))
      yield* page.value
      next = page['@odata.nextLink'] ?? undefined
    }
  }

  const root = `${graphUrlOf(settings)}/v1.0`

  return {
    root,

    placeUrl: ({ id, group }) =>
      group === undefined
        ? `${root}/chats/${encodeURIComponent(id)}`
        : `${root}/teams/${encodeURIComponent(group)}/channels/${encodeURIComponent(id)}`,

    message: async (url, reading) => GraphMessage.parse(await get(url, reading)),

    /**
     * Graph lists the latest changed first: "$orderby currently supports lastModifiedDateTime (default)", in descending order
     * (https://learn.microsoft.com/graph/api/chat-list-messages); lists of channels take no $orderby and have the same order
     * (https://learn.microsoft.com/answers/questions/5558839). So an old message with a new reaction comes early, and all that
     * was written since a moment comes before the first message that was not changed since then.
     */
    async messages(url, { since, pages, ...reading }) {
      const messages: GraphMessage[] = []
      let next: string | undefined = url
      for (let page = 0; page < pages && next !== undefined; page += 1) {
        const answer: unknown = await get(next, reading).catch((error: unknown) => {
          if (page === 0) throw error
          return undefined
        })
        if (answer === undefined) break
        const { value, '@odata.nextLink': link } = Page.parse(answer)
        const found = value.flatMap((each) => GraphMessage.safeParse(each).data ?? [])
        messages.push(...found)
        const reached = since !== undefined && found.some((each) => changedAt(each) <= since)
        next = reached ? undefined : (link ?? undefined)
      }
      return { messages, more: next !== undefined }
    },

    /** https://learn.microsoft.com/graph/api/chat-list-members, https://learn.microsoft.com/graph/api/channel-list-allmembers */
    async *members(url, reading) {
      for await (const each of entries(url, reading)) {
        const member = Member.safeParse(each).data
        const start = member?.visibleHistoryStartDateTime
        yield {
          id: member?.userId.toLowerCase(),
          visibleSince: start ? Date.parse(start) : undefined,
          name: member?.displayName || undefined,
          tenant: member?.tenantId?.toLowerCase(),
          isGuest: member?.roles?.some((role) => role.toLowerCase() === 'guest') === true,
        }
      }
    },

    driveItem: async (url, reading) => DriveItem.parse(await get(url, reading)),

    async *driveItems(url, reading) {
      for await (const each of entries(url, reading)) {
        const item = DriveItem.safeParse(each).data
        if (item !== undefined) yield item
      }
    },
  }
}

const changedAt = ({ lastModifiedDateTime, createdDateTime }: GraphMessage) =>
  Date.parse(lastModifiedDateTime ?? createdDateTime)

/** Not what Teams says itself ("Ann added Bob"), and not what was deleted. */
export const isWritten = ({ messageType, deletedDateTime }: GraphMessage): boolean =>
  (messageType ?? 'message') === 'message' && !deletedDateTime

export function contentIn({
  subject,
  body,
  attachments,
}: Pick<GraphMessage, 'subject' | 'body' | 'attachments'>): Content {
  const content = body?.content ?? ''
  return contentOf({ subject, attachments, ...(body?.contentType === 'text' ? { plain: content } : { html: content }) })
}
