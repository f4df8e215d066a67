/**
 * What people do besides writing messages, as platforms see it: commands after `/parley`, presses of buttons, and the notices
 * that come back. The table of commands itself lives in src/admin; a platform shows it in its own form (sub-commands,
 * suggestions, help) and hands calls to `Intake.command` and `Intake.act`.
 */
import type { Author, ConversationRef, ReplyTarget } from './message.ts'

/**
 * Of one reply. `cheaper` and `better` regenerate it with a model of the tier below or above; `mine` searches what the presser alone may see.
 */
export const turnActions = ['stop', 'regenerate', 'cheaper', 'better', 'why', 'mine', 'good', 'bad'] as const
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

/**
 * What a button does is one short string on every platform, so that an old button still works after a restart. At most 100
 * characters for ids of turns and approvals: Discord's limit for a button.
 */
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

export type Role = 'member' | 'manager' | 'admin'

export interface ArgumentSpec {
  name: string
  summary: string
  required: boolean
  /** `rest` takes all words that are left. `choice` has `choices`; `model` and the like are completed by `Intake.suggest`. */
  type: 'word' | 'rest' | 'number' | 'usd' | 'choice' | 'model' | 'person' | 'channel' | 'switch'
  choices?: readonly string[]
}

export interface CommandSpec {
  /** One or two words: `why`, `budget set`. */
  name: string
  summary: string
  /** The least role that may call it. */
  role: Role
  /** It asks a question, whose answer follows in the place where it was called. */
  asks?: true
  args: readonly ArgumentSpec[]
  /** Complete lines as they are typed after `/parley`. */
  examples: readonly string[]
}

export interface CommandCall {
  /** The platform's event id: the same call delivered twice has its effect once. */
  id: string
  conversation: ConversationRef
  author: Author
  /** What was typed after `/parley`: `budget set channel 20 month`. Mentions are platform ids: `<@U123>`, `<#C123>`. */
  text: string
  /** It was typed in a direct conversation with Parley: nobody else reads it. */
  direct?: boolean
  /** It was typed in the channel itself, where each post begins a thread, and not in a thread that was there before. */
  beginsThread?: boolean
  /** Where the answer and, for what is set up here, later notices go. */
  replyTarget: ReplyTarget
  locale?: string
}

export interface Button {
  label: string
  action: ButtonAction
  style?: 'primary' | 'danger'
}

export interface OutgoingFile {
  name: string
  mediaType: string
  data: Uint8Array
  /** What a picture shows, for those who do not see it. */
  alt?: string
}

/** A message of Parley's outside of any reply: what a command answered, an alert, a request for approval. */
export interface Notice {
  /** Markdown. */
  text: string
  files?: OutgoingFile[]
  buttons?: Button[]
  /** Only the asker sees it, where the platform can. */
  private?: boolean
  /** The text says why nothing was done. */
  failed?: true
}

/** Sentences name commands as chats do, "`/parley models list`". `prefix` is what is typed elsewhere: `/`, `parley admin `. */
export function commandsTypedAs(prefix: string, text: string): string {
  return text.replaceAll(/`\/parley(?: ([^`]*))?`/g, (_, line = '') => `\`${`${prefix}${line}`.trim()}\``)
}
