/** Microsoft Graph URLs: a message with its files, and the content of a file. */
import { z } from 'zod'
import type { TargetData } from './activity.ts'
import { graphUrlOf, type TeamsSettings } from './settings.ts'

export const GraphMessage = z.object({
  attachments: z
    .array(
      z.object({
        id: z.string(),
        contentType: z.string(),
        contentUrl: z.string().nullish(),
        name: z.string().nullish(),
      }),
    )
    .default([]),
})
export type GraphMessage = z.infer<typeof GraphMessage>

/** `undefined` if the event does not name its team. */
export function messageUrl(
  settings: TeamsSettings,
  data: TargetData,
  id: string,
  group: string | undefined,
): string | undefined {
  const [channel = '', root] = data.conversation.split(';messageid=')
  const base = `${graphUrlOf(settings)}/v1.0`
  const part = encodeURIComponent
  if (data.scope !== 'channel') return `${base}/chats/${part(channel)}/messages/${part(id)}`
  if (group === undefined) return undefined
  const thread = `${base}/teams/${part(group)}/channels/${part(channel)}/messages/${part(root ?? id)}`
  return root === undefined || root === id ? thread : `${thread}/replies/${part(id)}`
}

/** The content of a file, by the web address that people see: https://learn.microsoft.com/graph/api/shares-get */
export function shareUrl(settings: TeamsSettings, address: string): string {
  return `${graphUrlOf(settings)}/v1.0/shares/u!${Buffer.from(address).toString('base64url')}/driveItem/content`
}
