/** The conversations that a person had lately, for the Home tab. Each belongs to its latest question and goes with it. */
import { z } from 'zod'
import type { Records } from '../../src/core/platform-state.ts'
import type { Api } from './api.ts'
import { plain, type TargetData } from './events.ts'

export type RecentConversation = z.infer<typeof RecentConversation>
const RecentConversation = z.object({
  channel: z.string(),
  /** The message that the conversation began with, or the latest question of a direct message without threads. */
  ts: z.string(),
  title: z.string(),
  /** Milliseconds since 1970. */
  at: z.number(),
})

export const recentPrefix = 'recent/'
const most = 5
const of = (team: string, user: string) => `${recentPrefix}${team}/${user}/`
const Permalink = z.object({ permalink: z.string() })

export interface RecentConversations {
  note(data: TargetData, turnId: string): Promise<void>
  /** Newest first. Slack is asked for the link of each; one that it does not give is left out. */
  list(team: string, user: string, api: Api): Promise<(RecentConversation & { link?: string | undefined })[]>
}

export function createRecent(records: Records): RecentConversations {
  return {
    async note({ team, user, channel, thread, ts = thread, title }, turnId) {
      if (user === undefined || ts === undefined || title === undefined) return
      const key = `${of(team, user)}${channel}-${thread ?? ''}`
      await records.put(key, plain({ channel, ts: thread ?? ts, title, at: Date.now() }), { turn: turnId })
    },
    async list(team, user, api) {
      const listed = await records.list(of(team, user))
      const newest = listed
        .flatMap(({ value }) => RecentConversation.safeParse(value).data ?? [])
        .sort((a, b) => b.at - a.at)
        .slice(0, most)
      return await Promise.all(
        newest.map(async (each) => {
          const answer = await api
            .call('chat.getPermalink', { channel: each.channel, message_ts: each.ts })
            .catch(() => undefined)
          return { ...each, link: Permalink.safeParse(answer).data?.permalink }
        }),
      )
    },
  }
}
