/**
 * The connector's API, called through the SDK's client within rate limits that all processes share. A 429 from Teams pauses the
 * conversation's calls in every process. Errors are translated here, once.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '@microsoft/teams.apps'
import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Quota } from '../../src/core/platform-state.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { TargetData } from './activity.ts'
import type { Tokens } from './auth.ts'
import type { Hosts } from './hosts.ts'

type Conversations = App['api']['conversations']
type Sent = Parameters<Conversations['createTargetedActivity']>[1]

/** A message or a typing activity, as the connector takes it. */
export interface OutgoingActivity {
  type: 'message' | 'typing'
  text?: string
  textFormat?: 'markdown'
  entities?: object[]
  attachments?: object[]
  channelData?: object
  recipient?: object
}

export interface CallOptions {
  signal: AbortSignal
  /** If the call would wait longer than this, it is not sent and returns `undefined`. Default: no limit. */
  patienceMs?: number
}

export interface Api {
  create(at: TargetData, activity: OutgoingActivity, options: CallOptions): Promise<{ id: string } | undefined>
  update(at: TargetData, id: string, activity: OutgoingActivity, options: CallOptions): Promise<'sent' | undefined>
  remove(at: TargetData, id: string, options: CallOptions): Promise<void>
  /** Shows that Parley is writing, for some seconds. Sent only if that costs no waiting. */
  typing(at: TargetData, options: CallOptions): Promise<void>
  /** The personal chat of somebody in the conversation. Throws `platform_rejected` if they have not added the app. */
  personalChat(at: TargetData, person: string, options: CallOptions): Promise<TargetData>
  /** Visible to `recipient` only. */
  whisper(at: TargetData, recipient: string, activity: OutgoingActivity, options: CallOptions): Promise<void>
  member(at: TargetData, id: string): Promise<Member>
  /** Everybody in the conversation, page by page. The members of a team are those of the conversation with the team's ID. */
  members(at: TargetData, options: Pick<CallOptions, 'signal'>): AsyncGenerator<Member>
  /** The channels of the conversation's team; none outside of teams. The General channel has no name here. */
  channels(at: TargetData): Promise<{ id?: string; name?: string | null; type?: string }[]>
  /** The team's group ID in Graph. */
  group(at: TargetData): Promise<string | undefined>
}

export interface Member {
  id: string
  name?: string | undefined
  aadObjectId?: string | undefined
  userRole?: string | undefined
  tenantId?: string | undefined
  userPrincipalName?: string | undefined
}

/** A refusal by Teams. */
export class TeamsRefusal extends Error {
  readonly status: number
  readonly code: string
  /** Teams' message; for streams it says what happened. */
  readonly detail: string
  constructor(status: number, code: string, detail: string) {
    super(`teams answered ${status} ${code}`)
    this.status = status
    this.code = code
    this.detail = detail
  }
}

export const refusalOf = (error: unknown): TeamsRefusal | undefined =>
  error instanceof ParleyError && error.cause instanceof TeamsRefusal ? error.cause : undefined

/** The reader pressed Stop below a stream. Teams spells it either way. */
export const isReadersStop = ({ status, detail }: TeamsRefusal) => status === 403 && /cancell?ed by user/i.test(detail)

/** Of a message, an edit, or a part of a stream. */
export const isTooLarge = ({ status, code, detail }: TeamsRefusal) =>
  status === 413 || code === 'MessageSizeTooBig' || /size too large/i.test(detail)

/** Teams accepts 7 messages or edits a second and 60 in 30 seconds per conversation, and 50 a second per organization. */
const perConversation = { everyMs: 520, burst: 5 }
const perTenant = { everyMs: 21, burst: 20 }
/** No call waits longer than this; its caller tries again later. */
const longestWaitMs = 20_000
const defaultHoldMs = 5000
/** The most members of a page. */
const pageSize = 500

export interface ApiDeps {
  app: App
  tokens: Tokens
  hosts: Hosts
  quota: Quota
  botScope: string
}

