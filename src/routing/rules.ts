/** What admins and people have set for a question: the policy of its place, who is pinned, how Parley answers there. */
import type { WebMode } from '../core/message.ts'
import type { Spender } from '../core/scope.ts'
import { policyWording } from '../wording/routing.ts'

/** What may answer a question, by the rules of its channel and workspace. Models are named `provider/id`, as in settings. */
export interface Policy {
  /** Only local models: questions do not leave your network. */
  localOnly: boolean
  /** Absent: every model. */
  allowed?: readonly string[]
  disabled: readonly string[]
  /** When a budget does not hold what a model can cost: try a cheaper one, or refuse. */
  atLimit: 'cheaper' | 'refuse'
  /** Whether the web is searched; absent: `auto`. */
  web?: WebMode | undefined
  /** Whether files that were shared earlier are searched, beside those of the conversation itself. */
  memory: boolean
  /** Whether models get tools. */
  tools: boolean
  /** Who decides about calls that change something. */
  approvals: 'asker' | 'admins'
}

export const openPolicy: Policy = {
  localOnly: false,
  disabled: [],
  atLimit: 'cheaper',
  web: 'auto',
  memory: true,
  tools: true,
  approvals: 'asker',
}

/** The rules that restrict something, as sentences. */
export function describePolicy({ localOnly, allowed, disabled, atLimit }: Policy): string[] {
  return [
    ...(localOnly ? [policyWording.localOnly] : []),
    ...(allowed === undefined ? [] : [policyWording.allowed(allowed)]),
    ...(disabled.length === 0 ? [] : [policyWording.disabled(disabled)]),
    ...(atLimit === 'refuse' ? [policyWording.refuseAtLimit] : []),
  ]
}

export interface Persona {
  /** Of the workspace, the channel and the person, widest first. */
  instructions: readonly string[]
  /** The language to answer in, as people call it; absent: that of the question. */
  language?: string
  /** 0 to 2. */
  temperature?: number
  maxOutputTokens?: number
}

export interface TurnRules {
  policy: Policy
  /** The narrowest pin: `provider/id` or id, and the words after "… is pinned": `for you`, `for this channel`. */
  pinned?: { model: string; by: string }
  /** Where it is another than the catalogue's. */
  defaultModel?: string
  /** What people here type → `provider/id`, beside the catalogue's own. */
  aliases: Readonly<Record<string, string>>
  persona: Persona
}

/** From memory where nothing changed: a turn makes no round trip for it. */
export type RulesOf = (spender: Spender) => Promise<TurnRules>

/** Where nothing is set. */
export const plainRules: TurnRules = { policy: openPolicy, aliases: {}, persona: { instructions: [] } }
