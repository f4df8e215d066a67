/** Whether a turn may be answered now: the limits that admins set for its person and its channel. */
import { ParleyError } from '../core/errors.ts'
import type { Scope, Spender } from '../core/scope.ts'
import { ownScope, scopeOf, scopesOf } from '../core/scope.ts'
import type { Limits, Room, TurnLimit } from '../store/limits.ts'
import type { Settings } from '../store/settings.ts'
import { admissionWording, progressWording } from '../wording/answers.ts'

export interface TurnLimits {
  /** `waiting`: the turn starts later; the text is for the status. Throws `rate_limited` with the limit and the time of the next try. */
  enter(turnId: string, spender: Spender): Promise<'in' | { waiting: string }>
  /** What is left of the tightest limit per minute, the question that is asked now included; `undefined`: there is none. */
  left(spender: Spender): Promise<{ limit: number; remaining: number; resetMs: number } | undefined>
}

export function createTurnLimits(deps: { settings: Pick<Settings, 'read'>; limits: Limits }): TurnLimits {
  return {
    async left(spender) {
      const limits = limitsFor(await deps.settings.read(scopesOf(spender)), spender)
      const perMinute = limits.flatMap(({ scope, requestsPerMinute: limit }) =>
        limit === undefined ? [] : [{ scope, limit }],
      )
      if (perMinute.length === 0) return undefined
      const used = await deps.limits.used(perMinute.map(({ scope }) => scope))
      const left = perMinute.map(({ scope, limit }) => {
        const { turns, resetMs } = used.get(scope) ?? { turns: 0, resetMs: 60_000 }
        return { limit, remaining: Math.max(0, limit - turns - 1), resetMs: Math.max(0, resetMs) }
      })
      return left.toSorted((a, b) => a.remaining - b.remaining)[0]
    },
    async enter(turnId, spender) {
      const room = await deps.limits.enter(turnId, limitsFor(await deps.settings.read(scopesOf(spender)), spender))
      if (room.kind === 'full') throw refusal(room)
      return room.kind === 'in' ? 'in' : { waiting: waitingMessage(room) }
    },
  }
}

type Values = Awaited<ReturnType<Settings['read']>>

/**
 * What is set for a channel holds for all of it together. What is set for a person, else for their account, a team, the workspace
 * or everybody, holds for each person by themselves, on all platforms together.
 */
export function limitsFor(values: Values, spender: Spender): TurnLimit[] {
  const [channel, own] = [scopeOf.channel(spender), ownScope(spender)]
  const limit = (scope: Scope, from: Scope[]): TurnLimit => {
    const found = from.map((each) => values.get(each) ?? {})
    const perMinute = found.map((each) => each['limits.requestsPerMinute']).find((each) => each !== undefined)
    const concurrent = found.map((each) => each['limits.concurrentTurns']).find((each) => each !== undefined)
    return {
      scope,
      requestsPerMinute: perMinute,
      concurrentTurns: concurrent,
    }
  }
  const widening = scopesOf({ ...spender, keyId: undefined })
    .filter((scope) => scope !== channel)
    .toReversed()
  const all = [limit(own, widening), limit(channel, [channel])]
  return all.filter((each) => each.requestsPerMinute !== undefined || each.concurrentTurns !== undefined)
}

function whose(scope: Scope): 'your' | 'channel' {
  return scope.startsWith('channel:') ? 'channel' : 'your'
}

function waitingMessage({ by: { scope, concurrentTurns = 1 } }: Extract<Room, { kind: 'wait' }>): string {
  return progressWording.waiting(concurrentTurns, whose(scope))
}

function refusal({ by, againMs }: Extract<Room, { kind: 'full' }>): ParleyError {
  const seconds = Math.max(1, Math.ceil(againMs / 1000))
  const userMessage = admissionWording.rateLimited(whose(by.scope), by.requestsPerMinute ?? 0, seconds)
  return new ParleyError('rate_limited', userMessage, { retryAfterMs: againMs })
}
