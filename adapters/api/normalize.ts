/** Pure: what a program asks → a message with its files and options, in Parley's words. */
import type { ActiveKey } from '../../src/core/api-key.ts'
import type { HttpContext } from '../../src/core/http.ts'
import type { Author, ConversationRef, IncomingMessage } from '../../src/core/message.ts'
import { routedNames } from '../../src/core/route-decision.ts'
import type { Asked } from './program-request.ts'

export const platformName = 'api'

export interface Received {
  /** Names this request; a repetition with the same Idempotency-Key has the same. */
  id: string
  key: ActiveKey
  sentAt: Date
  /** As stored in Parley's blobs. */
  files: readonly { name: string; mediaType: string; voiceNote: boolean; hash: string; bytes: number }[]
}

export function conversationOf(id: string, key: Pick<ActiveKey, 'id'>): ConversationRef {
  return { platform: platformName, workspaceId: 'api', channelId: key.id, threadId: id }
}

/** A question by key is its owner's, too: it counts for their budgets and limits. */
export function authorOf({ id, name, ownerId }: Pick<ActiveKey, 'id' | 'name' | 'ownerId'>): Author {
  return { id, name, personId: ownerId ?? undefined }
}

export function keyOf(context: HttpContext): ActiveKey {
  const caller = context.get('caller')
  if (caller.as !== 'key') throw new Error('this route is for keys')
  return caller.key
}

export function normalize(asked: Asked, { id, key, sentAt, files }: Received): IncomingMessage {
  const { model, text, instructions, history, after, truncation } = asked
  const routed = routedNames.includes(model)
  const conversation = conversationOf(id, key)
  return {
    id,
    conversation,
    author: authorOf(key),
    keyId: key.id,
    text,
    kind: 'direct',
    attachments: files.map((file, at) => ({
      id: `${at}`,
      name: file.name,
      mediaType: file.mediaType,
      bytes: file.bytes,
      voiceNote: file.voiceNote,
      locator: { blob: file.hash },
      blob: file.hash,
    })),
    replyTarget: { conversation, data: null },
    overrides: { model: routed ? undefined : model, ...asked.overrides },
    program: {
      ownPrompt: !routed,
      overflow: (truncation ?? (routed ? 'auto' : 'disabled')) === 'auto' ? 'cut' : 'refuse',
      fallback: routed || asked.route === 'fallback',
      after: after.length === 0 ? undefined : after,
      ignored: asked.ignored,
      digest: asked.digest,
      ...asked.program,
    },
    history: history.length === 0 ? undefined : history,
    instructions,
    sentAt: sentAt.toISOString(),
  }
}
