/**
 * An admin's one-time approval. At the limit the turn ends with a refusal and a request goes to the channel chosen for
 * alerts; approved there, the question is answered anew, and its next reservation passes the limit once, still booked.
 */
import type { Button, Role } from '../core/command.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type Author, type ConversationRef, conversationKey } from '../core/message.ts'
import { formatUsd } from '../core/money.ts'
import type { Queue } from '../queue/queue.ts'
import { approvalMessage, type BudgetExhausted } from '../routing/exhausted.ts'
import type { Approval, Approvals as ApprovalStore } from '../store/approvals.ts'
import type { Turns } from '../store/turns.ts'
import type { Approvals } from './actions.ts'
import type { Alerts } from './alerts.ts'
import { dispatchTurn } from './dispatch.ts'

/** What the worker of a refused turn calls. */
export interface ApprovalRequests {
  /** Asks for a turn once. What to tell its asker beside the refusal; `undefined` when there is nobody to ask. */
  ask(turnId: string, asker: Author, exhausted: BudgetExhausted): Promise<string | undefined>
}

export function createApprovalRequests(deps: {
  approvals: Pick<ApprovalStore, 'ask'>
  alerts: Alerts
}): ApprovalRequests {
  return {
    async ask(turnId, asker, { by, worst }) {
      if ((await deps.alerts.target(by.scope)) === undefined) return undefined
      const { id: approvalId } = await deps.approvals.ask({ turnId, budgetId: by.id, scope: by.scope, amount: worst })
      const buttons: Button[] = [
        { label: 'Approve once', style: 'primary', action: { kind: 'approve', approvalId } },
        { label: 'Decline', style: 'danger', action: { kind: 'decline', approvalId } },
      ]
      // By id: the platform shows the name, and a name would stay in notices and logs when the person is forgotten.
      const text = approvalMessage(by, worst, `<@${asker.id}>`)
      const sent = await deps.alerts.send(by.scope, { text, buttons }, `approval-${approvalId}`)
      return sent === 'sent' ? 'An admin has been asked to let it pass once.' : undefined
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
}

export function createApprovalActions(deps: ApprovalsDeps): Approvals {
  const { approvals, turns } = deps
  return {
    async decide(approvalId, decision, by, at) {
      const approval = /^[0-9a-f-]{36}$/.test(approvalId) ? await approvals.find(approvalId) : null
      const turn = approval && (await turns.about(approval.turnId))
      if (approval === null || turn === null) throw notFound()
      const sent = await deps.alerts.target(approval.scope)
      const here = sent !== undefined && conversationKey(sent.conversation) === conversationKey(at)
      // Of another workspace only where its requests are sent to.
      if (!here && !isSameWorkspace(turn.conversation, at)) throw notFound()
      if ((await deps.roleOf(by, at)) !== 'admin')
        throw new ParleyError('command_forbidden', 'Only admins can decide this. Ask one of them.')
      const admin = `${at.platform}/${at.workspaceId}/${by.id}`
      const before = approval.state !== 'asked' ? approval : await approvals.decide(approvalId, decision, admin)
      if (before !== null) return already(before)
      if (decision === 'decline') return { notice: { text: 'Declined. Nothing is spent on this question.' } }
      // Killed here, the approval stands: whoever has the answer written anew may use it.
      const next = await turns.regenerate(approval.turnId).catch(async (error: unknown) => {
        await approvals.reopen(approvalId)
        throw error
      })
      await dispatchTurn(deps.queue, next).catch((error: unknown) => {
        deps.log.warn({ ...errorFields(error), turnId: next.turnId }, 'turn not handed to the queue; sweep will')
      })
      const text = `Approved: the question is answered now, for up to ${formatUsd(approval.amount)}.`
      return { turnId: next.turnId, notice: { text } }
    },
  }
}

function already({ state, decidedBy }: Approval) {
  const by = decidedBy === null ? '' : ` by ${decidedBy}`
  return { notice: { text: `This was ${state === 'declined' ? 'declined' : 'approved'} before${by}.`, private: true } }
}

function isSameWorkspace(one: ConversationRef, other: ConversationRef): boolean {
  return one.platform === other.platform && one.workspaceId === other.workspaceId
}

function notFound(): ParleyError {
  return new ParleyError(
    'approval_not_found',
    'That request is no longer here. Ask for the question to be asked again.',
  )
}
