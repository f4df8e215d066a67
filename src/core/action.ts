/** What buttons do: one short string on every platform, so that an old button still works after a restart. */
import type { Author, ReplyTarget } from './message.ts'

/** Of one reply. `cheaper` and `better` regenerate it with a model of the tier below or above. */
export const turnActions = ['stop', 'regenerate', 'cheaper', 'better', 'why', 'good', 'bad'] as const
export type TurnAction = (typeof turnActions)[number]

/** Of a request for an admin's approval. */
export const approvalActions = ['approve', 'decline'] as const
export type ApprovalAction = (typeof approvalActions)[number]

export type ButtonAction =
  | { kind: TurnAction; turnId: string }
  | { kind: ApprovalAction; approvalId: string }
  /** Runs a command of the table, as if the person had typed it. */
  | { kind: 'command'; text: string }

export type Action = ButtonAction & {
  /** The platform's event id: the same press delivered twice has its effect once. */
  id: string
  by: Author
  /** Where it was pressed, and where what it sets off is answered. */
  replyTarget: ReplyTarget
  /** With `stop`: the platform's own button, which has ended the display of the answer already, whoever pressed it. */
  byPlatform?: boolean
  /** With `bad`: what was wrong, in the person's words. */
  comment?: string
}

/** At most 100 characters for ids of turns and approvals: Discord's limit for a button. */
export function encodeAction(action: ButtonAction): string {
  if (action.kind === 'command') return `command:${action.text}`
  return 'turnId' in action ? `${action.kind}:${action.turnId}` : `${action.kind}:${action.approvalId}`
}

/** `undefined` for what is no action of Parley's. */
export function decodeAction(encoded: string): ButtonAction | undefined {
  const at = encoded.indexOf(':')
  const kind = encoded.slice(0, at)
  const rest = encoded.slice(at + 1)
  if (at < 0 || rest === '') return undefined
  if (kind === 'command') return { kind, text: rest }
  const ofTurn = turnActions.find((each) => each === kind)
  if (ofTurn !== undefined) return { kind: ofTurn, turnId: rest }
  const ofApproval = approvalActions.find((each) => each === kind)
  return ofApproval === undefined ? undefined : { kind: ofApproval, approvalId: rest }
}
