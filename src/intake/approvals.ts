/**
 * An admin's one-time approval. At the limit the turn ends with a refusal and a request goes to the channel for alerts. Once
 * approved, the answer is regenerated: its next reservation may exceed the limit once and is still booked.
 */
import type { Button, Role } from '../core/command.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type Author, type ConversationRef, conversationKey } from '../core/message.ts'
import { type Spender, spenderOf } from '../core/scope.ts'
import type { Queue } from '../queue/queue.ts'
import { approvalMessage, type BudgetExhausted } from '../routing/budget.ts'
import type { Approval, Approvals as ApprovalStore } from '../store/approvals.ts'
import type { Turns } from '../store/turns.ts'
import { approvalWording } from '../wording/answers.ts'
import { nameOfAccount, type ScopeNames } from '../wording/commands.ts'
import type { Approvals } from './actions.ts'
import type { Alerts } from './alerts.ts'
import { dispatchTurn } from './dispatch.ts'
import { raiseButton } from './raise-budget.ts'
import type { DecideToolCall } from './tool-approvals.ts'

/** What the worker of a refused turn calls. */
export interface ApprovalRequests {
  /** Asks once per turn. `undefined` when no admin can be asked. */
  ask(turnId: string, asker: Author, at: ConversationRef, exhausted: BudgetExhausted): Promise<Asked | undefined>
}

export interface Asked {
  /** What the asker reads after the refusal, where an admin was asked. */
  notice?: string | undefined
  /** Of the request, where the asker is an admin and can approve it. */
  approvalId?: string | undefined
}

export function createApprovalRequests(deps: {
  approvals: Pick<ApprovalStore, 'ask'>
  alerts: Alerts
  names(): Promise<ScopeNames>
  roleOf(person: Author, at: ConversationRef): Promise<Role>
}): ApprovalRequests {
  return {
    async ask(turnId, asker, at, { by, worst }) {
      const target = await deps.alerts.target(by.scope)
      const isAdmin = (await deps.roleOf(asker, at)) === 'admin'
      if (target === undefined && !isAdmin) return undefined
      const { id: approvalId } = await deps.approvals.ask({ turnId, budgetId: by.id, scope: by.scope, amount: worst })
      const own = isAdmin ? approvalId : undefined
      if (target === undefined) return { approvalId: own }
      const buttons: Button[] = [
        { label: approvalWording.approve, style: 'primary', action: { kind: 'approve', approvalId } },
        { label: approvalWording.decline, style: 'danger', action: { kind: 'decline', approvalId } },
        raiseButton(by),
      ]
      // By id: the platform shows the name, and a name would stay in notices and logs when the person is forgotten.
      const names = await deps.names()
      const text = approvalMessage({ by, worst }, `<@${asker.id}>`, target.conversation, names)
      const sent = await deps.alerts.send(by.scope, { text, buttons }, `approval-${approvalId}`)
      return { notice: sent === 'sent' ? approvalWording.requested : undefined, approvalId: own }
    },
  }
}

export interface ApprovalsDeps {
  approvals: ApprovalStore
  alerts: Pick<Alerts, 'target'>
  turns: Pick<Turns, 'about' | 'regenerate'>
  queue: Pick<Queue, 'add' | 'addFlow'>
  log: Log
  roleOf(person: Author, at: ConversationRef): Promise<Role>
  names(): Promise<ScopeNames>
  /** The same buttons stand under requests about calls of tools. */
  decideToolCall?: DecideToolCall | undefined
}

export function createApprovalActions(deps: ApprovalsDeps): Approvals {
  const { approvals, turns } = deps
  return {
    async decide(approvalId, decision, by, at) {
      const ofTool = await deps.decideToolCall?.(approvalId, decision, by, at)
      if (ofTool !== undefined) return ofTool
      const approval = /^[0-9a-f-]{36}$/.test(approvalId) ? await approvals.find(approvalId) : null
      const turn = approval && (await turns.about(approval.turnId))
      if (approval === null || turn === null) throw notFound()
      const sent = await deps.alerts.target(approval.scope)
      const here = sent !== undefined && conversationKey(sent.conversation) === conversationKey(at)
      // Of another workspace only where its requests are sent to.
      if (!here && !isSameWorkspace(turn.conversation, at)) throw notFound()
      if ((await deps.roleOf(by, at)) !== 'admin')
        throw new ParleyError('command_forbidden', approvalWording.adminsOnly)
      const admin = `${at.platform}/${at.workspaceId}/${by.id}`
      const before = approval.state !== 'asked' ? approval : await approvals.decide(approvalId, decision, admin)
      if (before !== null) return already(before, spenderOf(at, by), await deps.names())
      if (decision === 'decline') return { notice: { text: approvalWording.declined } }
      // If the process dies here, the approval holds: regenerating the answer uses it.
      const next = await turns.regenerate(approval.turnId).catch(async (error: unknown) => {
        await approvals.reopen(approvalId)
        throw error
      })
      await dispatchTurn(deps.queue, next).catch((error: unknown) => {
        deps.log.warn({ ...errorFields(error), turnId: next.turnId }, 'turn not handed to the queue; sweep will')
      })
      const text = approvalWording.approved(approval.amount)
      return { turnId: next.turnId, notice: { text } }
    },
  }
}

function already({ state, decidedBy }: Approval, reader: Spender, names: ScopeNames) {
  const who = decidedBy === null ? null : nameOfAccount(decidedBy, reader, names)
  const text = approvalWording.already(state === 'declined' ? 'declined' : 'approved', who)
  return { notice: { text, private: true } }
}

function isSameWorkspace(one: ConversationRef, other: ConversationRef): boolean {
  return one.platform === other.platform && one.workspaceId === other.workspaceId
}

function notFound(): ParleyError {
  return new ParleyError('approval_not_found', approvalWording.notFound)
}
