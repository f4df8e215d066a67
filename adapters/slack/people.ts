/** Names, languages and memberships of people in a workspace. Slack is asked every few minutes, with a short timeout. */

import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import type { Author } from '../../src/core/message.ts'
import type { Self } from './events.ts'
import type { Workspace } from './installations.ts'

export interface Person {
  name?: string
  membership?: Exclude<Author['membership'], undefined>
  /** May read all public channels of this workspace. A colleague of another workspace may not, nor may a guest. */
  readsPublicChannels?: boolean
  locale?: string
}

export interface People {
  /** Empty if Slack does not answer in time. */
  person(workspace: Workspace, self: Self, id: string): Promise<Person>
}

const User = z.object({
  user: z.object({
    team_id: z.string().nullish(),
    name: z.string().nullish(),
    real_name: z.string().nullish(),
    profile: z.object({ display_name: z.string().nullish() }).nullish(),
    locale: z.string().nullish(),
    is_owner: z.boolean().nullish(),
    is_primary_owner: z.boolean().nullish(),
    is_restricted: z.boolean().nullish(),
    is_ultra_restricted: z.boolean().nullish(),
    is_stranger: z.boolean().nullish(),
    enterprise_user: z.object({ enterprise_id: z.string().nullish(), teams: z.array(z.string()).nullish() }).nullish(),
  }),
})

const freshMs = 600_000
/** Slack expects an acknowledgement within three seconds. */
const patienceMs = 1000
const maxKnown = 20_000

type SlackUser = z.infer<typeof User>['user']

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

export function createPeople(): People {
  const known = new Map<string, { person: Promise<Person>; at: number }>()

  async function ask(workspace: Workspace, self: Self, id: string): Promise<Person> {
    const answer = await workspace.api.call(
      'users.info',
      { user: id, include_locale: true },
      { patienceMs: 200, signal: AbortSignal.timeout(patienceMs) },
    )
    const { user } = User.parse(answer)
    const name = user.profile?.display_name || user.real_name || user.name
    const home = isColleague(user, self)
    const guest = user.is_restricted === true || user.is_ultra_restricted === true
    const owner = user.is_owner === true || user.is_primary_owner === true
    const membership = user.is_stranger === true || !home ? 'stranger' : guest ? 'guest' : owner ? 'owner' : 'member'
    const readsPublicChannels = isInWorkspace(user, self) && (membership === 'member' || membership === 'owner')
    return { membership, readsPublicChannels, name: name || undefined, locale: user.locale || undefined }
  }

  return {
    async person(workspace, self, id) {
      const key = `${self.teamId}/${id}`
      const cached = known.get(key)
      if (cached && monotonic() - cached.at < freshMs) return await cached.person
      if (known.size >= maxKnown) known.clear()
      const person = ask(workspace, self, id).catch((): Person => {
        known.delete(key)
        return {}
      })
      known.set(key, { person, at: monotonic() })
      return await person
    },
  }
}
