/**
 * What a setting, a limit or a budget holds for, as one string: `all`, `workspace:slack/T1`, `team:5f0e…`, `channel:slack/T1/C1`,
 * `user:slack/T1/U1`, `person:7c41…`, `model:openai/gpt-5`, `key:7f3a…`. Parts are escaped, so no two scopes share a string.
 *
 * `user:` is an account of one platform; `person:` is the human being with all accounts that are linked.
 */
import { z } from 'zod'
import type { Author, ConversationRef } from './message.ts'

/** How many parts each kind has. */
const sizes = { workspace: 2, team: 1, channel: 3, user: 3, person: 1, model: 2, key: 1 } as const

export type ScopeKind = keyof typeof sizes

export type Scope = 'all' | `${ScopeKind}:${string}`

/** Whose question a call is made for. */
export type Spender = z.infer<typeof Spender>
export const Spender = z.object({
  platform: z.string(),
  workspaceId: z.string(),
  /** The channel itself, whichever thread of it. */
  channelId: z.string(),
  userId: z.string(),
  /** Absent: nobody knows whose account it is. */
  personId: z.string().optional(),
  teamIds: z.array(z.string()).readonly().optional(),
  /** Of an API key, where the question came with one. */
  keyId: z.string().optional(),
})

export function spenderOf(
  { platform, workspaceId, channelId }: ConversationRef,
  { id, personId, teamIds }: Pick<Author, 'id' | 'personId' | 'teamIds'>,
  keyId?: string,
): Spender {
  return { platform, workspaceId, channelId, userId: id, personId, teamIds, keyId }
}

const joined = (...parts: string[]) => parts.map(encodeURIComponent).join('/')

export const scopeOf = {
  workspace: ({ platform, workspaceId }: Pick<Spender, 'platform' | 'workspaceId'>): Scope =>
    `workspace:${joined(platform, workspaceId)}`,
  team: (teamId: string): Scope => `team:${encodeURIComponent(teamId)}`,
  channel: ({ platform, workspaceId, channelId }: Pick<Spender, 'platform' | 'workspaceId' | 'channelId'>): Scope =>
    `channel:${joined(platform, workspaceId, channelId)}`,
  user: ({ platform, workspaceId, userId }: Pick<Spender, 'platform' | 'workspaceId' | 'userId'>): Scope =>
    `user:${joined(platform, workspaceId, userId)}`,
  person: (personId: string): Scope => `person:${encodeURIComponent(personId)}`,
  model: (provider: string, id: string): Scope => `model:${joined(provider, id)}`,
  key: (keyId: string): Scope => `key:${encodeURIComponent(keyId)}`,
}

/** What someone sets for themselves: for the person, or for the account where the person is not known. */
export function ownScope(spender: Spender): Scope {
  return spender.personId === undefined ? scopeOf.user(spender) : scopeOf.person(spender.personId)
}

/**
 * Every scope of a person's question, widest first: a narrower setting wins over a wider one. The person comes after the account,
 * because what people set for themselves holds on every platform.
 */
export function scopesOf(spender: Spender): Scope[] {
  const { teamIds = [], personId, keyId } = spender
  return [
    'all',
    scopeOf.workspace(spender),
    ...teamIds.map(scopeOf.team),
    scopeOf.channel(spender),
    scopeOf.user(spender),
    ...(personId === undefined ? [] : [scopeOf.person(personId)]),
    ...(keyId === undefined ? [] : [scopeOf.key(keyId)]),
  ]
}

/** Whether a scope is one of these, or a place or an account in a workspace among them. */
export function isWithin(scope: string, scopes: Iterable<string>): boolean {
  const [kind = '', place = ''] = scope.split(/:(.*)/s)
  const isInWorkspace = ['workspace', 'channel', 'user'].includes(kind)
  return [...scopes].some((each) => {
    if (each === scope) return true
    if (!isInWorkspace || !each.startsWith('workspace:')) return false
    return place.startsWith(`${each.slice('workspace:'.length)}/`)
  })
}

export function isScope(text: string): text is Scope {
  const [kind = ''] = text.split(':', 1)
  return text === 'all' || (isKind(kind) && text.length > kind.length + 1)
}

/**
 * A scope as people write it in parley.yaml or the terminal: `channel:slack/T1/C1`, `model:gpu/meta-llama/Llama-3.1-8B`. Only
 * the id of a model may have slashes. Parts that are escaped already stay as they are. `undefined`: it is no scope.
 */
export function readScope(written: string): Scope | undefined {
  if (written === 'all') return 'all'
  const [kind = '', rest = ''] = written.split(/:(.*)/s)
  if (!isKind(kind)) return undefined
  const split = rest.split('/')
  const parts = kind === 'model' ? [split[0] ?? '', split.slice(1).join('/')] : split
  if (parts.length !== sizes[kind] || parts.includes('')) return undefined
  return `${kind}:${joined(...parts.map(unescaped))}`
}

function isKind(kind: string): kind is ScopeKind {
  return Object.hasOwn(sizes, kind)
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
