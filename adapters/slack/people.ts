/** Names, languages and memberships of people in a workspace. Slack is asked every few minutes, with a short timeout. */
import { z } from 'zod'
import type { Author } from '../../src/core/message.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createCache } from './cache.ts'
import type { Self } from './events.ts'
import type { Workspace } from './installations.ts'
import { slackCode } from './sdk.ts'

/** What Slack says of an account; nothing of it is there if Slack did not answer in time. */
export interface Person {
  name?: string | undefined
  membership?: Exclude<Author['membership'], undefined>
  /** May read all public channels of this workspace. A colleague of another workspace may not, nor may a guest. */
  readsPublicChannels?: boolean
  locale?: string | undefined
  isBot?: boolean
  /** Deactivated. */
  isGone?: boolean
}

export interface People {
  /** Empty if Slack does not answer in time. */
  person(workspace: Workspace, self: Self, id: string): Promise<Person>
  /** As Slack says now; `undefined` if it knows no such account. Throws `platform_*`. */
  now(workspace: Workspace, self: Self, id: string): Promise<Person | undefined>
  /** Of many accounts, not older than some minutes. Those that Slack does not tell in time are not among them. */
  many(workspace: Workspace, self: Self, ids: readonly string[]): Promise<Map<string, Person>>
  /** Takes over what an event says of an account. */
  learn(user: unknown, self: Self): Promise<Learned | undefined>
  /** Accounts of the workspace that an event of the last hour said to be no full members, whichever process took it in. */
  limited(self: Self): Promise<ReadonlySet<string>>
}

export interface Learned {
  id: string
  /** What the account may not do any more; absent if it was known before. */
  lost?: 'all' | 'publicChannels' | undefined
  /** To be called once what it lost is stored; until then, the same event says the same. */
  noted(): Promise<void>
}

const SlackUser = z.object({
  id: z.string(),
  team_id: z.string().nullish(),
  name: z.string().nullish(),
  real_name: z.string().nullish(),
  profile: z.object({ display_name: z.string().nullish() }).nullish(),
  locale: z.string().nullish(),
  deleted: z.boolean().nullish(),
  is_bot: z.boolean().nullish(),
  is_owner: z.boolean().nullish(),
  is_primary_owner: z.boolean().nullish(),
  is_restricted: z.boolean().nullish(),
  is_ultra_restricted: z.boolean().nullish(),
  is_stranger: z.boolean().nullish(),
  enterprise_user: z.object({ enterprise_id: z.string().nullish(), teams: z.array(z.string()).nullish() }).nullish(),
})
const Found = z.object({ user: SlackUser })
const Page = z.object({
  members: z.array(SlackUser),
  response_metadata: z.object({ next_cursor: z.string().nullish() }).nullish(),
})

/** How long what was told of a person is good enough: for their name, and for telling guests where no event told otherwise. */
const ages = { name: 600_000, guest: 60_000 }
/** How long an event counts that says of somebody that they are no full member. */
const limitedMs = 3_600_000
const limitedPrefix = 'limited/'
const Limited = z.object({ at: z.number(), isGone: z.boolean(), noted: z.boolean() })

/** Removes what no longer counts. */
export const sweepPeople = (records: Pick<Records, 'removeOlder'>) =>
  records.removeOlder(limitedPrefix, new Date(Date.now() - limitedMs))
/** Slack expects an acknowledgement within three seconds. */
const patienceMs = 1000
const maxKnown = 20_000
/** The most accounts that Slack is asked about one by one. Of more, it lists everybody. */
const mostLookUps = 20
const listed = { perPage: 999, pages: 10, withinMs: 20_000 }

type SlackUser = z.infer<typeof SlackUser>

function isInWorkspace({ team_id: team, enterprise_user: grid }: SlackUser, { teamId, enterpriseId }: Self): boolean {
  // An event of a whole organization names no workspace.
  if (teamId === enterpriseId) return false
  return team === teamId || grid?.teams?.includes(teamId) === true
}

/** Of this workspace, or of another one of the same Enterprise Grid organization. */
function isColleague(user: SlackUser, self: Self): boolean {
  const { team_id: team, enterprise_user: grid } = user
  const { enterpriseId } = self
  if (team == null || team === self.teamId || isInWorkspace(user, self)) return true
  return enterpriseId !== undefined && (team === enterpriseId || grid?.enterprise_id === enterpriseId)
}

