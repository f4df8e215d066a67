/**
 * What a model wants to change, as a card with two buttons: to the person who asked, in the place where they asked; or to admins, in the
 * channel for alerts, where a policy says so. A press decides once; the turn then goes on. Budget approvals (approvals.ts) work the same way.
 */
import type { ApprovalAction, Notice, Role } from '../core/command.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import {
  type Author,
  type ConversationRef,
  conversationKey,
  type IncomingMessage,
  type ReplyTarget,
} from '../core/message.ts'
import type { Platform, Pressed } from '../core/platform.ts'
import { scopeOf, spenderOf } from '../core/scope.ts'
import { isUuid } from '../core/uuid.ts'
import type { Queue } from '../queue/queue.ts'
import type { Approvers, ToolCalls, WriteCall } from '../store/tool-calls.ts'
import type { Turns } from '../store/turns.ts'
import { approvalWording } from '../wording/answers.ts'
import { nameOfAccount, type ScopeNames } from '../wording/commands.ts'
import { type UntrustedReason, toolApprovalWording as wording } from '../wording/tools.ts'
import type { Alerts } from './alerts.ts'
import { dispatchTurn } from './dispatch.ts'

export interface ToolRequest {
  id: string
  tool: string
  server: string | undefined
  approvers: Approvers
  shown: string
  marked: boolean
  untrusted: readonly UntrustedReason[]
  work: { platform: string; replyTarget: ReplyTarget; messages: readonly IncomingMessage[] }
}

const sendingMs = 30_000
/** A longer card also has its arguments as a file, for chats that cannot show it whole. */
const inlineCharacters = 1_500

export function createToolRequests({
  alerts,
  platform,
  log,
}: {
  alerts: Pick<Alerts, 'target'>
  platform(name: string): Pick<Platform, 'transport' | 'capabilities'>
  log: Log
}) {
  /** Where those who may decide see it. */
  async function targetOf({ approvers, work }: ToolRequest, asked: IncomingMessage): Promise<ReplyTarget> {
    if (approvers === 'asker') return work.replyTarget
    return (await alerts.target(scopeOf.channel(spenderOf(asked.conversation, asked.author)))) ?? work.replyTarget
  }

  return {
    async show(request: ToolRequest): Promise<'shown' | 'nobody'> {
      const [asked] = request.work.messages
      if (asked === undefined) return 'nobody'
      const target = await targetOf(request, asked)
      const { transport, capabilities } = platform(target.conversation.platform)
      if (!capabilities.buttons || transport.notify === undefined) return 'nobody'
      const { id: approvalId, shown, marked, untrusted } = request
      // By id, as in requests about budgets.
      const text = wording.card(`<@${asked.author.id}>`, request, shown, marked, untrusted)
      const file = { name: 'arguments.md', mediaType: 'text/markdown', data: new TextEncoder().encode(shown) }
      const notice: Notice = {
        text,
        files: shown.length > inlineCharacters ? [file] : [],
        buttons: [
          { label: wording.approve, style: 'primary', action: { kind: 'approve', approvalId } },
          { label: wording.deny, style: 'danger', action: { kind: 'decline', approvalId } },
        ],
        private: target === request.work.replyTarget && asked.private === true,
      }
      const options = { key: `tool-call-${approvalId}`, signal: AbortSignal.timeout(sendingMs) }
      try {
        await transport.notify(target, notice, options)
        return 'shown'
      } catch (error) {
        if (!(error instanceof ParleyError) || error.code !== 'platform_rejected') throw error
        log.warn({ ...errorFields(error), call: approvalId }, 'a request for approval could not be shown')
        return 'nobody'
      }
    },
  }
}

export interface ToolDecisionsDeps {
  calls: Pick<ToolCalls, 'find' | 'decide'>
  alerts: Pick<Alerts, 'target'>
  turns: Pick<Turns, 'about' | 'redispatch'>
  queue: Pick<Queue, 'add' | 'addFlow'>
  log: Log
  roleOf(person: Author, at: ConversationRef): Promise<Role>
  names(): Promise<ScopeNames>
}

/** `undefined` for an id of something else. Throws `approval_not_found`, `command_forbidden`. */
export type DecideToolCall = (
  id: string,
  decision: ApprovalAction,
  by: Author,
  at: ConversationRef,
) => Promise<Pressed | undefined>

export function createToolDecisions(deps: ToolDecisionsDeps): DecideToolCall {
  const { calls, turns } = deps

  async function mayDecide({ approvers, turnId }: WriteCall, by: Author, at: ConversationRef): Promise<void> {
    const turn = await turns.about(turnId)
    if (turn === null) throw notFound()
    const { conversation, author } = turn
    const isHere = conversation.platform === at.platform && conversation.workspaceId === at.workspaceId
    const isAsker = isHere && author.id === by.id
    if (turn.private && !isAsker && approvers === 'asker') throw notFound()
    if (approvers === 'asker') {
      if (!isHere) throw notFound()
      if (!isAsker) throw new ParleyError('command_forbidden', wording.askerOnly)
      return
    }
    const sent = await deps.alerts.target(scopeOf.channel(conversation))
    const isSentHere = sent !== undefined && conversationKey(sent.conversation) === conversationKey(at)
    if (!isHere && !isSentHere) throw notFound()
    if ((await deps.roleOf(by, at)) !== 'admin') throw new ParleyError('command_forbidden', wording.adminsOnly)
  }

  return async (id, decision, by, at) => {
    const call = isUuid(id) ? await calls.find(id) : null
    if (call === null) return undefined
    await mayDecide(call, by, at)
    const decided = await calls.decide(id, decision, `${at.platform}/${at.workspaceId}/${by.id}`)
    if (decided.kind === 'ended') return said(wording.ended)
    if (decided.kind === 'already') return said(await already(decided.call, by, at))
    if (decided.next !== null) {
      // If the process dies here, the decision holds: the sweep finds the turn.
      try {
        for (const next of await turns.redispatch([decided.next])) await dispatchTurn(deps.queue, next)
      } catch (error) {
        deps.log.warn({ ...errorFields(error), turnId: call.turnId }, 'turn not handed to the queue; sweep will')
      }
    }
    return { notice: { text: decision === 'approve' ? wording.approved : wording.denied } }
  }

  async function already({ state, decidedBy }: WriteCall, by: Author, at: ConversationRef): Promise<string> {
    if (state === 'overdue') return wording.expired
    if (state === 'expired') return wording.changed
    const who = decidedBy === null ? null : nameOfAccount(decidedBy, spenderOf(at, by), await deps.names())
    return wording.already(state === 'denied' ? 'denied' : 'approved', who)
  }
}

function said(text: string): Pressed {
  return { notice: { text, private: true, failed: true } }
}

function notFound(): ParleyError {
  return new ParleyError('approval_not_found', approvalWording.notFound)
}
