/** Whether a turn may be answered now: the limits that admins set for its person and its channel. */
import { ParleyError } from '../core/errors.ts'
import type { Scope, Spender } from '../core/scope.ts'
import { scopeOf, scopesOf } from '../core/scope.ts'
import type { Limits, Room, TurnLimit } from '../store/limits.ts'
import type { Settings } from '../store/settings.ts'
import { admissionWording, progressWording } from '../wording/answers.ts'

export interface TurnLimits {
  /** `waiting`: the turn starts later; the text is for the status. Throws `rate_limited` with the limit and the time of the next try. */
  enter(turnId: string, spender: Spender): Promise<'in' | { waiting: string }>
}

export function createTurnLimits(deps: { settings: Pick<Settings, 'read'>; limits: Limits }): TurnLimits {
  return {
    async enter(turnId, spender) {
      const room = await deps.limits.enter(turnId, limitsFor(await deps.settings.read(scopesOf(spender)), spender))
      if (room.kind === 'full') throw refusal(room)
      return room.kind === 'in' ? 'in' : { waiting: waitingMessage(room) }
    },
  }
}

type Values = Awaited<ReturnType<Settings['read']>>

/**
 * What is set for a channel holds for all of it together. What is set for a person, else for the workspace, else for
 * everybody, holds for each person by themselves.
 */
export function limitsFor(values: Values, spender: Spender): TurnLimit[] {
  const [channel, user] = [scopeOf.channel(spender), scopeOf.user(spender)]
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
  const all = [limit(user, [user, scopeOf.workspace(spender), 'all']), limit(channel, [channel])]
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
