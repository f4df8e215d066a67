/**
 * Names and memberships of people, and names of channels, asked of Teams and cached for some minutes. Guests and strangers have
 * other rules.
 */
import { monotonic } from '../../src/core/clock.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { escapeMarkdown } from '../../src/core/markdown/escape.ts'
import type { Author } from '../../src/core/message.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { Account, TargetData } from './activity.ts'
import type { Api, Member } from './api.ts'
import { authorOf } from './normalize.ts'

export interface People {
  author(account: Account, at: TargetData): Promise<Author>
  /** The author ID of a mentioned person. */
  idOf(mentioned: string, at: TargetData): Promise<string>
  /**
   * Parley's own Markdown with names for `<@id>` and `<#id>`, which Teams would show as they are written. Nobody is notified.
   * Teams knows only the members of the conversation and the channels of its team. Others keep their ID; people who wrote to
   * this process before have their name.
   */
  named(markdown: string, at: TargetData): Promise<string>
}

/** Code, or what stands for a person or a channel. */
const partPattern = /(`+)[^`](?:[\s\S]*?[^`])?\1(?!`)|<[@#][^<>\s]+>/g
const personPattern = /<@([^<>\s]+)>/g
/** An ID of the directory or of the connector, not the `U123` of an example. */
const isId = (id: string) => /^(?:\d+:|[\da-f]{8}-)/i.test(id)

const keptMs = 10 * 60_000
const askMs = 2500
const most = 5000

export function createPeople({
  api,
  log,
  now = monotonic,
}: {
  api: Pick<Api, 'member' | 'channels'>
  log: Log
  now?: () => number
}): People {
  const known = new Map<string, { member: Member; until: number }>()
  /** Of those who wrote something, by author ID. */
  const names = new Map<string, string>()

  async function member(id: string, at: TargetData): Promise<Member | undefined> {
    const key = `${at.conversation}/${id}`
    const kept = known.get(key)
    if (kept && kept.until > now()) return kept.member
    try {
      const found = await inTime(api.member(at, id))
      if (known.size >= most) known.clear()
      known.set(key, { member: found, until: now() + keptMs })
      return found
    } catch (error) {
      log.info(errorFields(error), 'Teams did not say who a person is')
      return undefined
    }
  }

  async function channelsOf(at: TargetData): Promise<Map<string | undefined, string>> {
    try {
      const found = await inTime(api.channels(at))
      return new Map(found.map(({ id, name }) => [id, name || teamsWording.generalChannel]))
    } catch (error) {
      log.info(errorFields(error), 'Teams did not say what a channel is called')
      return new Map()
    }
  }

  return {
    async author(account, at) {
      const author = authorOf(account)
      const found = await member(account.id, at)
      const membership = found === undefined ? undefined : membershipOf(found, at.tenant)
      const name = author.name ?? found?.name
      if (names.size >= most) names.clear()
      if (name) names.set(author.id, name)
      return { ...author, name: name || undefined, membership: membership ?? author.membership }
    },
    async idOf(mentioned, at) {
      const found = await member(mentioned, at)
      return found?.aadObjectId || mentioned
    },
    async named(markdown, at) {
      const ids = [...markdown.matchAll(personPattern)].map(([, id = '']) => id)
      const missing = new Set(ids.filter((id) => isId(id) && !names.has(id)))
      const asked = [...missing].map(async (id) => ({ id, name: (await member(id, at))?.name }))
      for (const { id, name } of await Promise.all(asked)) if (name) names.set(id, name)
      const channels = markdown.includes('<#') ? await channelsOf(at) : new Map<string, string>()
      return markdown.replaceAll(partPattern, (part) => {
        if (part.startsWith('`'))
          return part.replaceAll(personPattern, (_, id: string) => `@${names.get(id) ?? teamsWording.namePlaceholder}`)
        const id = part.slice(2, -1)
        const name = part.startsWith('<@') ? names.get(id) : channels.get(id)
        if (name !== undefined) return escapeMarkdown(name)
        return part.startsWith('<@') ? teamsWording.personById(id) : teamsWording.channelById(id)
      })
    },
  }
}

async function inTime<T>(asked: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('Teams took too long')), askMs)
  return await Promise.race([asked, late.promise]).finally(() => clearTimeout(timer))
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
