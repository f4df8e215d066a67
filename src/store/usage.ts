/** The port of usage: what was asked, what it cost and how it went, from turns and ledger. Implemented in usage-postgres.ts. */

import type { ConversationRef } from '../core/message.ts'
import type { NanoUsd } from '../core/money.ts'

/** Whose usage; what is absent is not asked for. */
export interface UsageWithin {
  platform?: string
  workspaceId?: string
  channelId?: string
  userId?: string
}

export type UsageGroup = 'user' | 'channel' | 'model'

export interface UsageQuery {
  within: UsageWithin
  from: Date
  to: Date
  /** Absent: all in one row. */
  by?: UsageGroup
}

/** In milliseconds; `null` where nothing was measured. */
export interface Times {
  median: number | null
  /** 95 of 100 were quicker. */
  p95: number | null
}

export interface UsageRow {
  /** `platform/workspace/user`, `platform/workspace/channel` with escaped parts, or `provider/model`; `null` for all. */
  key: string | null
  /** A person's name, if one of their messages included it. */
  name: string | null
  /** Questions by how they ended. */
  done: number
  failed: number
  stopped: number
  /** Paid calls, and how many of them the provider answered; stopped ones are left out of both. */
  calls: number
  answered: number
  /** Exact. With `held`, includes the maximum cost of calls whose end is unknown. */
  cost: NanoUsd
  /** The part of the cost that Parley counted itself because the provider reported no usage. */
  estimated: NanoUsd
  inputTokens: bigint
  outputTokens: bigint
  /** From a question's arrival to its whole answer, and to the first text. */
  total: Times
  firstText: Times
  /** Of paid calls, from the request to the first text. */
  firstToken: Times
  good: number
  bad: number
}

export interface UsagePoint {
  at: Date
  cost: NanoUsd
  questions: number
}

/** What `why` shows about one answer besides its receipt. */
export interface AnswerCall {
  kind: string
  provider: string
  model: string
  cost: NanoUsd | null
  outcome: string | null
  ms: number | null
  firstTokenMs: number | null
}

export interface Usage {
  /** Dearest first, then most questions. */
  rows(query: UsageQuery): Promise<UsageRow[]>
  /** For each `bucket` of the zone between `from` and `to`, those with nothing included, in order. */
  series(query: UsageQuery & { bucket: 'hour' | 'day'; timeZone: string }): Promise<UsagePoint[]>
  /** The paid calls of a turn, in order. */
  calls(turnId: string): Promise<AnswerCall[]>
  /** Questions that are not answered yet, and for how many milliseconds the oldest. */
  waiting(): Promise<{ turns: number; oldestMs: number | null }>
  /** The newest ended turn of a conversation or, without its thread, of the channel; by this author alone where given. */
  latestTurn(conversation: ConversationRef, authorId?: string): Promise<string | null>
}
