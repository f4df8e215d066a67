/**
 * The connector's API by the SDK's client: paced by the quota that all processes share, its errors translated once. Whatever
 * Teams refuses with 429 holds everybody's line for as long as it says.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '@microsoft/teams.apps'
import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Quota } from '../../src/core/quota.ts'
import type { TargetData } from './activity.ts'
import type { Hosts } from './hosts.ts'
import { microsoft } from './settings.ts'
import type { Tokens } from './tokens.ts'

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
  /** Rather than waiting longer than this it is not sent at all: `undefined` comes back. Default: as long as it takes. */
  patienceMs?: number
}

export interface Api {
  create(at: TargetData, activity: OutgoingActivity, options: CallOptions): Promise<{ id: string } | undefined>
  update(at: TargetData, id: string, activity: OutgoingActivity, options: CallOptions): Promise<'sent' | undefined>
  remove(at: TargetData, id: string, options: CallOptions): Promise<void>
  /** Shown to `recipient` alone. */
  whisper(at: TargetData, recipient: string, activity: OutgoingActivity, options: CallOptions): Promise<void>
  member(at: TargetData, id: string): Promise<Member>
  /** Graph's id of the team. */
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

/** What Teams said no with. */
export class TeamsRefusal extends Error {
  readonly status: number
  readonly code: string
  /** In Teams' words; they say what became of a stream. */
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

/** Of a conversation Teams takes 60 messages and edits in 30 seconds, and 7 in one; of an organisation 50 a second. */
const perConversation = { everyMs: 520, burst: 5 }
const perTenant = { everyMs: 21, burst: 20 }
/** Longer than this nobody waits inside a call: whoever writes tries again. */
const longestWaitMs = 20_000
const defaultHoldMs = 5000

export interface ApiDeps {
  app: App
  tokens: Tokens
  hosts: Hosts
  quota: Quota
}

export function createApi({ app, tokens, hosts, quota }: ApiDeps): Api {
  /** When this process last heard that a line is free. */
  const freeAt = new Map<string, number>()

  function open({ serviceUrl }: TargetData) {
    // The bot's token goes there.
    if (!hosts.isService(serviceUrl))
      throw new ParleyError(
        'platform_rejected',
        'That conversation is on a server that is none of Teams’. Write to Parley again from Teams.',
      )
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
      throw new ParleyError('platform_rate_limited', 'Teams takes no more messages for the moment. Please try again.', {
        retryAfterMs: wait,
      })
    if (wait > 0) await sleep(wait, undefined, { signal })
    return true
  }

  /** One call; a token that is refused is asked for anew, once. */
  async function call<T>(at: TargetData, run: (conversations: Conversations) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true) {
      const token = await tokens.get(microsoft.botScope)
      try {
        return await run(open(at).conversations)
      } catch (thrown) {
        if (thrown instanceof ParleyError) throw thrown
        const error = await translate(at, thrown)
        if (again || token === undefined || refusalOf(error)?.status !== 401) throw error
        tokens.forget(microsoft.botScope, token)
      }
    }
  }

  async function translate(at: TargetData, thrown: unknown): Promise<ParleyError> {
    const { status, retryAfterMs, code, detail } = responseOf(thrown)
    const cause = status === undefined ? thrown : new TeamsRefusal(status, code, detail)
    if (status === 429) {
      const ms = retryAfterMs ?? defaultHoldMs
      await quota.hold(lineOf(at), ms)
      freeAt.set(lineOf(at), monotonic() + ms)
      return new ParleyError('platform_rate_limited', 'Teams asks Parley to wait.', { cause, retryAfterMs: ms })
    }
    if (status === undefined || status === 412 || status >= 500)
      return new ParleyError('platform_unreachable', 'Teams does not answer. Please try again.', {
        cause,
        retryAfterMs,
      })
    return new ParleyError('platform_rejected', userMessageOf(status), { cause })
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
    async whisper(at, recipient, activity, options) {
      await queue(at, options)
      const targeted = sent({ ...activity, recipient: { id: recipient, name: '', role: 'user' } })
      await call(at, (conversations) => conversations.createTargetedActivity(at.conversation, targeted))
    },
    member: (at, id) => call(at, (conversations) => conversations.getMemberById(at.conversation, id)),
    async group(at) {
      const { team } = at
      if (team === undefined || team.group !== undefined) return team?.group
      const details = await call(at, () => open(at).teams.getById(team.id))
      return 'aadGroupId' in details && typeof details.aadGroupId === 'string' ? details.aadGroupId : undefined
    },
  }
}

const lineOf = ({ tenant, conversation }: TargetData) => `teams/${tenant}/${conversation}`

/** The SDK's types want classes of its own; the connector wants the same JSON. */
const sent = (activity: OutgoingActivity) => activity as Sent

function userMessageOf(status: number): string {
  if (status === 401) return 'Teams refuses Parley’s token. An admin should run: npm run parley -- doctor teams'
  if (status === 403)
    return 'Teams does not let Parley write here. Add the Parley app to this conversation, or ask an admin to allow it.'
  if (status === 413) return 'The message is too large for Teams.'
  return `Teams refused the message (${status}).`
}

interface Refused {
  status: number | undefined
  retryAfterMs: number | undefined
  code: string
  detail: string
}

/** Of the SDK's HTTP errors; without a status nobody answered. */
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