function describe(user: SlackUser, self: Self): Person {
  const name = user.profile?.display_name || user.real_name || user.name
  const home = isColleague(user, self)
  const guest = user.is_restricted === true || user.is_ultra_restricted === true
  const owner = user.is_owner === true || user.is_primary_owner === true
  const membership = user.is_stranger === true || !home ? 'stranger' : guest ? 'guest' : owner ? 'owner' : 'member'
  const isBot = user.is_bot === true || user.id === 'USLACKBOT'
  const isGone = user.deleted === true
  const isFull = (membership === 'member' || membership === 'owner') && !isBot && !isGone
  const readsPublicChannels = isFull && isInWorkspace(user, self)
  return { membership, readsPublicChannels, name: name || undefined, locale: user.locale || undefined, isBot, isGone }
}

export function createPeople(records: Pick<Records, 'get' | 'put' | 'remove' | 'list'>): People {
  const known = createCache<Person>(maxKnown)
  const lists = createCache<void>(1000)
  const keyOf = ({ teamId }: Self, id: string) => `${teamId}/${id}`
  const limitedKey = (self: Self, id: string) => `${limitedPrefix}${keyOf(self, id)}`

  function limitOf(value: unknown) {
    const limit = Limited.safeParse(value).data
    return limit !== undefined && limit.at > Date.now() - limitedMs ? limit : undefined
  }

  async function look({ api }: Workspace, self: Self, id: string, maxAgeMs: number): Promise<Person> {
    return await known.get(keyOf(self, id), maxAgeMs, async () => {
      const options = { patienceMs: 200, signal: AbortSignal.timeout(patienceMs) }
      const { user } = Found.parse(await api.call('users.info', { user: id, include_locale: true }, options))
      return describe(user, self)
    })
  }

  /** Rejects if Slack does not answer in time. */
  async function list({ api, teamId }: Workspace, self: Self): Promise<void> {
    const options = { patienceMs, signal: AbortSignal.timeout(listed.withinMs) }
    // A token of an organization must name the workspace.
    const team = teamId === undefined ? { team_id: self.teamId } : {}
    let cursor: string | undefined
    for (let page = 0; page < listed.pages; page += 1) {
      const args = { limit: listed.perPage, cursor, include_locale: true, ...team }
      const answer = Page.parse(await api.call('users.list', args, options))
      for (const user of answer.members) known.put(keyOf(self, user.id), describe(user, self))
      cursor = answer.response_metadata?.next_cursor || undefined
      if (cursor === undefined) return
    }
  }

  return {
    async person(workspace, self, id) {
      return await look(workspace, self, id, ages.name).catch(() => ({}))
    },

    async now(workspace, self, id) {
      try {
        return await look(workspace, self, id, 0)
      } catch (error) {
        if (slackCode(error)?.startsWith('user_not_') === true) return undefined
        throw error
      }
    },

    async many(workspace, self, ids) {
      const found = new Map<string, Person>()
      async function unknown(): Promise<string[]> {
        for (const id of ids) {
          const person = found.get(id) ?? (await known.peek(keyOf(self, id), ages.guest))
          if (person !== undefined) found.set(id, person)
        }
        return ids.filter((id) => !found.has(id))
      }
      if ((await unknown()).length > mostLookUps)
        await lists.get(self.teamId, ages.guest, () => list(workspace, self)).catch(() => undefined)
      const rest = await unknown()
      await Promise.all(
        rest.slice(0, mostLookUps).map(async (id) => {
          const person = await look(workspace, self, id, ages.guest).catch(() => undefined)
          if (person !== undefined) found.set(id, person)
        }),
      )
      return found
    },

    async learn(given, self) {
      const { data: user } = SlackUser.safeParse(given)
      if (user === undefined) return undefined
      const person = describe(user, self)
      const { isGone = false } = person
      known.put(keyOf(self, user.id), person)
      const key = limitedKey(self, user.id)
      const nothing = { id: user.id, noted: async () => {} }
      // An event of a whole organization says of no workspace what somebody may read there.
      if (person.isBot || self.teamId === self.enterpriseId) return nothing
      if (person.readsPublicChannels) {
        await records.remove(key)
        return nothing
      }
      const before = limitOf(await records.get(key))
      if (before?.noted && before.isGone === isGone) return nothing
      const put = (noted: boolean) => records.put(key, { at: Date.now(), isGone, noted })
      await put(false)
      return { id: user.id, lost: isGone ? 'all' : 'publicChannels', noted: () => put(true) }
    },

    async limited(self) {
      const prefix = limitedKey(self, '')
      const listed = await records.list(prefix)
      return new Set(listed.flatMap(({ key, value }) => (limitOf(value) ? [key.slice(prefix.length)] : [])))
    },
  }
}
