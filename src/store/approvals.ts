/** Requests to let a question pass a limit once: asked at the limit, decided by an admin, used by the next reservation. */
import { randomUUID } from 'node:crypto'
import type { ApprovalAction } from '../core/command.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import type { Database, Statement } from './database.ts'

export interface Approval {
  id: string
  /** The turn that was refused. A regeneration of the same question can use the approval. */
  turnId: string
  scope: Scope
  /** The most that the one attempt may cost. */
  amount: NanoUsd
  state: 'asked' | 'approved' | 'declined' | 'used'
  /** `slack/T1/U1` */
  decidedBy: string | null
}

export interface Approvals {
  /** One for each turn: asked again, it is the same. */
  ask(wanted: { turnId: string; budgetId: string; scope: Scope; amount: NanoUsd }): Promise<Approval>
  find(id: string): Promise<Approval | null>
  /** `null`: this decision counts. Otherwise what was decided before. */
  decide(id: string, decision: ApprovalAction, by: string): Promise<Approval | null>
  /** Takes an approval back that could not be acted on. */
  reopen(id: string): Promise<void>
}

interface Row {
  [column: string]: unknown
  id: string
  turn_id: string
  scope: Scope
  amount: string
  state: Approval['state']
  decided_by: string | null
}

export function createApprovals({ query, prisma }: Pick<Database, 'query' | 'prisma'>): Approvals {
  const one = async (statement: Statement, values: unknown[]): Promise<Approval | null> => {
    const [row] = await query<Row>(statement, values)
    if (row === undefined) return null
    const { id, turn_id: turnId, scope, amount, state, decided_by: decidedBy } = row
    return { id, turnId, scope, amount: BigInt(amount), state, decidedBy }
  }
  async function find(id: string): Promise<Approval | null> {
    const found = await prisma.approval.findUnique({
      where: { id },
      select: { id: true, turnId: true, scope: true, amount: true, state: true, decidedBy: true },
    })
    return found && { ...found, scope: found.scope as Scope }
  }
  return {
    find,
    async ask({ turnId, budgetId, scope, amount }) {
      const asked = await one(ask, [randomUUID(), turnId, budgetId, scope, amount])
      if (asked === null) throw new Error('a request for approval was not stored')
      return asked
    },
    async decide(id, decision, by) {
      const decided = await one(decide, [id, decision === 'approve' ? 'approved' : 'declined', by])
      return decided === null ? find(id) : null
    },
    async reopen(id) {
      await prisma.approval.updateMany({
        where: { id, state: 'approved' },
        data: { state: 'asked', decidedBy: null, decidedAt: null },
      })
    },
  }
}

const columns = 'id, turn_id, scope, amount, state::text, decided_by'

const ask: Statement = {
  name: 'approval_ask',
  text: `
insert into approval (id, turn_id, source_id, budget_id, scope, amount)
values ($1, $2::uuid, coalesce((select source_id from turn where id = $2::uuid), $2::uuid), $3, $4, $5::bigint)
on conflict (turn_id) do update set turn_id = excluded.turn_id
returning ${columns}`,
}

const decide: Statement = {
  name: 'approval_decide',
  text: `
update approval set state = $2::approval_state, decided_by = $3, decided_at = clock_timestamp()
where id = $1 and state = 'asked' returning ${columns}`,
}
