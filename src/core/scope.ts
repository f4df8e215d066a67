/**
 * What a setting, a limit or a budget holds for, as one string: `all`, `workspace:slack/T1`, `channel:slack/T1/C1`,
 * `user:slack/T1/U1`, `model:openai/gpt-5`, `key:7f3a…`. Parts are escaped, so no two scopes share a string.
 */
import type { ConversationRef } from './message.ts'

export type Scope = 'all' | `${'workspace' | 'channel' | 'user' | 'model' | 'key'}:${string}`

/** Whose question a call is made for. */
export interface Spender {
  platform: string
  workspaceId: string
  /** The channel itself, whichever thread of it. */
  channelId: string
  userId: string
  /** Of an API key, where the question came with one. */
  keyId?: string
}

export function spenderOf(
  { platform, workspaceId, channelId }: ConversationRef,
  userId: string,
  keyId?: string,
): Spender {
  return { platform, workspaceId, channelId, userId, keyId }
}

const joined = (...parts: string[]) => parts.map(encodeURIComponent).join('/')

export const scopeOf = {
  workspace: ({ platform, workspaceId }: Omit<Spender, 'channelId' | 'userId'>): Scope =>
    `workspace:${joined(platform, workspaceId)}`,
  channel: ({ platform, workspaceId, channelId }: Omit<Spender, 'userId'>): Scope =>
    `channel:${joined(platform, workspaceId, channelId)}`,
  user: ({ platform, workspaceId, userId }: Omit<Spender, 'channelId'>): Scope =>
    `user:${joined(platform, workspaceId, userId)}`,
  model: (provider: string, id: string): Scope => `model:${joined(provider, id)}`,
  key: (keyId: string): Scope => `key:${encodeURIComponent(keyId)}`,
}

/** Every scope of a person's question, widest first: a narrower setting wins over a wider one. */
export function scopesOf(spender: Spender): Scope[] {
  const key = spender.keyId === undefined ? [] : [scopeOf.key(spender.keyId)]
  return ['all', scopeOf.workspace(spender), scopeOf.channel(spender), scopeOf.user(spender), ...key]
}
