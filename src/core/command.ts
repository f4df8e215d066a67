/**
 * Commands as platforms see them: what may be typed after `/parley`, and what comes back. The table itself lives in
 * src/admin; a platform shows it in its own form (sub-commands, suggestions, help) and hands calls to `Intake.command`.
 */
import type { ButtonAction } from './action.ts'
import type { Author, ConversationRef, ReplyTarget } from './message.ts'

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
