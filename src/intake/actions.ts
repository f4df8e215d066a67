/**
 * What a pressed button does, and who may press it. The asker pays for a regenerated answer and loses a stopped one, so only
 * they, managers and members of a direct conversation may do either. Everyone who sees an answer may rate it, ask why, and search on for themselves.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Action, ApprovalAction, Notice, Role, TurnAction } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import type { Accepted, Intake, Pressed } from '../core/platform.ts'
import { isUuid } from '../core/uuid.ts'
import type { Channel } from '../queue/channel.ts'
import type { Feedback } from '../store/feedback.ts'
import type { Dispatch, TurnAbout, Turns } from '../store/turns.ts'
import { actionWording } from '../wording/answers.ts'
import { stopTopic } from './stop.ts'

export interface ActionsDeps {
  turns: Pick<Turns, 'about' | 'requestStop' | 'regenerate' | 'setAsker'>
  /** The author with the person and teams that they have now. */
  know(author: Author, at: ConversationRef): Promise<Author>
  feedback: Feedback
  channel: Pick<Channel, 'publish'>
  handOver(next: Dispatch, kind: Accepted['kind']): Promise<void>
  commands: Pick<Intake, 'command'>
  roleOf(person: Author, at: ConversationRef): Promise<Role>
  /** The answer's model, cost and sources, as far as this person may see them. */
  why(turnId: string, by: Author): Promise<Notice>
  /** What fits the question in places that this person may see and the others there may not. */
  mine(turnId: string, by: Author): Promise<Notice>
  approvals: Approvals
  /** Why Parley does not answer this person here. */
  refusal(person: Author, at: ConversationRef): Promise<string | undefined>
}

export interface Approvals {
  /** Approves or declines once. Throws `approval_not_found`, `command_forbidden`. */
  decide(approvalId: string, decision: ApprovalAction, by: Author, at: ConversationRef): Promise<Pressed>
}

/** The job that ends a turn which no worker holds. Dispatches count from 1, so it stands beside them. */
export const stopJob = (turnId: string): Dispatch => ({ turnId, dispatch: 0, attachmentIds: [] })

/** THE table: who may press. */
const pressers = {
  stop: 'asker',
  regenerate: 'asker',
  cheaper: 'asker',
  better: 'asker',
  why: 'everybody',
  mine: 'everybody',
  good: 'everybody',
  bad: 'everybody',
} as const satisfies Record<TurnAction, 'asker' | 'everybody'>

const regenerating: ReadonlySet<TurnAction> = new Set(['regenerate', 'cheaper', 'better'])

export function createActions(deps: ActionsDeps): Intake['act'] {
  const { turns, feedback } = deps

  return async (pressed) => {
    const { replyTarget } = pressed
    const at = replyTarget.conversation
    const by = await deps.know(pressed.by, at)
    const action = { ...pressed, by }
    // People who are refused by now may still stop their running answers.
    const refusal = action.kind === 'stop' ? undefined : await deps.refusal(by, at)
    if (refusal !== undefined) throw new ParleyError('request_forbidden', refusal)
    switch (action.kind) {
      case 'approve':
      case 'decline':
        return await deps.approvals.decide(action.approvalId, action.kind, by, at)
      case 'command':
        return { notice: await deps.commands.command(commandOf(action)) }
      default:
        await mayPress(action, by, at).then((turn) => paidBy(action, turn))
        return await press(action)
    }
  }

  async function press(action: Extract<Action, { turnId: string }>): Promise<Pressed> {
    const { kind, turnId, by } = action
    switch (kind) {
      case 'stop':
        return await stop(turnId, action.id)
      case 'regenerate':
        return await regenerate(turnId)
      case 'cheaper':
      case 'better':
        return await regenerate(turnId, { tier: kind })
      case 'why':
        return { notice: { private: true, ...(await deps.why(turnId, by)) } }
      case 'mine':
        return { notice: { ...(await deps.mine(turnId, by)), private: true } }
      case 'good':
      case 'bad':
        if (!(await feedback.give(turnId, by.id, kind, action.comment))) throw notFound()
        return { notice: { text: thanks(kind, action.comment), private: true } }
    }
  }

  async function regenerate(turnId: string, overrides?: { tier: 'cheaper' | 'better' }): Promise<Pressed> {
    const next = await turns.regenerate(turnId, overrides)
    await deps.handOver(next, 'new')
    return { turnId: next.turnId }
  }

  async function stop(turnId: string, eventId: string): Promise<Pressed> {
    const known = await turns.requestStop(turnId, eventId)
    if (known === null) throw notFound()
    // The worker that holds the turn hears this at once; should it be lost, the next renewal of the lease tells.
    deps.channel.publish(stopTopic, { turnId })
    // No worker holds a turn whose files are still unread: this job ends it without waiting for them.
    if (known === 'queued') await deps.handOver(stopJob(turnId), 'new')
    return { turnId }
  }

  async function mayPress(
    { kind, turnId, byPlatform }: Extract<Action, { turnId: string }>,
    by: Author,
    at: ConversationRef,
  ): Promise<TurnAbout> {
    // The database would not take an id of another form.
    const turn = isUuid(turnId) ? await turns.about(turnId) : null
    // A turn of another workspace is as good as none: its id alone opens nothing.
    if (turn === null || !isSameWorkspace(turn.conversation, at)) throw notFound()
    const isAsker = turn.author.id === by.id
    if (turn.private && !isAsker) throw notFound()
    if (pressers[kind] === 'everybody' || isAsker || turn.direct || (kind === 'stop' && byPlatform)) return turn
    if ((await deps.roleOf(by, turn.conversation)) === 'member') throw notYours(kind, turn)
    return turn
  }

  /** A regenerated answer counts for the person whose account the asker's is by now. */
  async function paidBy({ kind, turnId }: Extract<Action, { turnId: string }>, turn: TurnAbout): Promise<void> {
    if (!regenerating.has(kind)) return
    const now = await deps.know(turn.author, turn.conversation)
    if (!isDeepStrictEqual([now.personId, now.teamIds], [turn.author.personId, turn.author.teamIds]))
      await deps.turns.setAsker(turnId, now)
  }
}

function commandOf(action: Extract<Action, { kind: 'command' }>) {
  const { id, by, replyTarget, text } = action
  return { id, conversation: replyTarget.conversation, author: by, text, replyTarget }
}

function isSameWorkspace(one: ConversationRef, other: ConversationRef): boolean {
  return one.platform === other.platform && one.workspaceId === other.workspaceId
}

function thanks(kind: 'good' | 'bad', comment: string | undefined): string {
  if (kind === 'good') return actionWording.markedGood
  return comment === undefined ? actionWording.markedBad : actionWording.commentSaved
}

function notFound(): ParleyError {
  return new ParleyError('turn_not_found', actionWording.notFound)
}

function notYours(kind: TurnAction, { author }: TurnAbout): ParleyError {
  const action = kind === 'stop' ? 'stop' : 'regenerate'
  return new ParleyError('request_forbidden', actionWording.notYours(action, author.name))
}
