/** Names and memberships of people, asked of Teams and cached for some minutes. Guests and strangers have other rules. */
import { monotonic } from '../../src/core/clock.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Author } from '../../src/core/message.ts'
import type { Account, TargetData } from './activity.ts'
import type { Api, Member } from './api.ts'
import { authorOf } from './normalize.ts'

export interface People {
  author(account: Account, at: TargetData): Promise<Author>
  /** The author ID of a mentioned person. */
  idOf(mentioned: string, at: TargetData): Promise<string>
}

const keptMs = 10 * 60_000
const askMs = 2500
const most = 5000

export function createPeople({
  api,
  log,
  now = monotonic,
}: {
  api: Pick<Api, 'member'>
  log: Log
  now?: () => number
}): People {
  const known = new Map<string, { member: Member; until: number }>()

  async function member(id: string, at: TargetData): Promise<Member | undefined> {
    const key = `${at.conversation}/${id}`
    const kept = known.get(key)
    if (kept && kept.until > now()) return kept.member
    try {
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => late.reject(new Error('Teams took too long')), askMs)
      const found = await Promise.race([api.member(at, id), late.promise]).finally(() => clearTimeout(timer))
      if (known.size >= most) known.clear()
      known.set(key, { member: found, until: now() + keptMs })
      return found
    } catch (error) {
      log.info(errorFields(error), 'Teams did not say who wrote a message')
      return undefined
    }
  }

  return {
    async author(account, at) {
      const author = authorOf(account)
      const found = await member(account.id, at)
      const membership = found === undefined ? undefined : membershipOf(found, at.tenant)
      const name = author.name ?? found?.name
      return { ...author, name: name || undefined, membership: membership ?? author.membership }
    },
    async idOf(mentioned, at) {
      const found = await member(mentioned, at)
      return found?.aadObjectId || mentioned
    },
  }
}

/** Strangers are from another organization; guests are in this organization's directory. */
export function membershipOf(
  { userRole, tenantId, userPrincipalName }: Member,
  tenant: string,
): NonNullable<Author['membership']> {
  if (userRole === 'anonymous') return 'stranger'
  if (userRole === 'guest' || /#EXT#/i.test(userPrincipalName ?? '')) return 'guest'
  return tenantId !== undefined && tenantId.toLowerCase() !== tenant.toLowerCase() ? 'stranger' : 'member'
}