export function createApi({ app, tokens, hosts, quota, botScope }: ApiDeps): Api {
  /** By the team's ID; they never change. */
  const groups = new Map<string, string>()
  /** When each line is free again, as far as this process knows. */
  const freeAt = new Map<string, number>()

  function open({ serviceUrl }: TargetData) {
    // This server receives the bot's token.
    if (!hosts.isService(serviceUrl)) throw new ParleyError('platform_rejected', teamsWording.errors.foreignServer)
    return app.api.clone({ serviceUrl })
  }

  async function queue(
    at: TargetData,
    { signal, patienceMs = Number.POSITIVE_INFINITY }: CallOptions,
  ): Promise<boolean> {
    const line = lineOf(at)
    const now = monotonic()
    if ((freeAt.get(line) ?? 0) - now > patienceMs) return false
    const waits = await Promise.all([
      quota.take(line, perConversation.everyMs, perConversation.burst),
      quota.take(`teams/${at.tenant}`, perTenant.everyMs, perTenant.burst),
    ])
    const wait = Math.max(...waits)
    if (freeAt.size > 10_000) freeAt.clear()
    freeAt.set(line, now + wait)
    if (wait > patienceMs) return false
    if (wait > longestWaitMs)
      throw new ParleyError('platform_rate_limited', chatWording.slowDown('Teams'), {
        retryAfterMs: wait,
      })
    if (wait > 0) await sleep(wait, undefined, { signal })
    return true
  }

  /** Runs one call; after a 401 it gets a new token and tries once more. */
  async function call<T>(at: TargetData, run: (conversations: Conversations) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true) {
      const token = await tokens.get(botScope)
      try {
        return await run(open(at).conversations)
      } catch (thrown) {
        if (thrown instanceof ParleyError) throw thrown
        const error = await translate(at, thrown)
        if (again || token === undefined || refusalOf(error)?.status !== 401) throw error
        tokens.forget(botScope, token)
      }
    }
  }

  async function translate(at: TargetData, thrown: unknown): Promise<ParleyError> {
    const { status, retryAfterMs, code, detail } = responseOf(thrown)
    const refusal = status === undefined ? undefined : new TeamsRefusal(status, code, detail)
    const cause = refusal ?? thrown
    if (status === 429) {
      const ms = retryAfterMs ?? defaultHoldMs
      await quota.hold(lineOf(at), ms)
      freeAt.set(lineOf(at), monotonic() + ms)
      return new ParleyError('platform_rate_limited', chatWording.slowDown('Teams'), { cause, retryAfterMs: ms })
    }
    if (refusal === undefined || refusal.status === 412 || refusal.status >= 500)
      return new ParleyError('platform_unreachable', chatWording.unreachable('Teams'), {
        cause,
        retryAfterMs,
      })
    return new ParleyError('platform_rejected', userMessageOf(refusal), { cause })
  }

  return {
    async create(at, activity, options) {
      if (!(await queue(at, options))) return undefined
      const { id } = await call(at, (conversations) => conversations.createActivity(at.conversation, sent(activity)))
      return { id: String(id) }
    },
    async update(at, id, activity, options) {
      if (!(await queue(at, options))) return undefined
      await call(at, (conversations) => conversations.updateActivity(at.conversation, id, sent(activity)))
      return 'sent'
    },
    async remove(at, id, options) {
      await queue(at, options)
      await call(at, (conversations) => conversations.deleteActivity(at.conversation, id))
    },
    async typing(at, options) {
      if (!(await queue(at, { ...options, patienceMs: 0 }))) return
      await call(at, (conversations) => conversations.createActivity(at.conversation, sent({ type: 'typing' })))
    },
    async personalChat(at, person, options) {
      if (at.scope === 'personal') return at
      await queue(at, options)
      const { id } = await call(at, (conversations) =>
        conversations.create({ members: [{ id: person, name: '', role: 'user' }], tenantId: at.tenant }),
      )
      return { ...at, conversation: id, scope: 'personal', user: person }
    },
    async whisper(at, recipient, activity, options) {
      await queue(at, options)
      const targeted = sent({ ...activity, recipient: { id: recipient, name: '', role: 'user' } })
      await call(at, (conversations) => conversations.createTargetedActivity(at.conversation, targeted))
    },
    member: (at, id) => call(at, (conversations) => conversations.getMemberById(at.conversation, id)),
    async *members(at, { signal }) {
      let next: string | undefined
      do {
        signal.throwIfAborted()
        const from = next
        const page = await call(at, (conversations) => conversations.getPagedMembers(at.conversation, pageSize, from))
        yield* page.members
        next = page.continuationToken || undefined
      } while (next !== undefined)
    },
    async channels(at) {
      const { team } = at
      return team === undefined ? [] : await call(at, () => open(at).teams.getConversations(team.id))
    },
    async group(at) {
      const { team } = at
      if (team === undefined || team.group !== undefined) return team?.group
      const known = groups.get(team.id)
      if (known !== undefined) return known
      const details = await call(at, () => open(at).teams.getById(team.id))
      const group = 'aadGroupId' in details && typeof details.aadGroupId === 'string' ? details.aadGroupId : undefined
      if (group !== undefined) groups.set(team.id, group)
      return group
    },
  }
}

const lineOf = ({ tenant, conversation }: TargetData) => `teams/${tenant}/${conversation}`

/** The SDK's types ask for its classes; the connector accepts the same JSON. */
const sent = (activity: OutgoingActivity) => activity as Sent

/** https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-code-responses */
function userMessageOf(refusal: TeamsRefusal): string {
  const { status, code } = refusal
  const { errors } = teamsWording
  if (status === 401) return errors.tokenRefused
  if (code === 'BotNotInConversationRoster') return errors.notInConversation
  if (code === 'BotDisabledByAdmin') return errors.disabledByAdmin
  if (code === 'ConversationNotFound') return errors.conversationGone
  if (isTooLarge(refusal)) return errors.tooLarge
  return status === 403 ? errors.noAccess : errors.refused(status)
}

interface Refused {
  status: number | undefined
  retryAfterMs: number | undefined
  code: string
  detail: string
}

/** Reads the SDK's HTTP errors; without a status, there was no answer. */
function responseOf(thrown: unknown): Refused {
  const response = field(thrown, 'response')
  const status = field(response, 'status')
  const header = field(field(response, 'headers'), 'retry-after')
  const error = field(field(response, 'data'), 'error')
  const [code, detail] = [field(error, 'code'), field(error, 'message')]
  return {
    status: typeof status === 'number' ? status : undefined,
    retryAfterMs: waitOf(header),
    code: typeof code === 'string' ? code.slice(0, 80) : '',
    detail: typeof detail === 'string' ? detail.slice(0, 300) : '',
  }
}

/** Seconds, or a date. */
function waitOf(header: unknown): number | undefined {
  if (typeof header !== 'string' || header === '') return undefined
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 10 * 60_000)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined
}
