/** Names for the ids in messages: people, channels and user groups. What Slack does not tell in time stays without one. */
import { z } from 'zod'
import type { CallOptions } from './api.ts'
import { createCache } from './cache.ts'
import type { Self } from './events.ts'
import type { Workspace } from './installations.ts'
import { type Names, referencesIn } from './mrkdwn.ts'
import type { People } from './people.ts'
import { slackCode } from './sdk.ts'

export interface NameLookUp {
  /** The names behind all ids in a payload, by id. */
  namesIn(payload: unknown, self: Self, workspace: Workspace, options: CallOptions): Promise<Names>
}

const Channel = z.object({
  channel: z.object({ name: z.string().nullish(), is_private: z.boolean().nullish(), is_im: z.boolean().nullish() }),
})
const Groups = z.object({ usergroups: z.array(z.object({ id: z.string(), handle: z.string() })) })

const freshMs = 600_000
const maxKnown = 5000
/** The most look-ups for one message, of people and of channels. */
const mostPeople = 40
const mostChannels = 10

export function createNames(people: People): NameLookUp {
  const channels = createLookUps<string | undefined>()
  const groups = createLookUps<Names>()

  /** Names of private channels are for their members. */
  async function channelName(id: string, { teamId }: Self, { api }: Workspace, options: CallOptions) {
    return await channels(`${teamId}/${id}`, async () => {
      const { channel } = Channel.parse(await api.call('conversations.info', { channel: id }, options))
      return channel.is_private || channel.is_im ? undefined : (channel.name ?? undefined)
    })
  }

  async function groupNames({ teamId }: Self, { api }: Workspace, options: CallOptions): Promise<Names> {
    const found = await groups(teamId, async () => {
      const { usergroups } = Groups.parse(await api.call('usergroups.list', {}, options))
      return new Map(usergroups.map(({ id, handle }) => [id, handle]))
    })
    return found ?? new Map()
  }

  return {
    async namesIn(payload, self, workspace, options) {
      const ids = referencesIn(payload)
      const asked = ids.people.filter((id) => id !== self.botUserId).slice(0, mostPeople)
      const named = await Promise.all([
        ...asked.map(async (id) => [id, (await people.person(workspace, self, id)).name] as const),
        ...ids.channels
          .slice(0, mostChannels)
          .map(async (id) => [id, await channelName(id, self, workspace, options)] as const),
      ])
      const known = ids.groups.length === 0 ? new Map<string, string>() : await groupNames(self, workspace, options)
      const own = self.botUserId === undefined ? [] : [[self.botUserId, 'Parley'] as const]
      return new Map([
        ...known,
        ...own,
        ...named.flatMap(([id, name]) => (name === undefined ? [] : [[id, name] as const])),
      ])
    },
  }
}

/** What Slack told or refused, for some minutes; `undefined` where it does not answer. */
function createLookUps<T>() {
  const known = createCache<T | undefined>(maxKnown)
  return async (key: string, ask: () => Promise<T>): Promise<T | undefined> => {
    const refused = (error: unknown) => {
      if (slackCode(error) === undefined) throw error
      return undefined
    }
    return await known.get(key, freshMs, () => ask().catch(refused)).catch(() => undefined)
  }
}
